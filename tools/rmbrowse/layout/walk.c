/* SPDX-License-Identifier: MIT */
#include "layout/make.h"

#include <math.h>
#include <string.h>

bool walk_enter(struct making *making, ref_t ref, bool first, const struct style *parent,
                struct style *style) {
    if (making->depth >= G_N_ELEMENTS(making->path)) return false;
    const struct node *node = store_peek(ref);
    making->path[making->depth++] = (struct style_step){
        .tag = node->tag,
        .first_child = first,
        .attributes = node->content ? store_peek(node->content) : NULL,
        .attributes_size = node->content ? store_size(node->content) : 0,
    };
    style_compute(style, parent, making->path, making->depth, making->input->sheets,
                  making->input->n_sheets);
    return true;
}

void walk_leave(struct making *making) { making->depth--; }

static const char *attribute(const struct making *making, const char *name) {
    const struct style_step *step = &making->path[making->depth - 1];
    return attribute_of(step->attributes, step->attributes_size, name);
}

static void anchors_add(struct making *making, float y, size_t at) {
    bool link = making->path[making->depth - 1].tag == TAG_A;
    const char *names[] = {attribute(making, "id"),
                           link ? attribute(making, "name") : NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i] && *names[i]) {
            struct anchor anchor = {names[i], y, at};
            g_array_append_val(making->anchors, anchor);
        }
}

void walk_anchors(struct flow *flow) {
    anchors_add(flow->making, ANCHOR_WAITS, flow->run.text->len);
}

void walk_anchors_at(struct making *making, float y) { anchors_add(making, y, 0); }

static void walk_image(struct flow *flow, const struct node *node,
                       const struct style *style, const struct inline_state *state) {
    struct span span = {.button = node->content};
    float most = flow->measuring ? flow->making->input->width : flow->frame->width;
    picture_size(flow->making, node, style, most, &span);
    run_image(&flow->run, &span, style, state);
}

/* A field of a form: what it says, in brackets, as nothing can be typed. */
static void walk_input(struct flow *flow, const struct style *style,
                       const struct inline_state *state) {
    const char *type = attribute(flow->making, "type");
    const char *value = attribute(flow->making, "value");
    if (type && strcmp(type, "hidden") == 0) return;
    if (!value) value = attribute(flow->making, "placeholder");
    if (!value) value = type && (strcmp(type, "submit") == 0) ? "Submit" : "            ";
    struct style field = *style;
    field.pre = true;
    run_words(&flow->run, "[ ", &field, state);
    run_text(&flow->run, value, strlen(value), &field, state);
    run_words(&flow->run, " ]", &field, state);
}

static void walk_inline(struct flow *flow, ref_t ref, const struct style *style,
                        const struct inline_state *state) {
    const struct node *node = store_peek(ref);
    switch (node->tag) {
    case TAG_BR:
        run_words(&flow->run, "\n", style, state);
        if (style->clear) {
            flow_flush(flow);
            if (!flow->measuring)
                flow->y = fmaxf(flow->y, float_bottom(flow, style->clear));
        }
        break;
    case TAG_WBR: run_words(&flow->run, "\xe2\x80\x8b", style, state); break; /* U+200B */
    case TAG_IMG: walk_image(flow, node, style, state); break;
    case TAG_INPUT: walk_input(flow, style, state); break;
    default: walk_children(flow, ref, style, state);
    }
}

/* An element, whose style is known, and which does not float whatever that says. */
static void walk_element(struct flow *flow, ref_t ref, const struct style *style,
                         const struct inline_state *outer) {
    const struct node *node = store_peek(ref);
    struct inline_state state = *outer;
    if (node->tag == TAG_A && attribute(flow->making, "href")) state.link = node->content;
    bool inlined = style->display == DISPLAY_INLINE ||
                   style->display == DISPLAY_INLINE_BLOCK || node->tag == TAG_BR;
    bool alone = !inlined && node->tag == TAG_IMG; /* a line of its own */
    if (!inlined) flow_flush(flow);
    if (!flow->measuring) walk_anchors(flow);
    if (inlined || alone) {
        if (style->background >> 24) state.background = style->background;
        if (style->valign == 1 || style->valign == 2)
            state.rise = style->valign == 1 ? RISE_SUB : RISE_SUPER;
        walk_inline(flow, ref, style, &state);
        if (alone) flow_flush(flow);
        return;
    }
    state.background = COLOUR_NONE;
    if (style->display == DISPLAY_TABLE)
        table_place(flow, ref, style, &state);
    else
        block_place(flow, ref, style, &state);
}

static void walk_text(struct flow *flow, const struct node *node,
                      const struct style *style, const struct inline_state *state) {
    if (!node->content) return;
    const char *text = store_peek(node->content);
    size_t n = store_size(node->content);
    /* The line that <pre> stands on is not one of its own. */
    const struct node *parent = node->parent ? store_peek(node->parent) : NULL;
    if (parent && parent->tag == TAG_PRE && store_peek(parent->first_child) == node &&
        n && *text == '\n')
        text++, n--;
    run_text(&flow->run, text, n, style, state);
}

static void walk_node(struct flow *flow, ref_t ref, bool first,
                      const struct style *parent, const struct inline_state *state) {
    const struct node *node = store_peek(ref);
    if (node->type == NODE_TEXT) {
        walk_text(flow, node, parent, state);
        return;
    }
    struct style style;
    if (!walk_enter(flow->making, ref, first, parent, &style)) return;
    if (style.display == DISPLAY_NONE)
        ;
    else if (style.float_side != FLOAT_NONE)
        float_place(flow, ref, &style, state);
    else
        walk_element(flow, ref, &style, state);
    walk_leave(flow->making);
}

void walk_children(struct flow *flow, ref_t parent, const struct style *style,
                   const struct inline_state *state) {
    bool first = true;
    const struct node *node;
    for (ref_t ref = ((struct node *)store_peek(parent))->first_child;
         ref != NO_REF && !flow->making->layout->truncated; ref = node->next) {
        node = store_peek(ref);
        walk_node(flow, ref, first, style, state);
        first &= node->type != NODE_ELEMENT;
    }
}

void walk_part(struct flow *flow, const struct part *part) {
    switch (part->what) {
    case PART_CHILDREN: walk_children(flow, part->node, part->style, part->state); break;
    case PART_ELEMENT: walk_element(flow, part->node, part->style, part->state); break;
    case PART_NODE: walk_node(flow, part->node, part->first, part->style, part->state);
    }
}

/* ------------------------------------------------------------------ measuring */

/* Tables in tables ask for the same part at each level. */
struct widths walk_measure(struct making *making, const struct part *part) {
    const struct node *node = store_peek(part->node);
    uint64_t key = (uint64_t)node->number << 2 | part->what;
    struct measured *found = g_hash_table_lookup(making->measured, &key);
    if (found) return found->widths;

    struct frame frame = {
        .style = part->style, .width = making->input->width, .topped = true};
    struct flow flow;
    flow_init(&flow, making, &frame);
    walk_part(&flow, part);
    flow_finish(&flow);
    found = g_new(struct measured, 1);
    *found = (struct measured){key, frame.widths};
    found->widths.best += frame.beside;
    g_hash_table_add(making->measured, found);
    return found->widths;
}
