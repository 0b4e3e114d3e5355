/* SPDX-License-Identifier: MIT */
/* All that goes wrong: each is a page that says so, or a placeholder; nothing is left, and another tab is as it was. */
#include <glib.h>
#include <string.h>

#include "layout/layout.h"
#include "serving.h"
#include "site.h"

static browser_t *browser;
static unsigned other, tab;
static char *other_sum;

/* A browser with a tab that nothing may happen to, and one more. */
static void begin_with(const struct browser_options *options) {
    browser = browser_create(options);
    g_assert_nonnull(browser);
    other = open_page(browser, site_url("index.html"));
    other_sum = screen_sum(browser);
    tab = open_page(browser, site_url("page1.html"));
}

static void begin(void) {
    struct browser_options options = site_options();
    begin_with(&options);
}

static void end(void) {
    go_to(browser, site_url("page2.html")); /* the tab is of use, whatever there was */
    char title[64];
    browser_title(browser, tab, title, sizeof title);
    g_assert_cmpstr(title, ==, "Page 2");
    g_assert_true(browser_show(browser, other));
    settle(browser);
    g_autofree char *sum = screen_sum(browser);
    g_assert_cmpstr(sum, ==, other_sum);
    g_clear_pointer(&other_sum, g_free);
    g_assert_cmpuint(browser_destroy(browser), ==, 0);
}

static unsigned failures(void) {
    struct browser_counts counts;
    browser_count(browser, &counts);
    return counts.failures;
}

static void assert_titled(const char *title) {
    char text[512];
    browser_title(browser, tab, text, sizeof text);
    g_assert_cmpstr(text, ==, title);
}

/* It fails, which is seen, and back is as it was. */
static void assert_fails(const char *url, const char *title) {
    unsigned before = failures();
    g_autofree char *sum = screen_sum(browser);
    go_to(browser, url);
    g_test_message("%s", url);
    assert_titled(title);
    g_assert_cmpuint(failures(), ==, before + 1);
    g_assert_cmpuint(white_pixels(browser), <, 640 * 480);
    g_assert_true(browser_back(browser));
    settle(browser);
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(sum, ==, again);
}

static const char not_had[] = "This page cannot be had";

/* --------------------------------------------------------------------------------------- what is shown */

static void test_files(void) {
    begin();
    assert_fails(site_url("nothing.html"), not_had);
    assert_fails(site_url(""), not_had);
    assert_fails("nonsense:nothing", not_had);
    assert_fails("about:nonsense", not_had);
    assert_fails("", not_had);
    assert_fails(site_url("sound.ogg"), "This cannot be shown");
    end();
}

static void test_kinds(void) {
    begin();
    go_to(browser, site_url("empty.html"));
    g_assert_cmpuint(white_pixels(browser), ==, 640 * 480);
    go_to(browser, "about:blank");
    g_assert_cmpuint(white_pixels(browser), ==, 640 * 480);
    go_to(browser, site_url("text.txt"));
    g_assert_cmpuint(white_pixels(browser), <, 640 * 480);
    go_to(browser, site_url("image.png"));
    assert_titled("image.png");
    size_t white = white_pixels(browser);
    g_assert_cmpuint(white, <, 640 * 480 - 200 * 30);
    go_to(browser, site_url("truncated.png")); /* a placeholder */
    g_assert_cmpuint(white_pixels(browser), >, white);
    go_to(browser, site_url("broken.html"));
    g_assert_cmpuint(white_pixels(browser), <, 640 * 480);
    g_assert_cmpuint(failures(), ==, 0);
    end();
}

/* Text is shown as it is, not as HTML. */
static void test_text_is_text(void) {
    begin();
    site_write("page.txt", "<h1>&lt;</h1>", 13);
    site_write("page.html", "<pre>\n&lt;h1&gt;&amp;lt;&lt;/h1&gt;</pre>", 42);
    go_to(browser, site_url("page.txt"));
    g_autofree char *sum = screen_sum(browser);
    go_to(browser, site_url("page.html"));
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(sum, ==, again);
    end();
}

/* --------------------------------------------------------------------------------------------- images */

/* Each of them has its place, and what is there is there, however small the budget. */
static void test_images(void) {
    g_autofree char *sum = NULL;
    for (size_t budget = 32 << 20; budget > 0; budget /= 64) {
        struct browser_options options = site_options();
        options.image_budget = budget;
        begin_with(&options);
        go_to(browser, site_url("pictures.html"));
        struct browser_counts counts;
        browser_count(browser, &counts);
        g_assert_cmpuint(counts.images.there, >=, 2);
        g_autofree char *this = screen_sum(browser);
        if (sum == NULL) sum = g_strdup(this);
        g_assert_cmpstr(sum, ==, this);
        browser_scroll_to(browser, 1e6F);
        settle(browser);
        browser_scroll_to(browser, 0);
        settle(browser);
        g_autofree char *again = screen_sum(browser);
        g_assert_cmpstr(sum, ==, again);
        end();
    }
}

/* Images that were shed come again when they are seen again. */
static void test_shed_images(void) {
    struct browser_options options = site_options();
    options.image_budget = 100 << 10; /* one of 80000 bytes */
    begin_with(&options);
    GString *page = g_string_new("<title>Many</title>");
    for (int i = 0; i < 10; i++) {
        g_autofree char *name = g_strdup_printf("copy%d.png", i), *bytes = NULL;
        g_autofree char *from = g_build_filename(site_root(), "image.png", NULL);
        size_t n;
        g_assert_true(g_file_get_contents(from, &bytes, &n, NULL));
        site_write(name, bytes, n);
        g_string_append_printf(page, "<p><img src=%s><p>%d", name, i);
    }
    site_write("many.html", page->str, page->len);
    g_string_free(page, TRUE);
    go_to(browser, site_url("many.html"));
    g_autofree char *top = screen_sum(browser);
    for (int i = 0; i < 3; i++) {
        browser_scroll_to(browser, 1e6F);
        settle(browser);
        browser_scroll_to(browser, 0);
        settle(browser);
        g_autofree char *again = screen_sum(browser);
        g_assert_cmpstr(top, ==, again);
    }
    struct browser_counts counts;
    browser_count(browser, &counts);
    g_assert_cmpuint(counts.images.shed, >, 5);
    end();
}

/* --------------------------------------------------------------------------------------------- memory */

/* More nodes than there is memory for. */
static void test_too_large(void) {
    struct memory_figures now;
    struct browser_options options = site_options();
    GString *page = g_string_new("<title>Large</title>");
    while (page->len < 3000000) g_string_append(page, "<p><b>x</b> <i>y</i>");
    site_write("huge.html", page->str, page->len);
    g_string_free(page, TRUE);
    options.fetch.most_bytes = 4 << 20;
    begin_with(&options);
    memory_look(&now);
    memory_limit(now.own_live + now.libraries_live + (8 << 20));
    assert_fails(site_url("huge.html"), "This page is too large");
    assert_fails(site_url("huge.html"), "This page is too large");
    end();
}

/* Where there is no memory for tiles, the page is painted all the same. */
static void test_no_tiles(void) {
    struct memory_figures now;
    begin();
    go_to(browser, site_url("long.html"));
    browser_scroll_to(browser, 2000);
    settle(browser);
    g_autofree char *sum = screen_sum(browser);
    browser_scroll_to(browser, 0);
    settle(browser);
    memory_look(&now);
    memory_limit(now.footprint - (512 << 10));
    for (int i = 0; i < 5; i++) {
        browser_scroll_to(browser, (float)i * 700);
        settle(browser);
    }
    browser_scroll_to(browser, 2000);
    settle(browser);
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(sum, ==, again);
    memory_limit(0);
    end();
}

/* A view that has more tiles than there may be: its upper part is what a smaller one shows. */
static void test_large_view(void) {
    enum { WIDTH = 2300, SMALL = 500, LARGE = 2300 };
    int width, height;
    begin();
    go_to(browser, site_url("long.html"));
    browser_resize(browser, WIDTH, SMALL);
    settle(browser);
    g_autofree uint32_t *part = g_malloc((size_t)WIDTH * SMALL * 4);
    ref_t screen = browser_screen(browser, &width, &height);
    memcpy(part, store_lock(screen), (size_t)WIDTH * SMALL * 4);
    store_unlock(screen);
    browser_resize(browser, WIDTH, LARGE);
    settle(browser);
    screen = browser_screen(browser, &width, &height);
    g_assert_cmpint(height, ==, LARGE);
    g_assert_cmpmem(part, (size_t)WIDTH * SMALL * 4, store_lock(screen),
                    (size_t)WIDTH * SMALL * 4);
    store_unlock(screen);
    browser_resize(browser, 640, 480);
    end();
}

/* ------------------------------------------------------------------------------------------ the network */

static bool serve(void) {
    bool serving = serving_begin(site_root());
    if (!serving) g_test_skip("there is no python3");
    return serving;
}

static void test_statuses(void) {
    if (!serve()) return;
    begin();
    assert_fails(serving_url("-/status/404"),
                 "404 Not Found"); /* the server's own words */
    assert_fails(serving_url("-/status/500"), "500 Internal Server Error");
    assert_fails(serving_url("no/such/page.html"), "Error response");
    assert_fails(serving_url("-/type?status=404&type=audio/ogg&body=x"),
                 "This cannot be shown");
    go_to(browser, serving_url("-/status/204"));
    g_assert_cmpuint(white_pixels(browser), ==, 640 * 480);
    end();
    serving_end();
}

static void test_redirections(void) {
    char at[512];
    if (!serve()) return;
    begin();
    go_to(browser, serving_url("-/redirect?to=/page5.html"));
    browser_url(browser, tab, at, sizeof at);
    g_assert_cmpstr(at, ==, serving_url("page5.html"));
    assert_titled("Page 5");
    g_assert_true(browser_click_text(
        browser, "the next")); /* relative to where it was in the end */
    settle(browser);
    assert_titled("Page 6");
    assert_fails(serving_url("-/loop/1"), not_had);
    assert_fails(serving_url("-/redirect?to=file:///etc/passwd"), not_had);
    end();
    serving_end();
}

static void test_bad_servers(void) {
    static const char *const paths[] = {"-/hang",          "-/hang/body",
                                        "-/nothing",       "-/garbage",
                                        "-/headers",       "-/cut",
                                        "-/forever",       "-/drip?ms=10",
                                        "-/bytes/2000000", "-/bytes/100?lie=100"};
    if (!serve()) return;
    begin();
    assert_fails("http://127.0.0.1:9/", not_had); /* nobody is there */
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        assert_fails(serving_url("%s", paths[i]), not_had);
    end();
    serving_end();
}

/* What a page refers to may fail as it likes. */
static void test_bad_parts(void) {
    static const char page[] =
        "<title>Parts</title><link rel=stylesheet href=/-/status/404><link "
        "rel=stylesheet "
        "href=/-/hang><link rel=stylesheet href=style.css><p class=first>Text <img "
        "src=/-/hang/body> <img src=/-/status/404> <img src=/-/bytes/5000> <img "
        "src=image.png> <img src=/-/cut> <img src=http://127.0.0.1:9/a.png> <img "
        "src=file:///etc/passwd> <img src=javascript:x> <img src> <img>";
    if (!serve()) return;
    begin();
    site_write("parts.html", page, strlen(page));
    go_to(browser, serving_url("parts.html"));
    assert_titled("Parts");
    g_assert_cmpuint(failures(), ==, 0);
    struct browser_counts counts;
    browser_count(browser, &counts);
    g_assert_cmpuint(counts.images.there, ==, 2); /* one of them is the other tab's */
    /* It may be left while its parts hang. */
    g_assert_true(browser_reload(browser));
    struct frame frame;
    for (int i = 0; i < 20; i++) browser_frame(browser, 5, &frame);
    end();
    serving_end();
}

/* A page of a server's cannot have files of the machine shown, or find out about them: whatever it says that its base
   is. */
static void test_files_of_the_machine(void) {
    static const char *const bases[] = {"about:blank", "ABOUT:x", "file:///", "mailto:x",
                                        ""};
    if (!serve()) return;
    site_write("black.css", "body{background:#000}", 21);
    begin();
    for (size_t i = 0; i < G_N_ELEMENTS(bases); i++) {
        g_autofree char *page = g_strdup_printf(
            "<title>Files</title><base href='%s'><style>@import '%s';</style><link "
            "rel=stylesheet href='%s'><a href='%s'>leads</a> <img src='%s'>",
            bases[i], site_url("black.css"), site_url("black.css"),
            site_url("index.html"), site_url("large.png"));
        struct browser_counts counts;
        site_write("files.html", page, strlen(page));
        go_to(browser, serving_url("files.html"));
        assert_titled("Files");
        browser_count(browser, &counts);
        g_assert_cmpuint(counts.images.there, ==, 1); /* the other tab's */
        g_assert_cmpuint(white_pixels(browser), >, 640 * 480 / 2);
        g_assert_false(browser_click_text(browser, "leads"));
    }
    end();
    serving_end();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    site_begin();
    g_test_add_func("/trouble/files", test_files);
    g_test_add_func("/trouble/kinds", test_kinds);
    g_test_add_func("/trouble/text-is-text", test_text_is_text);
    g_test_add_func("/trouble/images", test_images);
    g_test_add_func("/trouble/shed-images", test_shed_images);
    g_test_add_func("/trouble/too-large", test_too_large);
    g_test_add_func("/trouble/no-tiles", test_no_tiles);
    g_test_add_func("/trouble/large-view", test_large_view);
    g_test_add_func("/trouble/statuses", test_statuses);
    g_test_add_func("/trouble/redirections", test_redirections);
    g_test_add_func("/trouble/bad-servers", test_bad_servers);
    g_test_add_func("/trouble/bad-parts", test_bad_parts);
    g_test_add_func("/trouble/files-of-the-machine", test_files_of_the_machine);
    int status = g_test_run();
    site_end();
    layout_finish();
    return status;
}
