/* SPDX-License-Identifier: MIT */
/* Layout, from outside but for the boxes: no constants of fonts, only what is beside, below and inside what. */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "laid.h"
#include "layout/box.h"
#include "random_page.h"
#include "store/memory.h"

struct fixture {
    store_t *common, *store;
    cache_t *cache;
    char *folder;
    struct laid laid;
};

static const char *const images[] = {"small.png", "large.png", "missing.png"};

static void write_image(const char *folder, const char *name, int width, int height) {
    char *path = g_build_filename(folder, name, NULL);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    cairo_t *cairo = cairo_create(surface);
    for (int i = 0; i < 20; i++) {
        cairo_set_source_rgba(cairo, i / 20.0, 1 - i / 20.0, i % 3 / 2.0, 0.8);
        cairo_rectangle(cairo, i * 37 % width, i * 23 % height, width / 3.0, 9);
        cairo_fill(cairo);
    }
    g_assert_cmpint(cairo_surface_write_to_png(surface, path), ==, 0);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    g_free(path);
}

static void set_up(struct fixture *fixture, const void *data) {
    *fixture = (struct fixture){.common = store_open("common", COMPACT_IDLE),
                                .store = store_open("page", COMPACT_IDLE)};
    fixture->cache = cache_create(fixture->common, 64 << 20);
    g_assert_nonnull(fixture->cache);
    fixture->folder = g_dir_make_tmp(NULL, NULL);
    write_image(fixture->folder, images[0], 40, 30);
    write_image(fixture->folder, images[1], 900, 700);
}

static void tear_down(struct fixture *fixture, const void *data) {
    laid_free(&fixture->laid);
    cache_destroy(fixture->cache);
    g_assert_cmpuint(store_close(fixture->store), ==, 0);
    g_assert_cmpuint(store_close(fixture->common), ==, 0);
    for (size_t i = 0; i < 2; i++) {
        char *path = g_build_filename(fixture->folder, images[i], NULL);
        g_unlink(path);
        g_free(path);
    }
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
}

static layout_t *lay_out(struct fixture *fixture, const char *html, float width) {
    laid_free(&fixture->laid);
    laid_make(&fixture->laid, fixture->store, fixture->cache, html, strlen(html),
              fixture->folder, width);
    g_assert_true(fixture->laid.layout.root != NO_REF);
    return &fixture->laid.layout;
}

static float anchor(const layout_t *layout, const char *name) {
    float y = -1;
    if (!layout_anchor(layout, name, &y)) g_error("no anchor %s", name);
    return y;
}

/* ---------------------------------------------------------------------- blocks */

static void test_blocks(struct fixture *fixture, const void *data) {
    const layout_t *layout =
        lay_out(fixture,
                "<h1 id=a>One</h1><p id=b>Two</p><p id=c>Three</p><div id=d>Four</div>"
                "<div id=e>Five <b id=f>six</b><br>seven <i id=g>eight</i></div>"
                "<pre id=h>one\ntwo\n\nthree\n</pre><div id=i></div><p id=j>end</p>",
                600);
    const char *names[] = {"a", "b", "c", "d", "e", "g", "h", "j"};
    for (size_t i = 0; i + 1 < G_N_ELEMENTS(names); i++)
        g_assert_cmpfloat(anchor(layout, names[i]), <, anchor(layout, names[i + 1]));
    g_assert_cmpfloat(anchor(layout, "e"), ==, anchor(layout, "f"));
    /* Margins collapse: paragraphs are as far apart as one of them wants. */
    float line = anchor(layout, "e") - anchor(layout, "d");
    float paragraphs = anchor(layout, "c") - anchor(layout, "b");
    g_assert_cmpfloat(paragraphs, >, line);
    g_assert_cmpfloat(paragraphs, <, 2.6f * line);
    g_assert_cmpfloat(layout->height, >, anchor(layout, "j") + line - 1);
    g_assert_cmpfloat(layout->width, ==, 600);
    float y;
    g_assert_false(layout_anchor(layout, "nowhere", &y));
}

static void test_narrow(struct fixture *fixture, const void *data) {
    GString *html = g_string_new("<p>");
    for (int i = 0; i < 300; i++) g_string_append(html, "some words ");
    float wide = lay_out(fixture, html->str, 1000)->height;
    float narrow = lay_out(fixture, html->str, 250)->height;
    g_assert_cmpfloat(narrow, >, 3 * wide);
    /* Deeper than a page is wide. */
    g_string_truncate(html, 0);
    for (int i = 0; i < 400; i++) g_string_append(html, "<blockquote>word ");
    const layout_t *layout = lay_out(fixture, html->str, 400);
    g_assert_cmpfloat(layout->width, <=, 400);
    g_string_free(html, TRUE);
}

static void test_empty(struct fixture *fixture, const void *data) {
    static const char *const pages[] = {"",
                                        " ",
                                        "<html>",
                                        "<table>",
                                        "<table><tr><td></table>",
                                        "<ul><li>",
                                        "<img>",
                                        "<pre>\n</pre>",
                                        "<a href=x></a>",
                                        "<br>",
                                        "<td>",
                                        "<caption>x",
                                        "<table>a<b>c</b>",
                                        "<hr>",
                                        "<p style='float:left'>"};
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        laid_free(&fixture->laid);
        laid_make(&fixture->laid, fixture->store, fixture->cache, pages[i],
                  strlen(pages[i]), NULL, 300);
        struct area area = {0, 0, 300, 100};
        cairo_surface_destroy(laid_picture(&fixture->laid, &area, NULL));
        g_assert_false(fixture->laid.layout.truncated);
    }
}

/* Two lines of five are as high as the picture beside them; the others go on below it. */
static void test_floats(struct fixture *fixture, const void *data) {
    const layout_t *layout =
        lay_out(fixture,
                "<div style='margin:0'><img src=small.png width=200 height=50 align=left>"
                "<span id=a>a</span><br>b<br>c<br>d<br>e<br><a href=f>f</a></div>"
                "<p id=g style='clear:both'>g</p>",
                400);
    float x, y, from = anchor(layout, "a");
    g_assert_true(layout_find_link(layout, "f", &x, &y));
    g_assert_cmpfloat(x, <, 50);
    g_assert_cmpfloat(y, >, from + 50);
    g_assert_cmpfloat(anchor(layout, "g"), >, y);
    struct area area = {0, 0, 400, layout->height};
    bool complete;
    cairo_surface_destroy(laid_picture(&fixture->laid, &area, &complete));
    g_assert_true(complete);
}

/* ---------------------------------------------------------------------- tables */

static const struct box *find_box(const struct box *box,
                                  bool wanted(const struct box *)) {
    if (wanted(box)) return box;
    for (ref_t ref = box->first_child; ref != NO_REF; ref = box_at(ref)->next) {
        const struct box *found = find_box(box_at(ref), wanted);
        if (found) return found;
    }
    return NULL;
}

static bool has_blocks(const struct box *box) {
    return box->first_child != NO_REF && !box_at(box->first_child)->lines &&
           box_at(box->first_child)->next != NO_REF;
}

static bool overlap(const struct box *a, const struct box *b) {
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

static void check_table(const struct box *table, unsigned n_cells) {
    double area = 0;
    unsigned n = 0;
    for (ref_t ref = table->first_child; ref != NO_REF; ref = box_at(ref)->next, n++) {
        const struct box *cell = box_at(ref);
        area += (double)cell->width * cell->height;
        g_assert_cmpfloat(cell->x, >=, table->x);
        g_assert_cmpfloat(cell->y, >=, table->y);
        g_assert_cmpfloat(cell->x + cell->width, <=, table->x + table->width);
        g_assert_cmpfloat(cell->y + cell->height, <=, table->y + table->height);
        for (ref_t other = cell->next; other != NO_REF; other = box_at(other)->next)
            g_assert_false(overlap(cell, box_at(other)));
    }
    g_assert_cmpuint(n, ==, n_cells);
    g_assert_cmpfloat(area, ==, (double)table->width * table->height);
}

static void test_tables(struct fixture *fixture, const void *data) {
    for (int round = 0; round < 40; round++) {
        uint32_t seed = g_test_rand_int();
        unsigned n_cells, rows = 2 + seed % 7, columns = 2 + seed / 7 % 7;
        g_test_message("table %u", seed);
        GString *html = random_table(seed, rows, columns, &n_cells);
        float width = 120 + seed % 1000;
        const layout_t *layout = lay_out(fixture, html->str, width);
        store_hold(fixture->store);
        if (n_cells > 1) check_table(find_box(box_at(layout->root), has_blocks), n_cells);
        store_release(fixture->store);
        g_string_free(html, TRUE);
    }
}

static void test_columns(struct fixture *fixture, const void *data) {
    const layout_t *layout = lay_out(fixture,
                                     "<table width=100%><tr><td><a href=1>one</a><td "
                                     "width=75%><a href=2>two</a></table>",
                                     800);
    float x, y, x2, y2;
    g_assert_true(layout_find_link(layout, "one", &x, &y));
    g_assert_true(layout_find_link(layout, "two", &x2, &y2));
    g_assert_cmpfloat(y, ==, y2);
    g_assert_cmpfloat(x2, >, 180);
    g_assert_cmpfloat(x2, <, 300);
}

/* ----------------------------------------------------------------------- links */

static void test_links(struct fixture *fixture, const void *data) {
    GString *html = g_string_new("<body><h1><a href='first'>The first</a> of many</h1>");
    for (int i = 0; i < 60; i++)
        g_string_append_printf(html,
                               "%s<a href='page%d.html#x'>link <b>n%d</b>.</a> words ",
                               i % 5 ? "" : "<p>", i, i);
    g_string_append(html, "<table><tr><td>a<td><a href=cell>in a cell</a></table>"
                          "<a href=picture><img src=small.png alt=Next></a>");
    const layout_t *layout = lay_out(fixture, html->str, 500);
    float x, y;
    for (int i = 0; i < 60; i++) {
        char *text = g_strdup_printf("n%d.", i),
             *page = g_strdup_printf("page%d.html#x", i);
        g_assert_true(layout_find_link(layout, text, &x, &y));
        char *href = layout_link_at(layout, x, y);
        g_assert_cmpstr(href, ==, page);
        free(href);
        g_free(text);
        g_free(page);
    }
    static const char *const others[][2] = {
        {"The first", "first"}, {"in a cell", "cell"}, {"Next", "picture"}};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_assert_true(layout_find_link(layout, others[i][0], &x, &y));
        char *href = layout_link_at(layout, x, y);
        g_assert_cmpstr(href, ==, others[i][1]);
        free(href);
    }
    g_assert_false(layout_find_link(layout, "of many", &x, &y));
    g_assert_null(layout_link_at(layout, 1, 1));
    g_assert_null(layout_link_at(layout, -5, 1e9f));
    g_string_free(html, TRUE);
}

static void count_image(void *context, image_id_t id) {
    g_assert_cmpuint(id, !=, 0);
    ++*(unsigned *)context;
}

static void test_images(struct fixture *fixture, const void *data) {
    const layout_t *layout =
        lay_out(fixture,
                "<img src=small.png><p>words<p><img src=large.png><img src=missing.png>"
                "<table><tr><td><img src=small.png></table>",
                500);
    unsigned n = 0;
    layout_images_in(layout, &(struct area){0, 0, 500, layout->height}, count_image, &n);
    g_assert_cmpuint(n, ==, 4);
    g_assert_cmpuint(layout->n_images, ==, 4);
    g_assert_cmpfloat(layout->width, ==, 500); /* the large one is scaled down */
    n = 0;
    layout_images_in(layout, &(struct area){0, 0, 500, 20}, count_image, &n);
    g_assert_cmpuint(n, ==, 1);
}

/* ---------------------------------------------------------------------- by chance */

/* Boxes of lines, but for those in which there is nothing to see. */
static void gather_lines(const struct box *box, GPtrArray *lines) {
    if (box->lines && box->width > 1) g_ptr_array_add(lines, (gpointer)box);
    for (ref_t ref = box->first_child; ref != NO_REF; ref = box_at(ref)->next)
        gather_lines(box_at(ref), lines);
}

static void check_lines(const layout_t *layout) {
    store_hold(layout->store);
    GPtrArray *lines = g_ptr_array_new();
    gather_lines(box_at(layout->root), lines);
    for (size_t i = 0; i < lines->len; i++)
        for (size_t j = i + 1; j < lines->len; j++)
            if (overlap(lines->pdata[i], lines->pdata[j])) {
                const struct box *a = lines->pdata[i], *b = lines->pdata[j];
                g_error("lines at %g,%g %g x %g and %g,%g %g x %g", a->x, a->y, a->width,
                        a->height, b->x, b->y, b->width, b->height);
            }
    g_ptr_array_free(lines, TRUE);
    store_release(layout->store);
}

/* Tiles of a size that fits nothing are what the whole picture has there. */
static void check_tiles(const struct laid *laid) {
    struct area all = {0, 0, laid->layout.width, MIN(laid->layout.height, 3000)};
    cairo_surface_t *whole = laid_picture(laid, &all, NULL);
    size_t stride = cairo_image_surface_get_stride(whole);
    const unsigned char *pixels = cairo_image_surface_get_data(whole);
    for (int y = 0; y < all.height; y += 199)
        for (int x = 0; x < all.width; x += 230) {
            struct area area = {x, y, 230, 199};
            cairo_surface_t *tile = laid_picture(laid, &area, NULL);
            const unsigned char *part = cairo_image_surface_get_data(tile);
            size_t part_stride = cairo_image_surface_get_stride(tile);
            size_t n = 4 * MIN(230, all.width - x);
            for (int row = 0; row < 199 && y + row < all.height; row++)
                if (memcmp(part + row * part_stride, pixels + (y + row) * stride + 4 * x,
                           n))
                    g_error("the tile at %d,%d differs in row %d", x, y, row);
            cairo_surface_destroy(tile);
        }
    cairo_surface_destroy(whole);
}

static void test_chance(struct fixture *fixture, const void *data) {
    for (int round = 0; round < 12; round++) {
        uint32_t seed = g_test_rand_int();
        g_test_message("page %u", seed);
        GString *html = random_page(seed, 60, images, G_N_ELEMENTS(images));
        lay_out(fixture, html->str, 320 + seed % 700);
        check_lines(&fixture->laid.layout);
        store_compact_all(&(struct store_work){0});
        check_tiles(&fixture->laid);
        g_string_free(html, TRUE);
    }
}

/* Blocks are made until one is refused. */
static void fill(store_t *store, GPtrArray *blocks) {
    ref_t block;
    while (blocks->len < 20000 && (block = store_new(store, 1000)) != NO_REF)
        g_ptr_array_add(blocks, block);
}

/* Whatever is refused, nothing is lost, and what there is can be painted. */
static void test_refused(struct fixture *fixture, const void *data) {
    GString *html = random_page(7, 400, images, G_N_ELEMENTS(images));
    lay_out(fixture, html->str, 600);
    GPtrArray *blocks = g_ptr_array_new();
    unsigned truncated = 0;
    for (unsigned room = 0; room < 160; room += 23) {
        layout_free(&fixture->laid.layout);
        memory_limit(1);
        fill(fixture->store, blocks);
        for (unsigned i = 0; i < room && blocks->len; i++)
            store_free(fixture->store,
                       g_ptr_array_remove_index_fast(blocks, blocks->len - 1));
        laid_again(&fixture->laid, 600);
        memory_limit(0);
        truncated += fixture->laid.layout.truncated || !fixture->laid.layout.root;
        struct area area = {0, 0, 600, 400};
        cairo_surface_destroy(laid_picture(&fixture->laid, &area, NULL));
    }
    /* Malloc refuses nothing that fits into what it has already. */
    if (strcmp(store_kind, "rmalloc") == 0) g_assert_cmpuint(truncated, >, 0);
    for (unsigned i = 0; i < blocks->len; i++)
        store_free(fixture->store, blocks->pdata[i]);
    g_ptr_array_free(blocks, TRUE);
    g_string_free(html, TRUE);
}

/* Pages that are made to take the square of their length: these would take minutes. */
static void test_many(struct fixture *fixture, const void *data) {
    static const struct {
        const char *begin, *part;
        size_t times;
        const char *end;
    } pages[] = {
        {"", "<div id=a></div>", 40000, "<p id=z>x<p id=last>y"},
        {"<p>", "<a id=a></a>b ", 20000, "<p><a id=z></a>x<p id=last>y"},
        {"", "<i style='float:left;width:100%;height:9px'></i>", 6000,
         "x<p id=z>y<p id=last>z"},
        {"<p>", "<i style='float:left;width:0;height:9px'></i>", 6000,
         "x<p id=z>y<p id=last>z"},
        {"<img alt='", "a", 100000, "'><p id=z>x<p id=last>y"},
        {"<p>", "a", 20000, "<p id=z>x<p id=last>y"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        GString *html = g_string_new(pages[i].begin);
        for (size_t n = 0; n < pages[i].times; n++) g_string_append(html, pages[i].part);
        g_string_append(html, pages[i].end);
        const layout_t *layout = lay_out(fixture, html->str, 600);
        g_assert_cmpfloat(anchor(layout, "last"), >, anchor(layout, "z"));
        g_string_free(html, TRUE);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define TEST(name)                                                                       \
    g_test_add("/layout/" #name, struct fixture, NULL, set_up, test_##name, tear_down)
    TEST(blocks);
    TEST(narrow);
    TEST(empty);
    TEST(floats);
    TEST(tables);
    TEST(columns);
    TEST(links);
    TEST(images);
    TEST(chance);
    TEST(refused);
    TEST(many);
    int status = g_test_run();
    layout_finish();
    return status;
}
