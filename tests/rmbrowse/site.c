/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <cairo.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

static char *root;

/* --------------------------------------------------------------------------------------------- files */

const char *site_root(void) { return root; }

const char *site_url(const char *name) {
    static char urls[8][512];
    static unsigned turn;
    char *url = urls[turn++ % 8];
    g_snprintf(url, sizeof urls[0], "file://%s/%s", root, name);
    return url;
}

void site_write(const char *name, const char *text, size_t n) {
    g_autofree char *path = g_build_filename(root, name, NULL);
    g_assert_true(g_file_set_contents(path, text, (gssize)n, NULL));
}

void site_remove(const char *name) {
    g_autofree char *path = g_build_filename(root, name, NULL);
    g_unlink(path);
}

static void write_string(const char *name, const char *text) {
    site_write(name, text, strlen(text));
}

/* Stripes, so that any row or column that is off is seen. */
static void write_image(const char *name, int width, int height) {
    g_autofree char *path = g_build_filename(root, name, NULL);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cairo = cairo_create(surface);
    for (int x = 0; x < width; x += 20) {
        cairo_set_source_rgb(cairo, x / (double)width, 0.5, 1 - x / (double)width);
        cairo_rectangle(cairo, x, x % 60, 13, height - 60);
        cairo_fill(cairo);
    }
    cairo_destroy(cairo);
    g_assert_cmpint(cairo_surface_write_to_png(surface, path), ==, CAIRO_STATUS_SUCCESS);
    cairo_surface_destroy(surface);
}

/* One that ends too early, and one that says it is larger than it is. */
static void write_bad_images(void) {
    g_autofree char *path = g_build_filename(root, "image.png", NULL), *bytes = NULL;
    size_t n;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    site_write("truncated.png", bytes, n / 2);
    memcpy(bytes + 16, "\x00\x00\x70\x00\x00\x00\x70\x00", 8); /* IHDR: 28672 x 28672 */
    site_write("lying.png", bytes, n);
    site_write("sound.ogg", "OggS\0\0\0\0\0\0\0\0", 12);
}

static void write_long_page(void) {
    GString *page =
        g_string_new("<!DOCTYPE html><title>Long</title><style>p { margin-bottom: 90px "
                     "}</style><body><h1>A long page</h1>");
    for (int i = 1; i <= 60; i++) {
        g_string_append_printf(
            page,
            "<p id=p%d>Paragraph %d goes on for a while, so that there is "
            "something to <em>break</em> into lines, and <b>then</b> more "
            "of it, and it <a href=\"#p%d\">jumps %d</a>.\n",
            i, i, (i * 7) % 60 + 1, i);
        if (i % 6 == 0) g_string_append(page, "<p><img src=image.png alt=stripes>\n");
    }
    site_write("long.html", page->str, page->len);
    g_string_free(page, TRUE);
}

static void write_pages(void) {
    write_string(
        "index.html",
        "<!DOCTYPE html><html><head><title>The site</title>"
        "<link rel=stylesheet href=style.css><style>h1 { color: #008000 }</style>"
        "</head><body><h1>Welcome</h1><p class=first>A <a href=text.txt>plain "
        "text</a>, a <a href=long.html>long page</a>, <a href=long.html#p30>its "
        "middle</a>, <a href=pictures.html>pictures</a>, <a "
        "href=\"mailto:nobody@nowhere\">nobody</a>.<p><img src=image.png><p>Below");
    write_string("style.css", ".first { background: #ffffc0; padding: 20px }\n");
    write_string("pictures.html",
                 "<title>Pictures</title><p><img src=image.png> <img src=truncated.png> "
                 "<img src=lying.png alt=lying> <img src=missing.png alt=missing> "
                 "<img src=large.png> after all");
    write_string("broken.html",
                 "<html><body><table><tr><td><b>Bold <i>both</b> odd</i><div></p></table>"
                 "<ul><li>a<li>b</ol></span>&nosuch; &#xFFFFFFF; <a href='x>unclosed");
    write_string("text.txt", "Some <b>text</b> & such\n\tindented\nÄÖÜ\n");
    write_string("empty.html", "");
    for (int i = 0; i < 12; i++) {
        g_autofree char *name = g_strdup_printf("page%d.html", i);
        g_autofree char *text =
            g_strdup_printf("<title>Page %d</title><h1>Page %d</h1><p>To <a "
                            "href=page%d.html>the next</a>",
                            i, i, (i + 1) % 12);
        write_string(name, text);
    }
}

void site_begin(void) {
    root = g_dir_make_tmp(NULL, NULL);
    g_assert_nonnull(root);
    write_pages();
    write_long_page();
    write_image("image.png", 200, 100);
    write_image("large.png", 1600, 1200);
    write_bad_images();
}

void site_use(const char *folder) { root = g_strdup(folder); }

void site_forget(void) { g_clear_pointer(&root, g_free); }

void site_end(void) {
    GDir *folder = g_dir_open(root, 0, NULL);
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) site_remove(name);
    g_dir_close(folder);
    g_rmdir(root);
    site_forget();
}

/* ------------------------------------------------------------------------------------------- browsing */

struct browser_options site_options(void) {
    struct browser_options options = browser_options_default;
    options.width = 640;
    options.height = 480;
    options.fetch = (struct fetch_limits){.most_bytes = 1 << 20,
                                          .connect_ms = 500,
                                          .total_ms = 2000,
                                          .idle_ms = 200,
                                          .most_at_once = 6};
    return options;
}

void settle(browser_t *browser) {
    gint64 limit = g_get_monotonic_time() + 300 * G_USEC_PER_SEC;
    struct frame frame;
    do {
        browser_frame(browser, 5, &frame);
        if (g_get_monotonic_time() > limit) g_error("the pages do not settle");
    } while (frame.busy);
}

unsigned open_page(browser_t *browser, const char *url) {
    unsigned tab = browser_open(browser, url);
    g_assert_cmpuint(tab, !=, 0);
    settle(browser);
    return tab;
}

void go_to(browser_t *browser, const char *url) {
    g_assert_true(browser_go(browser, url));
    settle(browser);
}

char *screen_sum(const browser_t *browser) {
    int width, height;
    ref_t screen = browser_screen(browser, &width, &height);
    g_assert_true(screen != NO_REF);
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, store_lock(screen),
                                            (size_t)width * (size_t)height * 4);
    store_unlock(screen);
    return sum;
}

size_t white_pixels(const browser_t *browser) {
    int width, height;
    ref_t screen = browser_screen(browser, &width, &height);
    g_assert_true(screen != NO_REF);
    const uint32_t *pixels = store_lock(screen);
    size_t n = 0;
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
        n += pixels[i] << 8 == 0xffffff00;
    store_unlock(screen);
    return n;
}
