/* SPDX-License-Identifier: MIT */
/* Documents of broken pages, of large ones, wherever they are cut; and with the n-th object refused. */
#include "built.h"

#include <string.h>

#include "dom/style.h"

/* -------------------------------------------------------------- refused objects */

/* The linker calls these instead of the store's own; after so many objects none is made. -1: as many as one likes. */
static long objects_left = -1;
static size_t objects_asked;

ref_t __real_store_new(store_t *store, size_t bytes);
ref_t __wrap_store_new(store_t *store, size_t bytes);
ref_t __real_store_copy(store_t *store, const void *from, size_t bytes);
ref_t __wrap_store_copy(store_t *store, const void *from, size_t bytes);
bool __real_store_resize(store_t *store, ref_t *object, size_t bytes);
bool __wrap_store_resize(store_t *store, ref_t *object, size_t bytes);

static bool refused(void) {
    objects_asked++;
    if (objects_left > 0) objects_left--;
    return objects_left == 0;
}

ref_t __wrap_store_new(store_t *store, size_t bytes) {
    return refused() ? NO_REF : __real_store_new(store, bytes);
}

ref_t __wrap_store_copy(store_t *store, const void *from, size_t bytes) {
    return refused() ? NO_REF : __real_store_copy(store, from, bytes);
}

bool __wrap_store_resize(store_t *store, ref_t *object, size_t bytes) {
    return !refused() && __real_store_resize(store, object, bytes);
}

/* --------------------------------------------------------------- broken pages */

/* Where every object moves at every call, a hundredth of what is done else takes long enough. */
static size_t fewer(size_t times) {
    return g_getenv("RMALLOC_STRESS") != NULL ? times / 100 : times;
}

static GString *repeated(const char *text, size_t times) {
    GString *out = g_string_new("");

    while (times-- > 0) g_string_append(out, text);
    return out;
}

/* Builds it, looks at it, drops it. Returns: how many nodes it had. */
static uint32_t survives(const char *html, size_t n, gssize step) {
    struct built page = built_of(html, n, step, "");
    char *text = built_text(&page.document);
    uint32_t n_nodes = page.document.n_nodes;

    g_assert_true(page.document.root != NO_REF);
    g_assert_false(page.document.truncated);
    g_free(text);
    built_drop(&page);
    return n_nodes;
}

static void test_large(void) {
    static const struct {
        const char *text;
        size_t times;
        uint32_t nodes; /* at least */
    } pages[] = {
        {"<div>", 100000, 100000},
        {"<b>", 20000, 20000},
        {"<table><tr><td>", 5000, 15000},
        {"</p>", 100000, 1},
        {"<", 200000, 3},
        {"&", 100000, 3},
        {"<pre>x\n", 10000, 10000},
        {"text ", 1000000, 4},
        {"<a href='", 10000, 2},
        {"<!--", 100000, 1},
        {"<p>\xff\xfe", 1000, 2},
        {"<ul><li>", 2000, 4000},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        GString *html = repeated(pages[i].text, fewer(pages[i].times));

        char *shown = g_strescape(pages[i].text, NULL);

        g_test_message("%s * %zu", shown, pages[i].times);
        g_free(shown);
        g_assert_cmpuint(survives(html->str, html->len, 16384), >=,
                         fewer(pages[i].nodes));
        g_string_free(html, TRUE);
    }
}

/* What the parser takes the square of ends a page, before long. */
static void test_too_much(void) {
    static const struct {
        const char *begin, *part;
        size_t times, parts;
        bool truncated;
    } pages[] = {
        {"<div>", "</b>", 20000, 40000, true},
        {"<div>", "</b>", 1000, 40000, false},
    };

    if (fewer(100) < 100) {
        g_test_skip("it takes the whole of it");
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        GString *html = repeated(pages[i].begin, pages[i].times);
        GString *parts = repeated(pages[i].part, pages[i].parts);

        g_string_append_printf(html, "%s\">x", parts->str);
        g_test_message("%s%s * %zu", pages[i].begin, pages[i].part, pages[i].parts);
        struct built page = built_of(html->str, html->len, 16384, "");

        g_assert_cmpint(page.document.truncated, ==, pages[i].truncated);
        built_drop(&page);
        g_string_free(parts, TRUE);
        g_string_free(html, TRUE);
    }
}

static void test_huge_parts(void) {
    const size_t n = fewer(2000000);
    GString *html = g_string_new("<p class=\"");

    for (size_t i = 0; i < n; i++) g_string_append_c(html, (char)('a' + i % 26));
    g_string_append(html, "\">");
    for (size_t i = 0; i < n; i++) g_string_append_c(html, (char)('a' + i % 26));
    struct built page = built_of(html->str, html->len, 65536, "");
    char *text = built_text(&page.document);

    /* Whole, and in order. */
    g_assert_cmpuint(page.document.n_nodes, ==, 4);
    g_assert_cmpuint(strlen(text), ==, strlen("html(body(p class=('')))") + 2 * n);
    g_assert_cmpmem(text + strlen("html(body(p class="), n, html->str + 10, n);
    g_assert_cmpmem(text + strlen("html(body(p class=('") + n, n, html->str + 10 + n + 2,
                    n);
    g_free(text);
    built_drop(&page);
    g_string_free(html, TRUE);
}

/* Rubbish, and pages of tags and their pieces, in random order: each gives one tree, wherever it is cut. */
static GString *any_page(void) {
    static const char *const parts[] = {
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<div class=x>",
        "</div>",
        "<table>",
        "</table>",
        "<tr>",
        "<td>",
        "</td>",
        "<ul>",
        "<li>",
        "</ul>",
        "<html>",
        "</html>",
        "<head>",
        "</head>",
        "<body>",
        "</body>",
        "<title>",
        "</title>",
        "<style>",
        "</style>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<a href=\"",
        "\">",
        "<nav>",
        "</nav>",
        "<pre>",
        "</pre>",
        "<br/>",
        "<x>",
        "</x>",
        "text",
        " ",
        "\r\n",
        "&amp;",
        "&lt",
        "&#0;",
        "&#xe9;",
        "\xc3\xa9",
        "\xe9",
        "<",
        ">",
        "</",
        "<!DOCTYPE html>",
        "<?xml ?>",
        "<![CDATA[",
        "]]>",
        "\f",
        "=",
        "<select><option>",
        "<form>",
        "<h1>",
        "</h2>",
        "<meta charset=utf-8>",
    };
    GString *page = g_string_new("");

    /* What says nothing of a charset is cut only behind the part that is looked at for one. */
    if (g_test_rand_bit())
        for (int i = 0; i < 1100; i++) g_string_append_c(page, ' ');
    for (int n = g_test_rand_int_range(0, 60); n > 0; n--) {
        if (g_test_rand_int_range(0, 30) == 0)
            g_string_append_c(page, (char)g_test_rand_int());
        else
            g_string_append(page, parts[g_test_rand_int_range(0, G_N_ELEMENTS(parts))]);
    }
    return page;
}

static void test_cuts(void) {
    for (int i = 0; i < (int)fewer(1000); i++) {
        GString *html = any_page();
        char *first = NULL;

        for (gssize step = -1; step <= 1; step++) {
            struct built page = built_of(html->str, html->len, step, "");
            char *text = built_text(&page.document);
            char *all = g_strconcat(text, page.wanted->str, NULL);

            if (first == NULL)
                first = g_strdup(all);
            else if (strcmp(first, all) != 0)
                g_test_message("page: %s", html->str);
            g_assert_cmpstr(all, ==, first);
            g_free(all);
            g_free(text);
            built_drop(&page);
        }
        g_free(first);
        g_string_free(html, TRUE);
    }
}

static void test_rubbish(void) {
    for (int i = 0; i < (int)fewer(200); i++) {
        gchar bytes[3000];

        for (size_t j = 0; j < sizeof bytes; j++) bytes[j] = (gchar)g_test_rand_int();
        survives(bytes, sizeof bytes, 0);
    }
}

/* ------------------------------------------------------------------- no memory */

static const char refused_page[] =
    "<title>t</title><base href=b><style>p{}</style><p class=a>Go <b id=b>on</b> and "
    "<i>on</i><ul><li>1<li>2</ul>";

/* With the n-th object refused, and all after it, the tree is the beginning of the whole one; nothing is left. */
static void test_refused(void) {
    objects_asked = 0;
    struct built whole = built_of(refused_page, sizeof refused_page - 1, -1, "");
    size_t n = objects_asked;
    uint32_t nodes = 0;

    g_assert_cmpuint(n, >, 20);
    for (size_t i = 1; i <= n; i++) {
        objects_left = (long)i;
        struct built page = built_of(refused_page, sizeof refused_page - 1, 7, "");

        objects_left = -1;
        char *text = built_text(&page.document);

        g_assert_true(page.document.truncated);
        g_assert_cmpuint(page.document.n_nodes, >=, nodes);
        g_assert_cmpuint(page.document.n_nodes, <, whole.document.n_nodes);
        nodes = page.document.n_nodes;
        g_free(text);
        built_drop(&page);
    }
    g_assert_cmpuint(nodes, ==, whole.document.n_nodes - 1);
    built_drop(&whole);
}

/* A text that cannot grow any more. */
static void test_refused_growth(void) {
    GString *html = repeated("text ", 100000);

    objects_asked = 0;
    struct built whole = built_of(html->str, html->len, 10000, "");
    size_t n = objects_asked;

    built_drop(&whole);
    for (size_t i = 1; i <= n; i++) {
        objects_left = (long)i;
        struct built page = built_of(html->str, html->len, 10000, "");

        objects_left = -1;
        g_assert_true(page.document.truncated);
        built_drop(&page);
    }
    g_string_free(html, TRUE);
}

/* A sheet that finds no memory has no rules. */
static void test_refused_sheet(void) {
    store_t *store = store_open("sheet", COMPACT_IDLE);
    sheet_t sheet;

    objects_left = 1;
    sheet_parse_own(&sheet, store);
    objects_left = -1;
    g_assert_true(sheet.rules == NO_REF);
    g_assert_cmpuint(sheet.n_rules, ==, 0);
    sheet_free(&sheet);
    g_assert_cmpuint(store_close(store), ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dom-broken/large", test_large);
    g_test_add_func("/dom-broken/huge-parts", test_huge_parts);
    g_test_add_func("/dom-broken/too-much", test_too_much);
    g_test_add_func("/dom-broken/cuts", test_cuts);
    g_test_add_func("/dom-broken/rubbish", test_rubbish);
    g_test_add_func("/dom-broken/refused", test_refused);
    g_test_add_func("/dom-broken/refused-growth", test_refused_growth);
    g_test_add_func("/dom-broken/refused-sheet", test_refused_sheet);
    return g_test_run();
}
