/* SPDX-License-Identifier: MIT */
/* Styles: whom selectors mean, who wins, what is inherited, what the browser's own sheet and attributes say. */
#include "styled.h"

#include <string.h>

/* ------------------------------------------------------------------ selectors */

static void test_selectors(void) {
    static const char page[] =
        "<body class=home><div id=d class='a b'><ul><li>1<li class=c><p id=x class='b2 "
        "p' "
        "title='one two' lang=en-GB><a id=l href=y>z</a></p></ul></div>";
    static const char *const hits[] = {
        "p",
        "P",
        "*",
        "#x",
        ".p",
        ".b2",
        "p.p",
        "p#x.b2.p",
        "li p",
        "li > p",
        "div p",
        "body div.a > ul > li.c > p",
        "html > body p",
        "body * p",
        ".home .b p",
        "ul li.c p",
        "p:first-child",
        "[title]",
        "p[title]",
        "[title='one two']",
        "[title~=two]",
        "[lang|=en]",
        "[title^=one]",
        "[title$=two]",
        "[title*='e t']",
        "div > ul p",
        "h1, p",
        "p , h1",
        "a:hover, p",
        "::nonsense, p",
        "html:root p",
        "li.c>p",
        "/**/ p",
        "p/* x */",
        ":root p",
        ".\\62 2",
        "body div ul li p",
        "div li > p",
        "x-y, p",
    };
    static const char *const misses[] = {
        "a",
        "#X",
        ".P",
        ".b",
        "body > p",
        "ul > p",
        "li:first-child p",
        "div > li > p",
        "p.a",
        "p p",
        "p > p",
        ".home.b p",
        "p:hover",
        "p::before",
        "p + p",
        "p ~ p",
        "p:",
        "p.",
        "p#",
        "> p",
        "p >",
        "p > > p",
        "[title=one]",
        "[title~=one-two]",
        "[title^='']",
        "[lang|=e]",
        "[title",
        "[title=]",
        "[=x]",
        "[title!=x]",
        "p:not(.q)",
        "p:root",
        "",
        ",",
        "p..p",
        "p h1",
        "p:link",
        "x-y p",
        "h1.p",
        "1p",
        "p!",
        "div.c p",
        "p.p p",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(hits); i++) {
        char *css = g_strdup_printf("%s { background: red }", hits[i]);

        g_test_message("%s", hits[i]);
        g_assert_cmphex(style_of(page, css).background, ==, RED);
        g_free(css);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(misses); i++) {
        char *css = g_strdup_printf("%s { background: red }", misses[i]);

        g_test_message("%s", misses[i]);
        g_assert_cmphex(style_of(page, css).background, ==, COLOUR_NONE);
        g_free(css);
    }
    g_assert_cmphex(style_of("<a id=x href=y>", "a:link { background: red }").background,
                    ==, RED);
    g_assert_cmphex(style_of("<a id=x>", "a:link { background: red }").background, ==,
                    COLOUR_NONE);
    g_assert_cmphex(style_of("a<p>b<p id=x>", "p:first-child{background:red}").background,
                    ==, COLOUR_NONE);
}

/* Where the nearest element that fits is not the one. */
static void test_ancestors(void) {
    static const char page[] =
        "<div class=a><div class=b><div class=c><div class=b><div class=d><p id=x>";

    g_assert_cmphex(style_of(page, ".a > .b p { background: red }").background, ==, RED);
    g_assert_cmphex(style_of(page, ".b > .c p { background: red }").background, ==, RED);
    g_assert_cmphex(style_of(page, ".a > .b .b > .d p { background: red }").background,
                    ==, RED);
    g_assert_cmphex(style_of(page, ".c > .b .d > p { background: red }").background, ==,
                    RED);
    g_assert_cmphex(style_of(page, ".a > .c p { background: red }").background, ==,
                    COLOUR_NONE);
    g_assert_cmphex(style_of(page, ".b .a p { background: red }").background, ==,
                    COLOUR_NONE);
    g_assert_cmphex(style_of(page, ".a .b .b .b p { background: red }").background, ==,
                    COLOUR_NONE);
}

/* --------------------------------------------------------------------- who wins */

static void test_specificity(void) {
    static const struct {
        const char *css;
        colour_t colour;
    } sheets[] = {
        {"p{color:red} p{color:lime}", LIME},
        {"p.a{color:red} p{color:lime}", RED},
        {"#x{color:red} p.a.b.c{color:lime}", RED},
        {"body p{color:red} p{color:lime}", RED},
        {".a{color:red} html body div p{color:lime}", RED},
        {"p[class]{color:red} p{color:lime}", RED},
        {"p:first-child{color:red} p.a{color:lime}", LIME},
        {"*{color:red}", RED},
        {"p{color:red} *{color:lime}", RED},
        {"p{color:red!important} #x{color:lime}", RED},
        {"p{color:red ! important} #x{color:lime !important}", LIME},
        {"p, #x{color:red} .a{color:lime}", RED},
        {"p{color:red; color:nonsense}", RED},
        {"p{color:red; color:lime}", LIME},
        {"p{color:red !important; color:lime}", RED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sheets); i++) {
        g_test_message("%s", sheets[i].css);
        g_assert_cmphex(
            style_of("<div><p id=x class='a b c'></div>", sheets[i].css).colour, ==,
            sheets[i].colour);
    }
}

static void test_origins(void) {
    static const char *const css[] = {"#x { color: red; float: left }",
                                      "p { color: lime; width: 1px }",
                                      "b { color: red }"};
    struct styled styled = styled_page("<p id=x>", css, 3);
    struct style style = style_in(&styled, "x");

    /* Specificity comes before the order of sheets. */
    g_assert_cmphex(style.colour, ==, RED);
    g_assert_cmpfloat(style.width.value, ==, 1);
    styled_drop(&styled);
    g_assert_cmphex(style_of("<p id=x style='color: lime'>", "#x{color:red}").colour, ==,
                    LIME);
    g_assert_cmphex(
        style_of("<p id=x style='color: lime'>", "p{color:red!important}").colour, ==,
        RED);
    g_assert_cmphex(
        style_of("<p id=x style='color: lime!important'>", "#x{color:red!important}")
            .colour,
        ==, LIME);
    g_assert_cmphex(style_of("<font id=x color=red>", "").colour, ==, RED);
    g_assert_cmphex(style_of("<font id=x color=red>", "*{color:lime}").colour, ==, LIME);
    g_assert_cmphex(style_of("<a id=x href=y>", "").colour, !=, BLACK);
    g_assert_cmphex(style_of("<a id=x href=y>", "a{color:lime}").colour, ==, LIME);
}

static void test_inheritance(void) {
    static const char page[] = "<div><p id=x>";
    struct style style = style_of(
        page,
        "div { color: red; font: italic bold 20px/2 monospace; text-align: right;"
        "white-space: pre; visibility: hidden; text-decoration: underline;"
        "list-style: square; border-collapse: collapse;"
        "width: 9px; padding: 9px; border: 9px solid; background: red; float: left }"
        "p { margin: 0 }");

    g_assert_cmphex(style.colour, ==, RED);
    g_assert_cmpfloat(style.font_size, ==, 20);
    g_assert_cmpfloat(style.line_height, ==, 2);
    g_assert_true(style.bold && style.italic && style.pre && !style.wrap &&
                  style.hidden && style.underline && style.collapse);
    g_assert_cmpint(style.family, ==, FAMILY_MONO);
    g_assert_cmpint(style.align, ==, ALIGN_RIGHT);
    g_assert_cmpint(style.marker, ==, MARKER_SQUARE);
    g_assert_cmpint(style.width.unit, ==, LENGTH_AUTO);
    g_assert_cmphex(style.background, ==, COLOUR_NONE);
    g_assert_cmpint(style.float_side, ==, FLOAT_NONE);
    for (int side = 0; side < SIDES; side++) {
        g_assert_cmpfloat(style.border[side], ==, 0);
        g_assert_cmpint(style.padding[side].unit, ==, LENGTH_PX);
        g_assert_cmpfloat(style.padding[side].value, ==, 0);
    }
    style = style_of(page, "div { border: 5px solid red; width: 9px; color: red }"
                           "p { border: inherit; width: inherit; color: initial }");
    g_assert_cmpfloat(style.border[SIDE_LEFT], ==, 5);
    g_assert_cmphex(style.border_colour[SIDE_LEFT], ==, RED);
    g_assert_cmpfloat(style.width.value, ==, 9);
    g_assert_cmphex(style.colour, ==, BLACK);
    style = style_of(page,
                     "div { color: red; float: left } p { color: unset; float: unset }");
    g_assert_cmphex(style.colour, ==, RED);
    g_assert_cmpint(style.float_side, ==, FLOAT_NONE);
}

static void check_length(struct length length, int unit, double value) {
    g_assert_cmpint(length.unit, ==, unit);
    g_assert_cmpfloat_with_epsilon(length.value, value, 0.001);
}

/* ------------------------------------------------------------- the browser's own */

static void test_own(void) {
    struct style style = style_of("<h1 id=x>", "");

    g_assert_true(style.bold && style.font_size == 32 && style.display == DISPLAY_BLOCK);
    g_assert_cmpint(style_of("<ul><li id=x>", "").display, ==, DISPLAY_LIST_ITEM);
    g_assert_cmpint(style_of("<ul><li><ul><li id=x>", "").marker, ==, MARKER_CIRCLE);
    g_assert_cmpint(style_of("<ol><li id=x>", "").marker, ==, MARKER_DECIMAL);
    g_assert_cmpint(style_of("<table><tr><td id=x>", "").display, ==, DISPLAY_TABLE_CELL);
    g_assert_cmpint(style_of("<table><tr><td id=x>", "").valign, ==, VALIGN_MIDDLE);
    g_assert_cmpint(style_of("<table><tr><th id=x>", "").align, ==, ALIGN_CENTER);
    g_assert_cmpint(style_of("<pre id=x>", "").family, ==, FAMILY_MONO);
    g_assert_true(style_of("<pre><b id=x>", "").pre);
    g_assert_cmpfloat(style_of("<pre><code id=x>", "").font_size, ==, 14);
    g_assert_true(style_of("<a id=x href=y>", "").underline);
    g_assert_false(style_of("<a id=x>", "").underline);
    g_assert_cmpint(style_of("<div id=x hidden>", "").display, ==, DISPLAY_NONE);
    g_assert_cmpint(style_of("<x-y id=x>", "").display, ==, DISPLAY_INLINE);
    g_assert_cmpint(style_of("<sup id=x>", "").valign, ==, VALIGN_SUPER);
    g_assert_cmpint(style_of("<center><p id=x>", "").align, ==, ALIGN_CENTER);
}

static void test_hints(void) {
    struct style style = style_of("<body id=x bgcolor=ff0000 text=lime>", "");

    g_assert_cmphex(style.background, ==, RED);
    g_assert_cmphex(style.colour, ==, LIME);
    style = style_of("<table border=2 cellpadding=5><tr valign=top><td id=x width='50%' "
                     "align=right bgcolor='#00f' nowrap>",
                     "");
    g_assert_cmphex(style.background, ==, BLUE);
    g_assert_cmpfloat(style.border[SIDE_LEFT], ==, 1);
    check_length(style.padding[SIDE_TOP], LENGTH_PX, 5);
    check_length(style.width, LENGTH_PERCENT, 50);
    g_assert_cmpint(style.align, ==, ALIGN_RIGHT);
    g_assert_cmpint(style.valign, ==, VALIGN_TOP);
    g_assert_false(style.wrap);
    style = style_of("<div align=center><table id=x border width=100px>", "");
    g_assert_cmpfloat(style.border[SIDE_LEFT], ==, 1);
    check_length(style.margin[SIDE_LEFT], LENGTH_AUTO, 0);
    check_length(style.width, LENGTH_PX, 100);
    g_assert_cmpfloat(style_of("<table border=0><tr><td id=x>", "").border[0], ==, 0);
    g_assert_cmpint(style_of("<img id=x align=left>", "").float_side, ==, FLOAT_LEFT);
    g_assert_cmpint(style_of("<ol id=x type=A>", "").marker, ==, MARKER_UPPER_ALPHA);
    g_assert_cmpint(style_of("<ul id=x type=Square>", "").marker, ==, MARKER_SQUARE);
    g_assert_cmpint(style_of("<br id=x clear=all>", "").clear, ==,
                    CLEAR_LEFT | CLEAR_RIGHT);
    style = style_of("<font id=x size=+2 face='courier' color=Red>", "");
    g_assert_cmpfloat(style.font_size, ==, 24);
    g_assert_cmpint(style.family, ==, FAMILY_MONO);
    g_assert_cmphex(style.colour, ==, RED);
    g_assert_cmpfloat(style_of("<font id=x size=''>", "").font_size, ==, 16);
    check_length(style_of("<hr id=x width=10 align=left>", "").margin[SIDE_LEFT],
                 LENGTH_PX, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/style/selectors", test_selectors);
    g_test_add_func("/style/ancestors", test_ancestors);
    g_test_add_func("/style/specificity", test_specificity);
    g_test_add_func("/style/origins", test_origins);
    g_test_add_func("/style/inheritance", test_inheritance);
    g_test_add_func("/style/own", test_own);
    g_test_add_func("/style/hints", test_hints);
    return g_test_run();
}
