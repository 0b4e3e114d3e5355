/* SPDX-License-Identifier: MIT */
#include "random_page.h"

struct author {
    GRand *chance;
    GString *page;
    const char *const *images;
    unsigned n_images, left;
};

static unsigned below(struct author *author, unsigned n) {
    return g_rand_int_range(author->chance, 0, n);
}

static bool one_in(struct author *author, unsigned n) { return below(author, n) == 0; }

static void words(struct author *author) {
    static const char *const some[] = {
        "memory",
        "a",
        "handles,",
        "compaction",
        "of the",
        "caf\xc3\xa9",
        "&amp;",
        "x",
        "averyveryverylongwordthatwantsaplaceofitsownandmoreofitthanthereis",
        "\n",
        "Q.",
        "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
        "\xe6\xbc\xa2\xe5\xad\x97",
        "jumps"};
    for (unsigned n = below(author, 25); n > 0; n--)
        g_string_append_printf(author->page, "%s%s",
                               some[below(author, G_N_ELEMENTS(some))],
                               one_in(author, 9) ? "" : " ");
}

static void style(struct author *author) {
    static const char *const some[] = {"float:left",         "float:right",
                                       "clear:both",         "width:120px",
                                       "width:40%",          "margin:0 0 20px 30px",
                                       "padding:7px",        "border:2px solid #808080",
                                       "text-align:right",   "text-align:center",
                                       "text-align:justify", "background:#ffe0c0",
                                       "font-size:23px",     "line-height:1.9",
                                       "height:90px",        "white-space:nowrap",
                                       "display:inline",     "display:block",
                                       "display:table-cell", "display:none",
                                       "display:table",      "display:list-item",
                                       "visibility:hidden",  "vertical-align:super"};
    if (one_in(author, 3))
        g_string_append_printf(author->page, " style='%s;%s'",
                               some[below(author, G_N_ELEMENTS(some))],
                               some[below(author, G_N_ELEMENTS(some))]);
    if (one_in(author, 4)) g_string_append_printf(author->page, " id=i%u", author->left);
}

static void image(struct author *author) {
    static const char *const sizes[] = {"",
                                        " width=70",
                                        " height=33",
                                        " width=90%",
                                        " width=55 height=140",
                                        " width=5000",
                                        " align=left",
                                        " align=right"};
    g_string_append_printf(author->page, "<img src='%s' alt='some words'%s>",
                           author->images[below(author, author->n_images)],
                           sizes[below(author, G_N_ELEMENTS(sizes))]);
}

static void elements(struct author *author, unsigned depth);

static void element(struct author *author, unsigned depth, const char *tag) {
    g_string_append_printf(author->page, "<%s", tag);
    style(author);
    g_string_append_c(author->page, '>');
    elements(author, depth + 1);
    if (!one_in(author, 30)) g_string_append_printf(author->page, "</%s>", tag);
}

static void elements(struct author *author, unsigned depth) {
    static const char *const tags[] = {"p",
                                       "div",
                                       "b",
                                       "i",
                                       "code",
                                       "ul",
                                       "ol",
                                       "li",
                                       "pre",
                                       "blockquote",
                                       "h2",
                                       "h3",
                                       "dl",
                                       "dt",
                                       "dd",
                                       "span",
                                       "sub",
                                       "table",
                                       "tr",
                                       "td",
                                       "td",
                                       "td",
                                       "th",
                                       "tr",
                                       "caption",
                                       "center",
                                       "a href='there.html'",
                                       "a name=here",
                                       "tbody",
                                       "td colspan=2",
                                       "td rowspan=3",
                                       "td width=30%",
                                       "table width=100% border=1",
                                       "table cellpadding=5 cellspacing=0"};
    words(author);
    while (author->left > 0 && !one_in(author, 3)) {
        author->left--;
        if (depth < 40 && !one_in(author, 5))
            element(author, depth, tags[below(author, G_N_ELEMENTS(tags))]);
        else if (author->n_images && one_in(author, 2))
            image(author);
        else
            g_string_append(author->page, one_in(author, 2) ? "<br>" : "<hr>");
        words(author);
    }
}

GString *random_page(uint32_t seed, unsigned n, const char *const *images,
                     unsigned n_images) {
    struct author author = {g_rand_new_with_seed(seed), g_string_new("<html><body>"),
                            images, n_images, n};
    while (author.left > 0) elements(&author, 0);
    g_rand_free(author.chance);
    return author.page;
}

/* ------------------------------------------------------------------------ tables */

GString *random_table(uint32_t seed, unsigned rows, unsigned columns, unsigned *n_cells) {
    struct author author = {.chance = g_rand_new_with_seed(seed),
                            .page = g_string_new("<table id=table cellspacing=0>")};
    bool *taken = g_new0(bool, rows *columns);
    *n_cells = 0;
    for (unsigned row = 0; row < rows; row++) {
        g_string_append(author.page, "<tr>");
        for (unsigned column = 0; column < columns; column++) {
            if (taken[row * columns + column]) continue;
            unsigned wide = 1, high = 1 + below(&author, MIN(3, rows - row));
            while (column + wide < columns && !taken[row * columns + column + wide] &&
                   one_in(&author, 3))
                wide++;
            for (unsigned r = 0; r < high; r++)
                for (unsigned c = 0; c < wide; c++)
                    taken[(row + r) * columns + column + c] = true;
            g_string_append_printf(author.page, "<td id=c%u colspan=%u rowspan=%u>",
                                   (*n_cells)++, wide, high);
            words(&author);
        }
    }
    g_string_append(author.page, "</table>");
    g_free(taken);
    g_rand_free(author.chance);
    return author.page;
}
