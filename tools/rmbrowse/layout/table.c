/* SPDX-License-Identifier: MIT */
/*
 * Tables. Their rows and cells are walked twice: once to find where the cells are in the grid and how wide they are,
 * once to lay them out, a row at a time. What is not a cell in a row makes one of its own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layout/columns.h"

struct table {
    struct making *making;
    struct flow *flow;
    const struct style *style;
    const struct inline_state *state;
    struct grid grid;
    GArray *columns; /* struct column */
    GArray *open;    /* cells that go on into the next row: their numbers */
    bool laying;     /* the second walk */
    bool in_row;
    struct frame frame; /* of the second walk */
    float spacing,
        outer; /* between cells, and around all; negative where borders lie on one another */
    float padding; /* that its attribute wants; negative: none */
    bool ruled;    /* cells have borders, says an attribute */
    float row_top, row_least;
    colour_t group_background, row_background;
    size_t next, placed; /* cells met so far in this walk; of them, those in the grid */
    ref_t caption;
};

static struct cell *cell_at(const struct table *table, size_t n) {
    return &g_array_index(table->grid.cells, struct cell, n);
}

static const char *attribute(const struct making *making, const char *name) {
    const struct style_step *step = &making->path[making->depth - 1];
    return attribute_of(step->attributes, step->attributes_size, name);
}

/* A number that is not negative; `otherwise` where there is none. */
static float number(const struct making *making, const char *name, float otherwise,
                    float most) {
    const char *value = attribute(making, name);
    char *end;
    double found = value ? strtod(value, &end) : 0;
    return value && end != value && found >= 0 ? fminf(truncf(found), most) : otherwise;
}

/* ------------------------------------------------------------------------ cells */

/* A cell's own style, and what the table's attributes say of it. */
static struct style cell_style(const struct table *table, const struct style *from) {
    struct style style = *from;
    bool bare = true, tight = true;
    for (side_t side = SIDE_TOP; side < SIDES; side++) {
        bare &= style.border[side] <= 0;
        tight &= length_px(&style.padding[side], 0, 0) <= 1;
    }
    for (side_t side = SIDE_TOP; side < SIDES; side++) {
        if (table->padding >= 0 && tight)
            style.padding[side] = (struct length){table->padding, LENGTH_PX};
        if (table->ruled && bare) {
            style.border[side] = 1;
            style.border_colour[side] = UINT32_C(0xff808080);
        }
    }
    return style;
}

static void cell_gather(struct table *table, const struct part *part,
                        const struct style *style) {
    struct cell cell = {
        .rows = style ? number(table->making, "rowspan", 1, ROWS_MAX) : 1,
        .columns = style ? number(table->making, "colspan", 1, COLUMNS_MAX) : 1,
        .number = table->next++,
        .widths = walk_measure(table->making, part),
    };
    if (style) {
        struct style own = cell_style(table, style);
        float edges = edge_px(&own, SIDE_LEFT, 0) + edge_px(&own, SIDE_RIGHT, 0);
        cell.valign = style->valign;
        cell.width = style->width;
        if (cell.width.unit == LENGTH_PX)
            cell.width.value = rintf(cell.width.value) + edges;
        cell.widths.hard += edges;
        cell.widths.least += edges;
        cell.widths.best += edges;
        if (table->style->collapse)
            table->spacing = fminf(table->spacing, -rintf(own.border[SIDE_RIGHT]));
    }
    grid_cell(&table->grid, cell);
}

static float columns_end(const struct table *table, const struct cell *cell) {
    const struct column *last =
        &g_array_index(table->columns, struct column, cell->column + cell->columns - 1);
    return last->x + last->width;
}

static void cell_lay_out(struct table *table, const struct part *part,
                         const struct style *from) {
    struct making *making = table->making;
    /* Both walks meet the same cells; one for which the grid had no room was left out. */
    size_t met = table->next++;
    if (table->placed >= table->grid.cells->len ||
        cell_at(table, table->placed)->number != met)
        return;
    struct cell *cell = cell_at(table, table->placed);
    struct style style = {0};
    if (from)
        style = cell_style(table, from);
    else
        style.align = part->style->align;
    cell->box = box_append(making, &table->frame);
    if (!cell->box) return;
    g_array_append_val(table->open, table->placed);
    table->placed++;
    struct box *box = cell->box;
    box->x = g_array_index(table->columns, struct column, cell->column).x;
    box->y = table->row_top;
    box->width = columns_end(table, cell) - box->x;
    float left = edge_px(&style, SIDE_LEFT, 0), right = edge_px(&style, SIDE_RIGHT, 0);
    struct frame frame = {
        .style = &style,
        .box = box,
        .x = box->x + left,
        .width = fmaxf(1, box->width - left - right),
        .topped = true,
    };
    struct flow flow;
    cell->anchors = making->anchors->len;
    flow_init(&flow, making, &frame);
    flow.y = box->y + edge_px(&style, SIDE_TOP, 0);
    flow.tight = true;
    if (from) walk_anchors(&flow);
    walk_part(&flow, part);
    flow_flush(&flow);
    flow.margin = 0; /* nor is there one below what is last */
    flow_finish(&flow);
    cell->anchors_end = making->anchors->len;
    cell->bottom = flow.y + edge_px(&style, SIDE_BOTTOM, 0);
    if (style.height.unit == LENGTH_PX)
        table->row_least = fmaxf(table->row_least, length_px(&style.height, 0, 0));
    colour_t background = style.background >> 24        ? style.background
                          : table->row_background >> 24 ? table->row_background
                                                        : table->group_background;
    box_decorate(making, box, &style, background);
}

/* ------------------------------------------------------------------------- rows */

static void row_begin(struct table *table, const struct style *style) {
    grid_row(&table->grid);
    table->in_row = true;
    table->row_background = style ? style->background : COLOUR_NONE;
    table->row_least =
        style && style->height.unit == LENGTH_PX ? length_px(&style->height, 0, 0) : 0;
}

/* A cell ends with its row, and what is in it goes where it wants to be. */
static void cell_end(struct table *table, struct cell *cell, float bottom) {
    struct box *box = cell->box;
    box->height = bottom - box->y;
    float down = cell->valign == 3   ? floorf((bottom - cell->bottom) / 2)
                 : cell->valign == 4 ? bottom - cell->bottom
                                     : 0;
    if (down <= 0) return;
    for (ref_t ref = box->first_child; ref != NO_REF; ref = box_at(ref)->next)
        box_move(box_at(ref), 0, down);
    anchors_move(table->making, cell->anchors, cell->anchors_end, down);
}

static void row_end(struct table *table) {
    if (!table->in_row) return;
    table->in_row = false;
    if (!table->laying) return;
    uint32_t row = table->grid.row - 1;
    float bottom = table->row_top + table->row_least;
    for (size_t i = 0; i < table->open->len; i++) {
        const struct cell *cell = cell_at(table, g_array_index(table->open, size_t, i));
        if (cell->row + cell->rows - 1 <= row) bottom = fmaxf(bottom, cell->bottom);
    }
    for (size_t i = 0; i < table->open->len;) {
        struct cell *cell = cell_at(table, g_array_index(table->open, size_t, i));
        if (cell->row + cell->rows - 1 <= row) {
            cell_end(table, cell, bottom);
            g_array_remove_index_fast(table->open, i);
        } else {
            i++;
        }
    }
    table->row_top = bottom + table->spacing;
}

/* ------------------------------------------------------------------------- walk */

static bool is_blank(const struct node *node) {
    if (node->type != NODE_TEXT) return false;
    size_t n = node->content ? store_size(node->content) : 0;
    const char *text = n ? store_peek(node->content) : NULL;
    for (size_t i = 0; i < n; i++)
        if (!g_ascii_isspace(text[i])) return false;
    return true;
}

static void table_cell(struct table *table, const struct part *part,
                       const struct style *style) {
    (table->laying ? cell_lay_out : cell_gather)(table, part, style);
}

/* A <col>: how wide it is to be. */
static void table_col(struct table *table, const struct style *style, uint32_t *n) {
    uint32_t span = fmaxf(1, number(table->making, "span", 1, COLUMNS_MAX));
    for (; span > 0 && *n < COLUMNS_MAX; span--, ++*n) {
        struct column column = {.wanted = style->width};
        g_array_append_val(table->columns, column);
    }
}

static void table_cols(struct table *table, ref_t group, const struct style *style) {
    uint32_t n = table->columns->len;
    bool first = true;
    const struct node *node;
    for (ref_t ref = ((struct node *)store_peek(group))->first_child; ref != NO_REF;
         ref = node->next) {
        node = store_peek(ref);
        struct style own;
        if (node->tag != TAG_COL || !walk_enter(table->making, ref, first, style, &own))
            continue;
        first = false;
        table_col(table, &own, &n);
        walk_leave(table->making);
    }
    if (first) table_col(table, style, &n);
}

static void table_children(struct table *table, ref_t parent, const struct style *style,
                           enum display inside, int pass);

/* A child that has been entered. Returns: false where it is to be a cell of its own. */
static bool table_child(struct table *table, ref_t ref, const struct style *style,
                        enum display inside) {
    const struct node *node = store_peek(ref);
    switch (style->display) {
    case DISPLAY_NONE: return true;
    case DISPLAY_TABLE_CAPTION: table->caption = ref; return true;
    case DISPLAY_TABLE_GROUP:
        if (inside != DISPLAY_TABLE) return false;
        row_end(table);
        table->group_background = style->background;
        if (table->laying) walk_anchors_at(table->making, table->row_top);
        table_children(table, ref, style, DISPLAY_TABLE_GROUP, -1);
        row_end(table);
        grid_group_end(&table->grid);
        table->group_background = COLOUR_NONE;
        return true;
    case DISPLAY_TABLE_ROW:
        if (inside == DISPLAY_TABLE_ROW) return false;
        row_end(table);
        row_begin(table, style);
        if (table->laying) walk_anchors_at(table->making, table->row_top);
        table_children(table, ref, style, DISPLAY_TABLE_ROW, -1);
        row_end(table);
        return true;
    case DISPLAY_TABLE_CELL:
        if (!table->in_row) row_begin(table, NULL);
        table_cell(table,
                   &(struct part){.what = PART_CHILDREN,
                                  .node = ref,
                                  .style = style,
                                  .state = table->state},
                   style);
        return true;
    default:
        if (inside == DISPLAY_TABLE && !table->laying &&
            (node->tag == TAG_COL || node->tag == TAG_COLGROUP)) {
            uint32_t n = table->columns->len;
            if (node->tag == TAG_COL)
                table_col(table, style, &n);
            else
                table_cols(table, ref, style);
        }
        return node->tag == TAG_COL || node->tag == TAG_COLGROUP;
    }
}

/* Heads come first and feet last, wherever they stand. */
static int pass_of(tag_t tag) { return tag == TAG_THEAD ? 0 : tag == TAG_TFOOT ? 2 : 1; }

/* Children of the table, of a group or of a row; pass: only these of a table. */
static void table_children(struct table *table, ref_t parent, const struct style *style,
                           enum display inside, int pass) {
    bool first = true;
    const struct node *node;
    for (ref_t ref = ((struct node *)store_peek(parent))->first_child;
         ref != NO_REF && !table->making->layout->truncated; ref = node->next) {
        node = store_peek(ref);
        bool was_first = first;
        first &= node->type != NODE_ELEMENT;
        if (is_blank(node) || (pass >= 0 && pass_of(node->tag) != pass)) continue;
        struct style own;
        bool done = false;
        if (node->type == NODE_ELEMENT) {
            if (!walk_enter(table->making, ref, was_first, style, &own)) continue;
            done = table_child(table, ref, &own, inside);
            walk_leave(table->making);
        }
        if (done) continue;
        if (!table->in_row) row_begin(table, NULL);
        table_cell(table,
                   &(struct part){.what = PART_NODE,
                                  .node = ref,
                                  .first = was_first,
                                  .style = style,
                                  .state = table->state},
                   NULL);
    }
}

static void table_walk(struct table *table, ref_t node, bool laying) {
    table->laying = laying;
    table->grid.row = 0;
    table->next = table->placed = 0;
    for (int pass = 0; pass < 3; pass++)
        table_children(table, node, table->style, DISPLAY_TABLE, pass);
    row_end(table);
    grid_group_end(&table->grid);
}

/* ------------------------------------------------------------------------ table */

/* All that is beside its columns: edges, and the space between cells. */
static float table_edges(const struct table *table, float of) {
    return edge_px(table->style, SIDE_LEFT, of) + edge_px(table->style, SIDE_RIGHT, of) +
           2 * table->outer + table->spacing * (fmaxf(table->columns->len, 1) - 1);
}

static struct widths table_widths(struct table *table, float of) {
    struct widths widths = columns_widths(table->columns);
    float edges = table_edges(table, of);
    widths.hard += edges;
    widths.least += edges;
    widths.best += edges;
    struct style style;
    if (table->caption == NO_REF ||
        !walk_enter(table->making, table->caption, false, table->style, &style))
        return widths;
    struct widths caption =
        walk_measure(table->making, &(struct part){.what = PART_ELEMENT,
                                                   .node = table->caption,
                                                   .style = &style,
                                                   .state = table->state});
    walk_leave(table->making);
    widths.hard = fmaxf(widths.hard, caption.hard);
    widths.least = fmaxf(widths.least, caption.least);
    widths.best = fmaxf(widths.best, widths.least);
    return widths;
}

static void table_measure(struct table *table) {
    struct widths widths = table_widths(table, 0);
    if (table->style->width.unit == LENGTH_PX)
        widths.best = fmaxf(widths.least, length_px(&table->style->width, 0, 0));
    float margins = fmaxf(0, length_px(&table->style->margin[SIDE_LEFT], 0, 0)) +
                    fmaxf(0, length_px(&table->style->margin[SIDE_RIGHT], 0, 0));
    widths.hard += margins;
    widths.least += margins;
    widths.best += margins;
    frame_widen(table->flow->frame, widths);
}

/* Where the table is, beside what floats, and its columns. */
static void table_span(struct table *table) {
    struct flow *flow = table->flow;
    const struct frame *outer = flow->frame;
    const struct style *style = table->style;
    struct widths widths = table_widths(table, outer->width);
    float before = fmaxf(0, length_px(&style->margin[SIDE_LEFT], outer->width, 0));
    float after = fmaxf(0, length_px(&style->margin[SIDE_RIGHT], outer->width, 0));
    float from, most;
    for (;;) {
        struct band band =
            float_band(flow, flow->y, INFINITY); /* nobody knows how high */
        from = fmaxf(outer->x, band.left);
        most = fminf(outer->x + outer->width, band.right) - from - before - after;
        if (most >= widths.least || band.wider <= flow->y) break;
        flow->y = band.wider;
    }
    most = fmaxf(most, 1);
    float width = length_px(&style->width, outer->width, widths.best);
    width = fmaxf(widths.hard, fminf(most, fmaxf(width, widths.least)));
    columns_share(table->columns, width - table_edges(table, outer->width));
    bool auto_left = style->margin[SIDE_LEFT].unit == LENGTH_AUTO;
    bool auto_right = style->margin[SIDE_RIGHT].unit == LENGTH_AUTO;
    bool centre = (auto_left && auto_right) || outer->style->align == ALIGN_CENTER;
    bool right = auto_left || outer->style->align == ALIGN_RIGHT;
    float shift = centre ? floorf((most - width) / 2) : right ? most - width : 0;
    struct box *box = table->frame.box;
    box->x = from + before + fmaxf(0, shift);
    box->width = width;
    float x = box->x + edge_px(style, SIDE_LEFT, outer->width) + table->outer;
    for (size_t i = 0; i < table->columns->len; i++) {
        struct column *column = &g_array_index(table->columns, struct column, i);
        column->x = x;
        x += column->width + table->spacing;
    }
}

/* The caption, as wide as the table, above it. */
static void table_caption(struct table *table, const struct box *box) {
    struct flow *flow = table->flow;
    struct frame frame = {.outer = flow->frame, .style = table->style};
    struct style style;
    if (!walk_enter(table->making, table->caption, false, table->style, &style)) return;
    frame.box = box_append(table->making, flow->frame);
    if (frame.box) {
        frame.x = box->x;
        frame.width = box->width;
        frame.topped = true;
        frame.top = flow->y;
        flow->frame = &frame;
        block_place(flow, table->caption, &style, table->state);
        flow_settle(flow);
        flow->frame = frame.outer;
        *frame.box = (struct box){.next = frame.box->next,
                                  .first_child = frame.box->first_child,
                                  .x = frame.x,
                                  .y = frame.top,
                                  .width = frame.width,
                                  .height = flow->y - frame.top};
    }
    walk_leave(table->making);
}

static void table_lay_out(struct table *table, ref_t node) {
    struct flow *flow = table->flow;
    const struct style *style = table->style;
    struct frame *outer = flow->frame;
    flow_marker(flow);
    flow_margin(flow, length_px(&style->margin[SIDE_TOP], outer->width, 0));
    flow_settle(flow);
    if (style->clear) flow->y = float_bottom(flow, style->clear);
    struct box *box = box_append(table->making, outer);
    if (!box) return;
    table->frame = (struct frame){.outer = outer, .style = style, .box = box};
    table_span(table);
    if (table->caption != NO_REF) table_caption(table, box);
    box->y = flow->y;
    table->row_top = box->y + edge_px(style, SIDE_TOP, outer->width) + table->outer;
    table_walk(table, node, true);
    float bottom = fmaxf(box->y, table->row_top - table->spacing) + table->outer +
                   edge_px(style, SIDE_BOTTOM, outer->width);
    box->height = fmaxf(0, bottom - box->y);
    flow->y = box->y + box->height;
    box_decorate(table->making, box, style, style->background);
    flow_margin(flow, length_px(&style->margin[SIDE_BOTTOM], outer->width, 0));
}

void table_place(struct flow *flow, ref_t node, const struct style *style,
                 const struct inline_state *state) {
    struct making *making = flow->making;
    struct table *table = g_new0(struct table, 1);
    *table = (struct table){
        .making = making,
        .flow = flow,
        .style = style,
        .state = state,
        .columns = g_array_new(FALSE, TRUE, sizeof(struct column)),
        .open = g_array_new(FALSE, FALSE, sizeof(size_t)),
        .spacing = style->collapse ? 0 : number(making, "cellspacing", 2, 100),
        .padding = number(making, "cellpadding", -1, 100),
        .ruled = number(making, "border", 0, 100) > 0,
    };
    table->outer = table->spacing;
    grid_init(&table->grid);
    table_walk(table, node, false);
    columns_measure(table->columns, table->grid.cells, table->spacing);
    if (style->collapse && style->border[SIDE_LEFT] > 0) table->outer = table->spacing;
    if (flow->measuring)
        table_measure(table);
    else
        table_lay_out(table, node);
    grid_finish(&table->grid);
    g_array_free(table->columns, TRUE);
    g_array_free(table->open, TRUE);
    g_free(table);
}
