/* SPDX-License-Identifier: MIT */
/* Documents for tests: built of HTML in pieces, and written as text: elements as "p class=a(...)", text in quotes. */
#ifndef RMBROWSE_BUILT_H
#define RMBROWSE_BUILT_H

#include <glib.h>

#include "dom/build.h"

struct built {
    store_t *store;
    document_t document;
    GString *wanted; /* "style{...}", "link{...}" */
};

enum { BUILT_WHOLE = -1, BUILT_RANDOM = 0 }; /* pieces; else so many bytes each */

struct built built_of(const char *html, size_t n, gssize step, const char *charset);
/* Frees it; nothing may be left. */
void built_drop(struct built *page);
/* Looks at every node, and that it is where it should be. Returns: all of it, for g_free. */
char *built_text(const document_t *document);

#endif
