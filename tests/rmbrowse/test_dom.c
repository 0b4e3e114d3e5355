/* SPDX-License-Identifier: MIT */
/* Documents: what HTML becomes, whatever it is encoded in. */
#include "built.h"

#include <string.h>

/* That a page becomes `expected`, whole and byte by byte. */
static void becomes_in(const char *html, size_t n, const char *charset,
                       const char *expected) {
    for (int step = -1; step <= 1; step += 2) {
        struct built page = built_of(html, n, step, charset);
        char *text = built_text(&page.document);

        g_assert_cmpstr(text, ==, expected);
        g_assert_false(page.document.truncated);
        g_free(text);
        built_drop(&page);
    }
}

static void becomes(const char *html, const char *expected) {
    becomes_in(html, strlen(html), "", expected);
}

/* -------------------------------------------------------------------- trees */

static void test_trees(void) {
    becomes("<p class=a>Go <b>on</b>", "html(body(p class=a('Go ' b('on'))))");
    becomes("<html lang=en><head></head><body bgcolor=red>x</body></html>",
            "html lang=en(head body bgcolor=red('x'))");
    becomes("just text", "html(body(p('just text')))");
    becomes("<ul><li>a<li>b</ul>c", "html(body(ul(li('a') li('b')) 'c'))");
    becomes("<table> <tr> <td>1 <td>2 <tr><th>3</table>",
            "html(body(table(tr(td('1 ') td('2 ')) tr(th('3')))))");
    becomes("<p>a<p>b<div>c</div>", "html(body(p('a') p('b') div('c')))");
    becomes("<b>x<i>y</b>z", "html(body(b('x' i('y')) 'z'))");
    becomes("a<br>b<hr><img src=i alt>", "html(body(p('a' br 'b') hr img src=i alt=))");
    becomes("<table><tr><td><table><tr><td>in</table></table>",
            "html(body(table(tr(td(table(tr(td('in'))))))))");
    becomes("<x-y>a</x-y>", "html(body(?('a')))");
}

/* What is said after the end, before the beginning, or twice. */
static void test_structure(void) {
    becomes("<body><p>a</body></html> b <p>c", "html(body(p('a b ') p('c')))");
    becomes("<html></html><p>a", "html(body(p('a')))");
    becomes("<p>a<html lang=x><body class=y><head>b", "html(body(p('a') 'b'))");
    becomes("<head><title>t</title><nav>n</nav><div>d</div>",
            "html(head body(nav('n') div('d')))");
    becomes("<title>t</title><section>n</section>", "html(head body(section('n')))");
    becomes("<head><noscript>n</noscript></head><p>a",
            "html(head(noscript('n')) body(p('a')))");
    becomes("", "html");
    becomes("   ", "html");
    becomes("<!-- only this -->", "html");
    becomes("<frameset><frame src=a></frameset>", "html(body(?(? src=a)))");
}

static void test_xhtml(void) {
    becomes(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"xhtml1.dtd\">\n"
        "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title xmlns=\"\">t</title>"
        "</head><body><a id=\"x\"/><p/>&#160;t\xc3\xa4</body></html>",
        "html(head body(a id=x p '\xc2\xa0t\xc3\xa4'))");
}

static void test_text(void) {
    becomes("a&amp;b &lt;&eacute;&#8364;&#x20ac; &nosuch; &",
            "html(body(p('a&b <\xc3\xa9"
            "\xe2\x82\xac\xe2\x82\xac &nosuch; &')))");
    becomes("<p>a<!-- x -->b<script>c</script>d", "html(body(p('abd')))");
    becomes("<pre>\n a\r\nb\rc\n</pre>", "html(body(pre(' a\nb\nc\n')))");
    becomes("<p>1 < 2 <3 <> x", "html(body(p('1 < 2 <3 <> x')))");
    becomes("<p>a\f\tb\001", "html(body(p('a \tb')))");
}

static void test_wanted(void) {
    static const char html[] =
        "<head><title> My\n  page </title><base href='b/'><link rel=stylesheet "
        "href=a.css>"
        "<link rel='alternate stylesheet' href=no.css><link rel=icon href=no.ico>"
        "<link rel=stylesheet media=print href=no.css><LINK REL=StyleSheet HREF=c.css "
        "media='screen, print'><style>p > a{}</style><style media=print>no</style>"
        "<style type=text/x>no</style><script>no</script><title>no</title>"
        "<template><style>no</style></template><base href=no></head><p>x";

    for (int step = -1; step <= 1; step += 2) {
        struct built page = built_of(html, sizeof html - 1, step, "");
        char *text = built_text(&page.document);

        g_assert_cmpstr(text, ==, "html(head body(p('x')))");
        g_assert_cmpstr(page.wanted->str, ==, "link{a.css}link{c.css}style{p > a{}}");
        g_assert_cmpstr(store_lock(page.document.title), ==, "My page");
        g_assert_cmpstr(store_lock(page.document.base), ==, "b/");
        store_unlock(page.document.title);
        store_unlock(page.document.base);
        g_free(text);
        built_drop(&page);
    }
}

static void test_attributes(void) {
    static const char kept[] = "class\0a b\0id\0\0href\0x";

    becomes("<a ID=x onclick=y() HREF='a b' data-x=1 href=z>t</a>",
            "html(body(a id=x href=a b('t')))");
    g_assert_cmpstr(attribute_of(kept, sizeof kept, "class"), ==, "a b");
    g_assert_cmpstr(attribute_of(kept, sizeof kept, "id"), ==, "");
    g_assert_cmpstr(attribute_of(kept, sizeof kept, "href"), ==, "x");
    g_assert_null(attribute_of(kept, sizeof kept, "a b"));
    g_assert_null(attribute_of(NULL, 0, "class"));
}

static void test_tags(void) {
    for (int i = TAG_OTHER + 1; i < TAGS_N; i++) {
        char *upper = g_ascii_strup(tag_text(i), -1);

        g_assert_cmpint(tag_of(tag_text(i), strlen(tag_text(i))), ==, i);
        g_assert_cmpint(tag_of(upper, strlen(upper)), ==, i);
        g_free(upper);
    }
    g_assert_cmpint(tag_of("h", 1), ==, TAG_OTHER);
    g_assert_cmpint(tag_of("h11", 3), ==, TAG_OTHER);
    g_assert_cmpint(tag_of("", 0), ==, TAG_OTHER);
    g_assert_cmpstr(tag_text(TAG_NONE), ==, "");
    g_assert_cmpstr(tag_text(TAG_OTHER), ==, "");
}

/* ---------------------------------------------------------------- encodings */

#define BECOMES_IN(html, charset, expected)                                              \
    becomes_in(html, sizeof(html) - 1, charset, "html(body(p('" expected "')))")

static void test_charsets(void) {
    BECOMES_IN("caf\xc3\xa9", "", "caf\xc3\xa9");
    BECOMES_IN("caf\xe9 \x80", "", "caf\xc3\xa9 \xe2\x82\xac");           /* no UTF-8 */
    BECOMES_IN("\xc3\xa9 \xe9", "", "\xc3\xa9 \xef\xbf\xbd");             /* was UTF-8 */
    BECOMES_IN("caf\xe9 \x80", "ISO-8859-1", "caf\xc3\xa9 \xe2\x82\xac"); /* as all do */
    BECOMES_IN("\xa4", "iso-8859-15", "\xe2\x82\xac");
    BECOMES_IN("\xef\xbb\xbf\xc3\xa9", "iso-8859-1", "\xc3\xa9");
    BECOMES_IN("\xc3\xa9", "no-such-charset", "\xc3\xa9");
    BECOMES_IN("\xc3\xa9", "utf-8//IGNORE", "\xc3\xa9");
    BECOMES_IN("\x82\xa0 x", "Shift_JIS", "\xe3\x81\x82 x");
    BECOMES_IN("\xff\xfe<\0p\0>\0\xe9\0=\xd8\0\xde", "", "\xc3\xa9\xf0\x9f\x98\x80");
    BECOMES_IN("\xfe\xff\0\xe9", "", "\xc3\xa9");
    BECOMES_IN("<p>a\xc3", "utf-8", "a\xef\xbf\xbd"); /* cut */
    BECOMES_IN("<p>a\xc3", "", "a\xc3\x83");
    BECOMES_IN("<p>a\xed\xa0\x80\xf5\xef\xbf\xbe"
               "b\xc0\xaf",
               "utf-8",
               "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
               "b"
               "\xef\xbf\xbd\xef\xbf\xbd");
    BECOMES_IN("<p>a\0b\0\0", "", "ab");
    BECOMES_IN("<p>a\xe9\0b and more than a character's rest", "utf-8",
               "a\xef\xbf\xbd"
               "b and more than a character's rest");
}

static void test_own_words(void) {
#define LATIN2 "<p>\xb1"
    becomes("<meta charset=iso-8859-2>" LATIN2, "html(head body(p('\xc4\x85')))");
    becomes("<META content=\"text/html; charset = 'ISO-8859-2'\" http-equiv=x>" LATIN2,
            "html(head body(p('\xc4\x85')))");
    becomes("<?xml version='1.0' encoding='iso-8859-2'?>" LATIN2,
            "html(body(p('\xc4\x85')))");
    becomes("<!-- <meta charset=iso-8859-5> --><meta charset=iso-8859-2>" LATIN2,
            "html(head body(p('\xc4\x85')))");
    /* The server knows better. */
    becomes_in("<meta charset=iso-8859-5>" LATIN2, 25 + 4, "iso-8859-2",
               "html(head body(p('\xc4\x85')))");
    /* Who can be read to say it is not UTF-16. */
    becomes("<meta charset=utf-16><p>\xc3\xa9", "html(head body(p('\xc3\xa9')))");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dom/trees", test_trees);
    g_test_add_func("/dom/structure", test_structure);
    g_test_add_func("/dom/xhtml", test_xhtml);
    g_test_add_func("/dom/text", test_text);
    g_test_add_func("/dom/wanted", test_wanted);
    g_test_add_func("/dom/attributes", test_attributes);
    g_test_add_func("/dom/tags", test_tags);
    g_test_add_func("/dom/charsets", test_charsets);
    g_test_add_func("/dom/own-words", test_own_words);
    return g_test_run();
}
