/* SPDX-License-Identifier: MIT */
/* Tabs, links, history, scrolling: on the pages of site.c. Whatever is done, no object is left. */
#include <glib.h>
#include <string.h>

#include "layout/layout.h"
#include "site.h"

static browser_t *browser;

static void begin(void) {
    struct browser_options options = site_options();
    browser = browser_create(&options);
    g_assert_nonnull(browser);
}

static void end(void) { g_assert_cmpuint(browser_destroy(browser), ==, 0); }

static void assert_at(const char *url) {
    char text[512];
    browser_url(browser, browser_shown(browser), text, sizeof text);
    g_assert_cmpstr(text, ==, url);
}

static void assert_titled(const char *title) {
    char text[512];
    browser_title(browser, browser_shown(browser), text, sizeof text);
    g_assert_cmpstr(text, ==, title);
}

static struct browser_counts counts(void) {
    struct browser_counts counts;
    browser_count(browser, &counts);
    return counts;
}

static void click(const char *text) {
    g_assert_true(browser_click_text(browser, text));
    settle(browser);
}

/* ---------------------------------------------------------------------------------------------- pages */

static void test_open(void) {
    begin();
    open_page(browser, site_url("index.html"));
    assert_titled("The site");
    assert_at(site_url("index.html"));
    g_assert_cmpfloat(browser_page_height(browser), >, 100);
    size_t white = white_pixels(browser);
    g_assert_cmpuint(white, >, 640 * 480 / 4);
    g_assert_cmpuint(white, <, 640 * 480 - 200 * 30);
    g_assert_cmpuint(counts().loads, ==, 1);
    g_assert_cmpuint(counts().failures, ==, 0);
    g_assert_cmpuint(counts().images.there, ==, 1);
    g_assert_cmpuint(counts().nodes, >, 10);
    g_assert_cmpuint(counts().boxes, >, 3);
    g_assert_cmpuint(counts().tiles, >=, 6);
    g_assert_cmpuint(counts().sources, >, 300);
    end();
}

static void test_nothing_open(void) {
    begin();
    settle(browser);
    g_assert_cmpuint(white_pixels(browser), ==, 640 * 480);
    g_assert_cmpuint(browser_shown(browser), ==, 0);
    g_assert_false(browser_go(browser, site_url("index.html")));
    g_assert_false(browser_back(browser));
    g_assert_false(browser_forward(browser));
    g_assert_false(browser_reload(browser));
    g_assert_false(browser_click(browser, 10, 10));
    g_assert_false(browser_click_text(browser, "x"));
    g_assert_false(browser_close(browser, 1));
    g_assert_false(browser_show(browser, 0));
    browser_scroll_by(browser, 100);
    g_assert_cmpfloat(browser_scroll(browser), ==, 0);
    assert_titled("");
    end();
}

static void test_links(void) {
    begin();
    open_page(browser, site_url("index.html"));
    g_autofree char *first = screen_sum(browser);
    g_assert_false(browser_click_text(browser, "no such link"));
    g_assert_false(
        browser_click_text(browser, "nobody")); /* mailto: is nothing to fetch */
    click("plain");
    assert_at(site_url("text.txt"));
    g_assert_false(browser_forward(browser));
    g_assert_true(browser_back(browser));
    settle(browser);
    assert_titled("The site");
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(first, ==, again);
    g_assert_false(browser_back(browser));
    g_assert_true(browser_forward(browser));
    settle(browser);
    assert_at(site_url("text.txt"));
    g_assert_cmpuint(counts().loads, ==, 4);
    end();
}

/* A link is where the pointer says it is. */
static void test_pointer(void) {
    begin();
    open_page(browser, site_url("page3.html"));
    bool found = false;
    for (float y = 40; y < 200 && !found; y += 8) {
        for (float x = 20; x < 120 && !found; x += 20) {
            found = browser_link(browser, x, y, NULL, 0);
            if (found) g_assert_true(browser_click(browser, x, y));
        }
    }
    g_assert_true(found);
    g_assert_false(browser_click(browser, 639, 479));
    settle(browser);
    assert_titled("Page 4");
    end();
}

/* Going back needs no network, for some pages; those that were let go are fetched again. */
static void test_sources(void) {
    begin();
    open_page(browser, site_url("page0.html"));
    for (int i = 1; i < 12; i++) click("the next");
    assert_titled("Page 11");
    for (int i = 11; i >= 5; i--) {
        g_autofree char *name = g_strdup_printf("page%d.html", i);
        site_remove(name);
    }
    for (int i = 10; i >= 0; i--) {
        g_autofree char *title = g_strdup_printf("Page %d", i);
        g_assert_true(browser_back(browser));
        settle(browser);
        assert_titled(title);
    }
    g_assert_cmpuint(counts().failures, ==, 0);
    g_assert_true(browser_reload(browser));
    settle(browser);
    assert_titled("Page 0");
    g_assert_cmpuint(counts().loads, ==, 24);
    end();
}

static void test_reload(void) {
    begin();
    site_write("changing.html", "<title>One</title>1", 19);
    open_page(browser, site_url("changing.html"));
    assert_titled("One");
    site_write("changing.html", "<title>Two</title>2", 19);
    g_assert_true(browser_reload(browser));
    settle(browser);
    assert_titled("Two");
    g_assert_false(browser_back(browser));
    end();
}

/* ------------------------------------------------------------------------------------------ scrolling */

static void test_scroll(void) {
    begin();
    open_page(browser, site_url("long.html"));
    float most = browser_page_height(browser) - 480;
    g_assert_cmpfloat(most, >, 5000);
    browser_scroll_by(browser, -50);
    g_assert_cmpfloat(browser_scroll(browser), ==, 0);
    g_autofree char *top = screen_sum(browser);
    browser_scroll_by(browser, 1e9F);
    g_assert_cmpfloat(browser_scroll(browser), <=, most + 1);
    g_assert_cmpfloat(browser_scroll(browser), >=, most - 1);
    browser_scroll_by(browser, -100);
    g_assert_cmpfloat(browser_scroll(browser), <, most - 98);
    settle(browser);
    g_autofree char *bottom = screen_sum(browser);
    g_assert_cmpstr(top, !=, bottom);
    for (int i = 0; i < 30; i++) {
        struct frame frame;
        browser_scroll_by(browser, i % 3 == 0 ? -900 : 700);
        browser_frame(browser, 0, &frame);
    }
    browser_scroll_to(browser, 0);
    settle(browser);
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(top, ==, again);
    end();
}

static void test_fragments(void) {
    begin();
    open_page(browser, site_url("long.html#p30"));
    float middle = browser_scroll(browser);
    g_assert_cmpfloat(middle, >, 1000);
    g_autofree char *first = screen_sum(browser);
    click("jumps 31");
    assert_at(site_url("long.html#p38"));
    g_assert_cmpfloat(browser_scroll(browser), >, middle);
    g_assert_true(browser_back(browser));
    settle(browser);
    g_assert_cmpfloat(browser_scroll(browser), ==, middle);
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(first, ==, again);
    g_assert_cmpuint(counts().loads, ==, 1);

    go_to(browser, site_url("long.html#top"));
    g_assert_cmpfloat(browser_scroll(browser), ==, 0);
    go_to(browser, site_url("long.html#nowhere"));
    g_assert_cmpfloat(browser_scroll(browser), ==, 0);
    g_assert_cmpuint(counts().loads, ==, 1);
    g_assert_true(browser_reload(browser));
    settle(browser);
    g_assert_cmpuint(counts().loads, ==, 2);
    end();
}

/* Where a page was left is where it is found again, though it was parsed again. */
static void test_scroll_of_history(void) {
    begin();
    open_page(browser, site_url("long.html"));
    browser_scroll_to(browser, 3333);
    settle(browser);
    g_autofree char *there = screen_sum(browser);
    go_to(browser, site_url("index.html"));
    g_assert_cmpfloat(browser_scroll(browser), ==, 0);
    g_assert_true(browser_back(browser));
    settle(browser);
    g_assert_cmpfloat(browser_scroll(browser), ==, 3333);
    g_autofree char *again = screen_sum(browser);
    g_assert_cmpstr(there, ==, again);
    end();
}

static void test_resize(void) {
    begin();
    open_page(browser, site_url("long.html"));
    g_autofree char *before = screen_sum(browser);
    float height = browser_page_height(browser);
    browser_resize(browser, 300, 200);
    settle(browser);
    g_assert_cmpfloat(browser_page_height(browser), >, height);
    browser_resize(browser, 640, 480);
    settle(browser);
    g_autofree char *after = screen_sum(browser);
    g_assert_cmpstr(before, ==, after);
    browser_resize(browser, 0, -5);
    g_assert_cmpfloat(browser_page_height(browser), ==, height);
    end();
}

/* ----------------------------------------------------------------------------------------------- tabs */

static void test_tabs(void) {
    unsigned tabs[12], numbers[12];
    g_autofree char *sums[12] = {NULL};
    begin();
    for (int i = 0; i < 12; i++) {
        g_autofree char *name = g_strdup_printf("page%d.html", i);
        tabs[i] = open_page(browser, i % 3 ? site_url(name) : site_url("index.html"));
        g_assert_cmpuint(tabs[i], ==, (unsigned)i + 1);
        sums[i] = screen_sum(browser);
    }
    g_assert_cmpuint(browser_tabs(browser, numbers, 12), ==, 12);
    static const int order[] = {5, 0, 11, 3, 8, 1, 10};
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        g_assert_true(browser_close(browser, tabs[order[i]]));
        g_assert_false(browser_close(browser, tabs[order[i]]));
        settle(browser);
    }
    g_assert_cmpuint(browser_tabs(browser, numbers, 12), ==, 5);
    g_assert_cmpuint(browser_shown(browser), ==, tabs[9]);
    static const int left[] = {2, 4, 6, 7, 9};
    for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
        g_assert_cmpuint(numbers[i], ==, tabs[left[i]]);
        g_assert_true(browser_show(browser, numbers[i]));
        settle(browser);
        g_autofree char *sum = screen_sum(browser);
        g_assert_cmpstr(sum, ==, sums[left[i]]);
    }
    end();
    for (int i = 0; i < 12; i++) g_clear_pointer(&sums[i], g_free);
}

/* Whatever is going on when a tab is closed, or the browser. */
static void test_closed_in_between(void) {
    static const char *const names[] = {"long.html", "pictures.html", "index.html",
                                        "text.txt"};
    struct frame frame;
    for (unsigned frames = 0; frames < 8; frames++) {
        begin();
        for (unsigned i = 0; i < 8; i++) {
            unsigned tab = browser_open(browser, site_url(names[i % 4]));
            for (unsigned n = 0; n < frames; n++) browser_frame(browser, 0, &frame);
            if (i % 3 == 1) g_assert_true(browser_close(browser, tab));
            if (i % 3 == 2) g_assert_true(browser_go(browser, site_url(names[i % 2])));
        }
        end();
    }
}

static void test_too_many(void) {
    begin();
    for (unsigned i = 0; i < TABS_MAX; i++)
        g_assert_cmpuint(browser_open(browser, "about:blank"), ==, i + 1);
    g_assert_cmpuint(browser_open(browser, "about:blank"), ==, 0);
    g_assert_true(browser_close(browser, 7));
    g_assert_cmpuint(browser_open(browser, "about:blank"), ==, TABS_MAX + 1);
    settle(browser);
    g_assert_cmpuint(counts().failures, ==, 0);
    end();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    site_begin();
    g_test_add_func("/browse/open", test_open);
    g_test_add_func("/browse/nothing-open", test_nothing_open);
    g_test_add_func("/browse/links", test_links);
    g_test_add_func("/browse/pointer", test_pointer);
    g_test_add_func("/browse/reload", test_reload);
    g_test_add_func("/browse/scroll", test_scroll);
    g_test_add_func("/browse/fragments", test_fragments);
    g_test_add_func("/browse/scroll-of-history", test_scroll_of_history);
    g_test_add_func("/browse/resize", test_resize);
    g_test_add_func("/browse/tabs", test_tabs);
    g_test_add_func("/browse/closed-in-between", test_closed_in_between);
    g_test_add_func("/browse/too-many", test_too_many);
    g_test_add_func("/browse/sources", test_sources); /* removes pages */
    int status = g_test_run();
    site_end();
    layout_finish();
    return status;
}
