/* SPDX-License-Identifier: MIT */
/* CSS: what values mean, and what is left out where it is broken. */
#include "styled.h"

#include <string.h>

/* ------------------------------------------------------------------------ values */

static void test_colours(void) {
    static const struct {
        const char *text;
        colour_t colour;
    } colours[] = {
        {"red", RED},
        {"RED", RED},
        {"#f00", RED},
        {"#ff0000", RED},
        {"#F00F", RED},
        {"#ff000080", 0x80FF0000},
        {"rgb(255,0,0)", RED},
        {"rgb(100%, 0%, 0%)", RED},
        {"rgb(255 0 0)", RED},
        {"rgba(255, 0, 0, 0.5)", 0x80FF0000},
        {"rgb(255 0 0 / 50%)", 0x80FF0000},
        {"rgb(300, -1, 0)", RED},
        {"hsl(120, 100%, 50%)", LIME},
        {"hsl(240deg 100% 50%)", BLUE},
        {"hsla(-120,100%,50%,1)", BLUE},
        {"hsl(0,0%,100%)", 0xFFFFFFFF},
        {"green", 0xFF008000},
        {"rebeccapurple", 0xFF663399},
        {"aliceblue", 0xFFF0F8FF},
        {"yellowgreen", 0xFF9ACD32},
        {"transparent", COLOUR_NONE},
        {"rgb(1,2,3)", 0xFF010203},
        /* None of these are any. */
        {"reddish", BLACK},
        {"re", BLACK},
        {"#ff", BLACK},
        {"#ggg", BLACK},
        {"#12345", BLACK},
        {"rgb(1,2)", BLACK},
        {"rgb(1,2,3,4,5)", BLACK},
        {"rgb(1px,2,3)", BLACK},
        {"rgb(red)", BLACK},
        {"red red", BLACK},
        {"var(--x)", BLACK},
        {"12", BLACK},
        {"", BLACK},
        {"rgb(1,2", BLACK},
        {"url(red)", BLACK},
        {"'red'", BLACK},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(colours); i++) {
        char *css = g_strdup_printf("color: %s", colours[i].text);

        g_test_message("%s", css);
        g_assert_cmphex(style_declared(css).colour, ==, colours[i].colour);
        g_free(css);
    }
    struct style style =
        style_declared("color: red; border: solid; background: currentcolor");

    g_assert_cmphex(style.border_colour[SIDE_TOP], ==, RED);
    g_assert_cmphex(style.background, ==, RED);
}

static void check_length(struct length length, int unit, double value) {
    g_assert_cmpint(length.unit, ==, unit);
    g_assert_cmpfloat_with_epsilon(length.value, value, 0.001);
}

static void test_lengths(void) {
    static const struct {
        const char *text;
        int unit;
        double value;
    } lengths[] = {
        {"12px", LENGTH_PX, 12},
        {"12PX", LENGTH_PX, 12},
        {"+1.5px", LENGTH_PX, 1.5},
        {".5px", LENGTH_PX, .5},
        {"3pt", LENGTH_PX, 4},
        {"1pc", LENGTH_PX, 16},
        {"1in", LENGTH_PX, 96},
        {"2.54cm", LENGTH_PX, 96},
        {"25.4mm", LENGTH_PX, 96},
        {"2em", LENGTH_PX, 40},
        {"2ex", LENGTH_PX, 20},
        {"2rem", LENGTH_PX, 64},
        {"0", LENGTH_PX, 0},
        {"50%", LENGTH_PERCENT, 50},
        {"auto", LENGTH_AUTO, 0},
        {"1e", LENGTH_PX, 7},
        {"5", LENGTH_PX, 7},
        {"-1px", LENGTH_PX, 7},
        {"5 px", LENGTH_PX, 7},
        {"1px 2px", LENGTH_PX, 7},
        {"none", LENGTH_PX, 7},
        {"calc(1px)", LENGTH_PX, 7},
        {"5vw", LENGTH_PX, 7},
        {"", LENGTH_PX, 7},
        {"px", LENGTH_PX, 7},
        {"99999999999999999999999999999999999999999999999999px", LENGTH_PX, 1e6},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        char *css = g_strdup_printf("html{font-size:32px} p{font-size:20px; width: 7px; "
                                    "width: %s}",
                                    lengths[i].text);

        g_test_message("%s", lengths[i].text);
        check_length(style_of("<p id=x>", css).width, lengths[i].unit, lengths[i].value);
        g_free(css);
    }
    check_length(style_declared("margin-left: -2px").margin[SIDE_LEFT], LENGTH_PX, -2);
    check_length(style_declared("margin: 1px auto").margin[SIDE_LEFT], LENGTH_AUTO, 0);
    check_length(style_declared("padding: 3px; padding: auto").padding[0], LENGTH_PX, 3);
    check_length(style_declared("max-width: 9px; max-width: none").most_width,
                 LENGTH_AUTO, 0);
}

static void test_fonts(void) {
    static const struct {
        const char *css;
        double size;
    } sizes[] = {
        {"font-size: 150%", 24},      {"font-size: 2em", 32},
        {"font-size: larger", 19.2},  {"font-size: smaller", 13.333},
        {"font-size: xx-large", 32},  {"font-size: medium", 16},
        {"font-size: 0", 1},          {"font-size: 1e9px", 16},
        {"font-size: 99999px", 1000}, {"font-size: -2px", 16},
        {"font-size: 2ex", 16},       {"font: 10px serif", 10},
        {"font: bold 10px", 16},      {"font: 10px/12px a, b, monospace", 10},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_test_message("%s", sizes[i].css);
        g_assert_cmpfloat_with_epsilon(style_declared(sizes[i].css).font_size,
                                       sizes[i].size, 0.001);
    }
    g_assert_cmpfloat_with_epsilon(
        style_of("<div><p id=x>", "div, p { font-size: 1.5em }").font_size, 36, 0.001);
    g_assert_cmpfloat(style_declared("font-size: 10px; line-height: 15px").line_height,
                      ==, 1.5);
    g_assert_cmpfloat(style_declared("line-height: 150%").line_height, ==, 1.5);
    g_assert_cmpfloat(style_declared("line-height: 2").line_height, ==, 2);
    g_assert_cmpfloat(style_declared("line-height: normal").line_height, ==, 0);
    g_assert_cmpint(style_declared("font-family: 'Courier New'").family, ==, FAMILY_MONO);
    g_assert_cmpint(style_declared("font-family: Foo, \"DejaVu Sans Mono\"").family, ==,
                    FAMILY_MONO);
    g_assert_cmpint(style_declared("font-family: x, Times New Roman, sans-serif").family,
                    ==, FAMILY_SERIF);
    g_assert_cmpint(style_declared("font-family: Foo").family, ==, FAMILY_SANS);
    g_assert_true(style_declared("font-weight: 700").bold);
    g_assert_false(style_declared("font-weight: 500").bold);
    g_assert_true(style_declared("font: oblique small-caps 900 9px a sans").bold);
    g_assert_true(style_declared("font: oblique small-caps 900 9px a sans").italic);
    g_assert_false(style_of("<b><i id=x>", "i { font: 9px serif }").bold);
    g_assert_true(style_declared("text-decoration: underline dotted red").underline);
    g_assert_false(style_of("<u><b id=x>", "b { text-decoration: none }").underline);
    g_assert_true(style_of("<u><s id=x>", "").underline);
    g_assert_true(style_of("<u><s id=x>", "").strike);
}

static void test_boxes(void) {
    struct style style =
        style_declared("margin: 1px 2px 3px; padding: 1px 2px; border-width: 1px "
                       "2px 3px 4px; border-style: solid none; border-color: red");
    static const float margins[] = {1, 2, 3, 2}, paddings[] = {1, 2, 1, 2},
                       borders[] = {1, 0, 3, 0};

    for (int side = 0; side < SIDES; side++) {
        check_length(style.margin[side], LENGTH_PX, margins[side]);
        check_length(style.padding[side], LENGTH_PX, paddings[side]);
        g_assert_cmpfloat(style.border[side], ==, borders[side]);
        g_assert_cmphex(style.border_colour[side], ==, RED);
    }
    style =
        style_declared("color: lime; border: red thin solid; border-left: 5px dashed; "
                       "border-top-color: blue; border-bottom: none");
    g_assert_cmpfloat(style.border[SIDE_TOP], ==, 1);
    g_assert_cmpfloat(style.border[SIDE_LEFT], ==, 5);
    g_assert_cmpfloat(style.border[SIDE_BOTTOM], ==, 0);
    g_assert_cmphex(style.border_colour[SIDE_TOP], ==, BLUE);
    g_assert_cmphex(style.border_colour[SIDE_RIGHT], ==, RED);
    g_assert_cmphex(style.border_colour[SIDE_LEFT], ==, LIME);
    g_assert_cmpfloat(style_declared("border: 1px solid; border: 2px wavy").border[0], ==,
                      1);
    g_assert_cmpfloat(style_declared("border: 3px").border[0], ==, 0);
    g_assert_cmpfloat(style_declared("border: solid").border[0], ==, 3);
    g_assert_cmpint(style_declared("float: right; display: inline").display, ==,
                    DISPLAY_BLOCK);
    g_assert_cmpint(style_declared("clear: both").clear, ==, CLEAR_LEFT | CLEAR_RIGHT);
    g_assert_cmpint(style_declared("list-style: url(x.png) inside circle").marker, ==,
                    MARKER_CIRCLE);
    g_assert_cmphex(
        style_declared("background: url(\"a;b}.png\") no-repeat 0 0 / 1px #f00")
            .background,
        ==, RED);
    g_assert_cmphex(
        style_declared("background: linear-gradient(red, lime) blue").background, ==,
        BLUE);
    g_assert_cmphex(style_declared("background: red; background: none").background, ==,
                    COLOUR_NONE);
}

/* ----------------------------------------------------------------------- sheets */

/* What is wrong is left out, and no more than that. */
static void test_recovery(void) {
    static const char *const sheets[] = {
        "p { nonsense; color: red }",
        "p { color: ; color: red",
        "p { color red; color: red }",
        "p { -x-y: z(;); color: red }",
        "p { content: \"}\"; color: red }",
        "p { {color: blue} color: blue; color: red }",
        "p { background: url(a;b{}); color: red }",
        "/* p {} */ p { color: /* blue */ red; }",
        "<!-- p { color: red } -->",
        "} p { color: lime } p { color: red }",
        "q { } ; p { color: red }",
        "@import 'x.css'; @charset \"y\"; p { color: red }",
        "@font-face { src: url(x) } p { color: red }",
        "@page { p { color: blue } } p { color: red }",
        "@media screen { p { color: red } }",
        "@media print { p { color: blue } } @media all { p { color: red } }",
        "@media screen { @media (min-width: 10px) { p { color: red } } }",
        "@keyframes x { from { color: blue } } p { color: red }",
        "p { color: red } p { color: \"blue }\n",
        "p { color: red } @media screen { p {",
        "p { color: blue } p { color: red /*",
        "p\xc3\xa4 { color: blue } p { color: red }",
        "p { color: red } p[ { color: blue }",
        "p { color: red; &:hover { color: blue } }",
        "p { c\\olor: blue; color: red; }",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sheets); i++) {
        g_test_message("%s", sheets[i]);
        g_assert_cmphex(style_of("<p id=x>", sheets[i]).colour, ==, RED);
    }
}

static void test_media(void) {
    static const char *const screens[] = {
        "",
        "all",
        "screen",
        "SCREEN",
        "only screen",
        "print, screen",
        "(min-width: 600px)",
        "screen and (max-width:2000px)",
        "not print",
        "(min-width: 20em) and (max-width: 100em)",
        "not screen and (max-width: 100px)",
        "(orientation: landscape)",
        "(color)",
    };
    static const char *const others[] = {
        "print",
        "speech",
        "not screen",
        "not all",
        "(max-width: 600px)",
        "screen and (hover)",
        "screen and (min-width: 2000px)",
        "(prefers-color-scheme: dark)",
        "print, (x: y)",
        "(min-width: wide)",
        "(",
        ",",
        "screen print",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(screens); i++) {
        g_test_message("%s", screens[i]);
        g_assert_true(sheet_media(screens[i], strlen(screens[i])));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_test_message("%s", others[i]);
        g_assert_false(sheet_media(others[i], strlen(others[i])));
    }
}

static void came(void *context, const char *url) {
    g_string_append_printf(context, "{%s}", url);
}

static void test_imports(void) {
    static const char css[] =
        "@charset 'x'; @import 'a.css'; @import url( b.css ) screen; @import "
        "url(\"c\\64.css\");"
        "@import 'no.css' print; @import; @import url(e.css) p { } @import 'no.css';";
    GString *urls = g_string_new("");

    sheet_imports(css, strlen(css), came, urls);
    g_assert_cmpstr(urls->str, ==, "{a.css}{b.css}{cd.css}");
    g_string_assign(urls, "");
    sheet_imports("p {} @import 'no.css';", 22, came, urls);
    sheet_imports("", 0, came, urls);
    g_assert_cmpstr(urls->str, ==, "");
    g_string_free(urls, TRUE);
}

/* Sheets of random pieces: whatever they are, styles can be computed; and of cut ones. */
static void test_rubbish(void) {
    static const char *const parts[] = {
        "p",       "{",    "}",  ":",  ";",          "color",   "red",        "(",
        ")",       "[",    "]",  "\"", "'",          "/*",      "*/",         "#",
        ".",       ",",    ">",  "*",  "@media",     "screen",  "url(",       "1px",
        "%",       "\\",   "\n", " ",  "!important", "font",    "border",     "margin",
        "inherit", "rgb(", "-",  "0",  "<!--",       "@import", "background",
    };

    for (int i = 0; i < 300; i++) {
        GString *css = g_string_new("");

        for (int n = g_test_rand_int_range(0, 80); n > 0; n--) {
            g_string_append(css, parts[g_test_rand_int_range(0, G_N_ELEMENTS(parts))]);
            if (g_test_rand_bit()) g_string_append_c(css, ' ');
            if (g_test_rand_int_range(0, 40) == 0)
                g_string_append_c(css, (char)g_test_rand_int());
        }
        const char *sheet = css->str;
        struct styled styled = styled_page("<div><p id=x class=a>", &sheet, 1);
        struct style style = style_in(&styled, "x");

        g_assert_true(style.font_size >= 1 && style.font_size <= 1000);
        styled_drop(&styled);
        g_string_free(css, TRUE);
    }
}

/* A sheet is bytes as they came: a NUL in a value does not end it. */
static void test_nul(void) {
    static const char css[] = "[title=\"x\0\"] { color: red }";
    static const char attributes[] = "title\0x";
    const struct style_step step = {TAG_P, true, attributes, sizeof attributes};
    store_t *store = store_open("css", COMPACT_OFF);
    struct style style, parent;
    sheet_t sheet;

    sheet_parse(&sheet, store, css, sizeof css - 1);
    g_assert_cmpuint(sheet.n_rules, ==, 1);
    style_initial(&parent);
    store_hold(store);
    style_compute(&style, &parent, &step, 1, &sheet, 1);
    store_release(store);
    g_assert_cmphex(style.colour, !=, RED);
    sheet_free(&sheet);
    g_assert_cmpuint(store_close(store), ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/css/colours", test_colours);
    g_test_add_func("/css/lengths", test_lengths);
    g_test_add_func("/css/fonts", test_fonts);
    g_test_add_func("/css/boxes", test_boxes);
    g_test_add_func("/css/recovery", test_recovery);
    g_test_add_func("/css/media", test_media);
    g_test_add_func("/css/imports", test_imports);
    g_test_add_func("/css/rubbish", test_rubbish);
    g_test_add_func("/css/nul", test_nul);
    return g_test_run();
}
