/* SPDX-License-Identifier: MIT */
#include "dom/css.h"

/* "a.css", url(a.css), url("a.css"), as tokens; only the beginning of a sheet may have them. */
void sheet_imports(const char *css, size_t n,
                   void (*visit)(void *context, const char *url), void *context) {
    struct css_reader reader = {css, css + n};
    struct bytes url = {0};

    for (;;) {
        struct css_token rule = css_next(&reader);
        bool import = css_is_word(&rule, "import");

        if (rule.type != CSS_AT || !(import || css_is_word(&rule, "charset"))) break;
        struct css_token where = css_next(&reader);

        if (where.type == CSS_FUNCTION) {
            where = css_next(&reader);
            css_until(&reader, ")");
            css_next(&reader);
        }
        struct css_reader media = css_until(&reader, ";");

        css_next(&reader);
        if (!import || (where.type != CSS_STRING && where.type != CSS_URL) ||
            !sheet_media(media.at, media.end - media.at))
            continue;
        bytes_clear(&url);
        css_add_name(&url, where.text, where.n);
        if (!url.failed) visit(context, url.data);
    }
    bytes_free(&url);
}
