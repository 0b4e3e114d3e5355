/* SPDX-License-Identifier: MIT */
#include "built.h"

#include <string.h>

static void style_came(void *context, const char *css, size_t n) {
    g_string_append_printf(context, "style{%.*s}", (int)n, css);
}

static void link_came(void *context, const char *href) {
    g_string_append_printf(context, "link{%s}", href);
}

struct built built_of(const char *html, size_t n, gssize step, const char *charset) {
    struct built page = {.store = store_open("page", COMPACT_IDLE),
                         .wanted = g_string_new("")};
    struct build_wants wants = {style_came, link_came, page.wanted};

    g_assert_nonnull(page.store);
    builder_t *builder = builder_begin(&page.document, page.store, charset, &wants);

    g_assert_nonnull(builder);
    for (size_t at = 0; at < n;) {
        size_t piece = step == BUILT_RANDOM  ? (size_t)g_test_rand_int_range(1, 40)
                       : step == BUILT_WHOLE ? n
                                             : (size_t)step;

        piece = MIN(piece, n - at);
        builder_feed(builder, html + at, piece);
        at += piece;
    }
    builder_end(builder);
    return page;
}

void built_drop(struct built *page) {
    document_free(&page->document);
    g_assert_true(page->document.root == NO_REF);
    g_assert_cmpuint(store_close(page->store), ==, 0);
    g_string_free(page->wanted, TRUE);
}

/* ------------------------------------------------------------------ as text */

static void write_attributes(GString *out, const struct node *node) {
    if (node->content == NO_REF) return;
    const char *at = store_peek(node->content), *end = at + store_size(node->content);

    while (at < end) {
        const char *value = at + strlen(at) + 1;

        g_string_append_printf(out, " %s=%s", at, value);
        at = value + strlen(value) + 1;
    }
}

/* A node and what is below it, which must be as a tree is. The last one of a row has no next. */
static void write_node(GString *out, ref_t ref, ref_t parent, unsigned depth) {
    const struct node *node = store_peek(ref);
    ref_t last = NO_REF;

    g_assert_true(node->parent == parent);
    if (node->type == NODE_TEXT) {
        size_t n = store_size(node->content);

        g_assert_true(node->tag == TAG_NONE && node->first_child == NO_REF);
        g_assert_true(n > 0 &&
                      g_utf8_validate(store_peek(node->content), (gssize)n, NULL));
        g_string_append_printf(out, "'%.*s'", (int)n, (char *)store_peek(node->content));
        return;
    }
    g_assert_true(depth < DOCUMENT_DEPTH_MAX + 1 && node->tag != TAG_NONE);
    g_string_append(out, node->tag == TAG_OTHER ? "?" : tag_text(node->tag));
    write_attributes(out, node);
    if (node->first_child != NO_REF) g_string_append_c(out, '(');
    for (ref_t child = node->first_child; child != NO_REF;) {
        if (last != NO_REF) g_string_append_c(out, ' ');
        write_node(out, child, ref, depth + 1);
        last = child;
        child = ((const struct node *)store_peek(child))->next;
    }
    g_assert_true(node->last_child == last);
    if (last != NO_REF) g_string_append_c(out, ')');
}

char *built_text(const document_t *document) {
    GString *out = g_string_new("");
    uint32_t number = 0;

    store_hold(document->store);
    for (ref_t ref = document->root; ref != NO_REF;) {
        g_assert_cmpuint(((const struct node *)store_peek(ref))->number, ==, ++number);
        ref = node_following(ref, document->root);
    }
    g_assert_cmpuint(number, ==, document->n_nodes);
    if (document->root != NO_REF) write_node(out, document->root, NO_REF, 0);
    store_release(document->store);
    return g_string_free(out, FALSE);
}
