/* SPDX-License-Identifier: MIT */
#include "styled.h"

#include <string.h>

enum { STEPS = 32 };

struct styled styled_page(const char *html, const char *const *css, size_t n) {
    struct styled styled = {.page = built_of(html, strlen(html), BUILT_WHOLE, "")};

    sheet_parse_own(&styled.sheets[0], styled.page.store);
    for (size_t i = 0; i < n; i++)
        sheet_parse(&styled.sheets[1 + i], styled.page.store, css[i], strlen(css[i]));
    styled.n_sheets = 1 + n;
    return styled;
}

void styled_drop(struct styled *styled) {
    for (size_t i = 0; i < styled->n_sheets; i++) sheet_free(&styled->sheets[i]);
    built_drop(&styled->page);
}

static bool is_first(const struct node *parent, ref_t ref) {
    ref_t at = parent->first_child;

    while (at != ref && ((const struct node *)store_peek(at))->type == NODE_TEXT)
        at = ((const struct node *)store_peek(at))->next;
    return at == ref;
}

/* The style of the first element with this id, computed from the root on; the path is of elements above it. */
static bool find(const struct styled *styled, ref_t ref, const char *id,
                 struct style_step *path, size_t depth, const struct style *parent,
                 struct style *style) {
    const struct node *node = store_peek(ref);
    struct style own;

    if (node->type == NODE_TEXT) return false;
    g_assert_cmpuint(depth, <, STEPS);
    path[depth] = (struct style_step){
        .tag = node->tag,
        .first_child = node->parent != NO_REF && is_first(store_peek(node->parent), ref),
        .attributes = node->content != NO_REF ? store_peek(node->content) : NULL,
        .attributes_size = node->content != NO_REF ? store_size(node->content) : 0};
    style_compute(&own, parent, path, depth + 1, styled->sheets, styled->n_sheets);
    const char *name =
        attribute_of(path[depth].attributes, path[depth].attributes_size, "id");

    if (name != NULL && strcmp(name, id) == 0) {
        *style = own;
        return true;
    }
    for (ref_t child = node->first_child; child != NO_REF;
         child = ((const struct node *)store_peek(child))->next)
        if (find(styled, child, id, path, depth + 1, &own, style)) return true;
    return false;
}

struct style style_in(const struct styled *styled, const char *id) {
    struct style_step path[STEPS];
    struct style initial, style;

    style_initial(&initial);
    store_hold(styled->page.store);
    g_assert_true(
        find(styled, styled->page.document.root, id, path, 0, &initial, &style));
    store_release(styled->page.store);
    return style;
}

struct style style_of(const char *html, const char *css) {
    struct styled styled = styled_page(html, &css, 1);
    struct style style = style_in(&styled, "x");

    styled_drop(&styled);
    return style;
}

struct style style_declared(const char *declaration) {
    char *css = g_strdup_printf("p { %s }", declaration);
    struct style style = style_of("<p id=x>", css);

    g_free(css);
    return style;
}
