/* SPDX-License-Identifier: MIT */
/* URLs as pages and people write them, and what a header or a name says of what is fetched. */
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "net/media.h"
#include "net/url.h"

static void assert_resolves(const char *base, const char *reference, const char *wanted) {
    char *url = url_resolve(base, reference);

    g_test_message("%s + %s", base ? base : "(none)", reference);
    g_assert_cmpstr(url, ==, wanted);
    url_free(url);
}

static void test_resolve(void) {
    static const struct {
        const char *base, *reference, *wanted;
    } cases[] = {
        {NULL, "http://h", "http://h/"},
        {NULL, "HTTP://h:80/%41/./x/../b?q#f", "http://h/%41/b?q#f"},
        {NULL, "https://h:443/", "https://h/"},
        {NULL, "https://h:80/", "https://h:80/"},
        {NULL, "file:///a/b%20c", "file:///a/b%20c"},
        {NULL, "a.html", NULL},
        {NULL, "", NULL},
        {"http://h/a/b", "c", "http://h/a/c"},
        {"http://h/a/b", "../../../c", "http://h/c"},
        {"http://h/a/b/", "..", "http://h/a/"},
        {"http://h/a/b", "/c", "http://h/c"},
        {"http://h/a/b", "//other:8080/c", "http://other:8080/c"},
        {"https://h/a", "//other/c", "https://other/c"},
        {"http://h/a?x#y", "?z", "http://h/a?z"},
        {"http://h/a?x#y", "#z", "http://h/a?x#z"},
        {"http://h/a?x#y", "", "http://h/a?x"},
        {"http://h/a", " \t\nb c\r\n ", "http://h/b%20c"},
        {"http://h/a", "b\nc", "http://h/bc"},
        {"http://h/a", "\xc3\xa4?\xc3\xb6", "http://h/%c3%a4?%c3%b6"},
        {"file:///a/b.html", "c.html#d", "file:///a/c.html#d"},
        {"file:///a/b.html", "../../../c", "file:///c"},
        {"file:///a/b.html", "http://h/", "http://h/"},
        {"file:///a/b.html?q", "#c", "file:///a/b.html?q#c"},
        {"http://h/a", "#", "http://h/a#"},
        {"http://h/a", "b#", "http://h/b#"},
        {NULL, "http://h/#", "http://h/#"},
        {"about:blank", "http://h/", "http://h/"},
        {"about:blank", "#x", "about:blank#x"},
        {"about:blank", "x", NULL},
        {"http://h/", "About:blank", "about:blank"},
        /* not fetched, or not for such a page */
        {"http://h/", "mailto:a@b", NULL},
        {"http://h/", "javascript:alert(1)", NULL},
        {"http://h/", "data:text/html,x", NULL},
        {"http://h/", "ftp://h/", NULL},
        {"http://h/", "file:///etc/passwd", NULL},
        {"https://h/", " FILE:/etc/passwd", NULL},
        {"about:blank", "file:///etc/passwd", NULL},
        {"file:///a", "//etc/passwd", NULL},
        /* no URLs */
        {NULL, "http://", NULL},
        {NULL, "http://[::1", NULL},
        {NULL, "http://h:99999/", NULL},
        {NULL, "://h", NULL},
        {"http://h/",
         "a\x01"
         "b",
         NULL},
        {"http://h/", "#\x01", NULL},
        {"http://h/", "#\x7f", NULL},
        {"http://h/", "http:x", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_resolves(cases[i].base, cases[i].reference, cases[i].wanted);
}

/* Whatever it is made of, what comes out can go in again, and stays. */
static void test_resolve_random(void) {
    static const char *const pieces[] = {
        "http", "file", "about", "x",  ":",     "/",   "//",   "?",        "#", ".",
        "..",   "%",    "%41",   "@",  "[",     "]",   "\xff", "\xc3\xa4", " ", "\t",
        "\x01", "80",   "h",     "\\", "blank", "%00", "&",    "=",        ";", "://"};

    for (int i = 0; i < 20000; i++) {
        GString *base = g_string_new(NULL), *reference = g_string_new(NULL);
        for (int n = g_test_rand_int_range(0, 8); n > 0; n--)
            g_string_append(base, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
        for (int n = g_test_rand_int_range(0, 12); n > 0; n--)
            g_string_append(reference,
                            pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);

        char *page = url_resolve(NULL, base->str);
        char *url = url_resolve(page, reference->str);
        if (url) {
            char *again = url_resolve(NULL, url);
            g_assert_cmpstr(again, ==, url);
            url_free(again);
            g_assert_true(url_same_page(url, url));
            if (page && g_str_has_prefix(page, "http"))
                g_assert_false(g_str_has_prefix(url, "file"));
        }
        url_free(url_fragment(url ? url : reference->str));
        url_free(url);
        url_free(page);
        g_string_free(base, TRUE);
        g_string_free(reference, TRUE);
    }
}

static void assert_means(const char *words, const char *wanted) {
    char *url = url_of_words(words);

    g_test_message("%s", words);
    g_assert_cmpstr(url, ==, wanted);
    url_free(url);
}

static void test_words(void) {
    g_autofree char *folder = g_dir_make_tmp(NULL, NULL);
    g_autofree char *before = g_get_current_dir();
    g_autofree char *here = NULL, *wanted = NULL;

    assert_means(" http://h/a b ", "http://h/a%20b");
    assert_means("about:blank", "about:blank");
    assert_means("localhost:8080/x", "http://localhost:8080/x");
    assert_means("www.example.org", "http://www.example.org/");
    assert_means("/a/b c#d?e%41.html", "file:///a/b%20c%23d%3fe%2541.html");
    assert_means("/a//b/../c/", "file:///a//c/");
    assert_means("two words", NULL);
    assert_means("", NULL);
    assert_means(" \t", NULL);
    assert_means("h:x", NULL);

    g_assert_cmpint(g_chdir(folder), ==, 0);
    g_assert_true(g_file_set_contents("a page", "", 0, NULL));
    here = g_get_current_dir();
    wanted = g_strconcat("file://", here, "/a%20page", NULL);
    assert_means("a page", wanted);
    assert_means("./a page", wanted);
    g_assert_cmpint(g_unlink("a page"), ==, 0);
    assert_means("./a page",
                 wanted); /* the page that says so is for whoever fetches it */
    assert_means("a page", NULL);
    g_assert_cmpint(g_chdir(before), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void assert_fragment(const char *url, const char *wanted) {
    char *fragment = url_fragment(url);

    g_assert_cmpstr(fragment, ==, wanted);
    url_free(fragment);
}

static void test_fragment(void) {
    assert_fragment("http://h/a", NULL);
    assert_fragment("http://h/a#", "");
    assert_fragment("http://h/a#b%20%c3%a4#c", "b \xc3\xa4#c");
    assert_fragment("http://h/a#%zz%", "%zz%");
    g_assert_cmpuint(url_length("http://h/a#b"), ==, 10);
    g_assert_cmpuint(url_length("http://h/a"), ==, 10);
    g_assert_true(url_same_page("http://h/a#b", "http://h/a"));
    g_assert_false(url_same_page("http://h/a#b", "http://h/ab"));
    g_assert_false(url_same_page("http://h/a?b", "http://h/a"));
}

static void test_media_of_header(void) {
    static const struct {
        const char *header, *type, *charset;
    } cases[] = {
        {NULL, "", ""},
        {"", "", ""},
        {"text/html", "text/html", ""},
        {"  Text/HTML ;charset=UTF-8", "text/html", "utf-8"},
        {"text/html; charset=\"ISO-8859-1\"; x=y", "text/html", "iso-8859-1"},
        {"text/html; a=\"; charset=no\"; charset=yes", "text/html", "yes"},
        {"text/html; charset=\"never ends", "text/html", ""},
        {"text/html; charset=", "text/html", ""},
        {"text/html;;; CharSet=koi8-r;", "text/html", "koi8-r"},
        {"text/html charset=utf-8", "text/html", ""},
        {"text", "", ""},
        {"/", "", ""},
        {"text/", "", ""},
        {"/html", "", ""},
        {"; charset=utf-8", "", "utf-8"},
        {"image/svg+xml", "image/svg+xml", ""},
        {"\xff\xfe; charset=\xff", "", ""},
        {"text/html; charset=a-charset-whose-name-is-far-too-long-to-be-one", "text/html",
         ""},
        {"application/x-a-type-whose-name-is-far-too-long-to-be-one-of-any-use/at-all",
         "", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct media media = media_of_header(cases[i].header);
        char *shown = g_strescape(cases[i].header ? cases[i].header : "(none)", NULL);

        g_test_message("%s", shown);
        g_free(shown);
        g_assert_cmpstr(media.type, ==, cases[i].type);
        g_assert_cmpstr(media.charset, ==, cases[i].charset);
    }
}

static void test_media_of_name(void) {
    g_assert_cmpstr(media_of_name("file:///a/b.HTML").type, ==, "text/html");
    g_assert_cmpstr(media_of_name("file:///a/b.xhtml#c.css").type, ==, "text/html");
    g_assert_cmpstr(media_of_name("file:///a/b.css?c").type, ==, "text/css");
    g_assert_cmpstr(media_of_name("file:///a/b.jpeg").type, ==, "image/jpeg");
    g_assert_cmpstr(media_of_name("file:///a/b.html.gz").type, ==, "");
    g_assert_cmpstr(media_of_name(".png").type, ==, "");
    g_assert_cmpstr(media_of_name("").type, ==, "");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/url/resolve", test_resolve);
    g_test_add_func("/url/random", test_resolve_random);
    g_test_add_func("/url/words", test_words);
    g_test_add_func("/url/fragment", test_fragment);
    g_test_add_func("/media/header", test_media_of_header);
    g_test_add_func("/media/name", test_media_of_name);
    return g_test_run();
}
