/* SPDX-License-Identifier: MIT */
/*
 * HTML to a document, by the SAX events of libxml2's parser, a piece at a time so that it fits into frames. Nothing
 * that a page contains makes it fail.
 */
#ifndef RMBROWSE_BUILD_H
#define RMBROWSE_BUILD_H

#include "dom/node.h"

typedef struct builder builder_t;

/* What a document asks for besides itself; called in document order while it is built. Text is good during the call. */
struct build_wants {
    void (*style)(void *context, const char *css,
                  size_t n); /* a <style> element's text */
    void (*style_link)(void *context,
                       const char *href); /* <link rel=stylesheet>, for screens */
    void *context;
};

/*
 * Begins a document in `store`.
 *  charset: what the server said, or "": the document's own word, else UTF-8 if it is such, else Windows-1252.
 *  wants:   may be NULL; is copied.
 * Returns: NULL: no memory.
 */
builder_t *builder_begin(document_t *document, store_t *store, const char *charset,
                         const struct build_wants *wants);
/* The next bytes; they must not lie in an unlocked object. */
void builder_feed(builder_t *builder, const char *bytes, size_t n);
/* Ends it, and frees the builder. The document is complete, or `truncated`, and never without a root unless nothing
   could be made at all. */
void builder_end(builder_t *builder);

#endif
