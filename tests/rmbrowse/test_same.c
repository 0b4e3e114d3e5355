/* SPDX-License-Identifier: MIT */
/*
 * The same commands show the same pixels: whenever blocks move, wherever they lie, in heaps or in malloc, and where all
 * of them move at each call.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "layout/layout.h"
#include "site.h"

static void take(const browser_t *browser, GString *sums) {
    g_autofree char *sum = screen_sum(browser);
    g_string_append_printf(sums, "%s\n", sum);
}

/* A short session: checksums of its screens. */
static char *session(compaction_t compaction, bool shared) {
    struct browser_options options = site_options();
    options.compaction = compaction;
    options.shared = shared;
    options.width = 500;
    options.height = 250;
    options.image_budget = 90000;
    browser_t *browser = browser_create(&options);
    GString *sums = g_string_new(NULL);
    g_assert_nonnull(browser);

    unsigned first = open_page(browser, site_url("index.html"));
    take(browser, sums);
    g_assert_true(browser_click_text(browser, "plain"));
    settle(browser);
    take(browser, sums);
    unsigned second = open_page(browser, site_url("broken.html"));
    take(browser, sums);
    open_page(browser, site_url("nothing.html"));
    take(browser, sums);
    go_to(browser, site_url("image.png"));
    take(browser, sums);
    g_assert_true(browser_close(browser, second));
    g_assert_true(browser_show(browser, first));
    g_assert_true(browser_back(browser));
    browser_scroll_by(browser, 70);
    settle(browser);
    take(browser, sums);
    browser_resize(browser, 300, 250);
    settle(browser);
    take(browser, sums);
    g_assert_cmpuint(browser_destroy(browser), ==, 0);
    return g_string_free(sums, FALSE);
}

static char *reference, *program;

static void test_modes(void) {
    for (int compaction = COMPACT_OFF; compaction <= COMPACT_STEADY; compaction++) {
        for (int shared = 0; shared < 2; shared++) {
            g_autofree char *sums = session((compaction_t)compaction, shared);
            g_assert_cmpstr(sums, ==, reference);
        }
    }
}

/* What another process says. */
static void assert_says(const char *path, const char *stress) {
    char *words[] = {(char *)path, (char *)"--sums", (char *)site_root(), NULL};
    g_autofree char *said = NULL;
    g_auto(GStrv) environment =
        g_environ_setenv(g_get_environ(), "RMALLOC_STRESS", stress, TRUE);
    GError *error = NULL;
    int status;
    if (*stress == '\0') environment = g_environ_unsetenv(environment, "RMALLOC_STRESS");
    g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, NULL, NULL, &said, NULL,
                 &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpstr(said, ==, reference);
}

static void test_moving(void) {
    assert_says(program, "onchange");
    assert_says(program, "onall");
}

/* test-same-rmalloc and test-same-malloc lie beside each other. */
static void test_kinds(void) {
    bool in_malloc = strcmp(store_kind, "malloc") == 0;
    g_autofree char *folder = g_path_get_dirname(program);
    g_autofree char *other = g_build_filename(
        folder, in_malloc ? "test-same-rmalloc" : "test-same-malloc", NULL);
    if (g_file_test(other, G_FILE_TEST_IS_EXECUTABLE)) {
        assert_says(other, "");
    } else {
        g_test_skip("the other program is not built");
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--sums") == 0) {
        site_use(argv[2]);
        g_autofree char *sums = session(COMPACT_IDLE, false);
        fputs(sums, stdout);
        site_forget();
        layout_finish();
        return 0;
    }
    program = argv[0];
    g_test_init(&argc, &argv, NULL);
    site_begin();
    reference = session(COMPACT_IDLE, false);
    g_test_add_func("/same/modes", test_modes);
    g_test_add_func("/same/moving", test_moving);
    g_test_add_func("/same/kinds", test_kinds);
    int status = g_test_run();
    g_free(reference);
    site_end();
    layout_finish();
    return status;
}
