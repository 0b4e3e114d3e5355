/* SPDX-License-Identifier: MIT */
/* What kind of thing has been fetched, and how it becomes HTML. */
#ifndef RMBROWSE_CONTENT_H
#define RMBROWSE_CONTENT_H

#include "store/store.h"

typedef enum content {
    CONTENT_HTML,
    CONTENT_TEXT,   /* shown as <pre> */
    CONTENT_IMAGE,  /* shown in a page of its own */
    CONTENT_UNKNOWN /* not shown */
} content_t;

/* A body and how it is read: the source of a page. */
struct source {
    ref_t bytes; /* NO_REF: none, or nothing in it */
    size_t size;
    uint8_t content;  /* content_t */
    char charset[31]; /* as the server says, or "" */
};

/* By the media type in lower case; where nobody says one ("") by how it begins. */
content_t content_of(const char *type, const void *bytes, size_t n);

enum { ESCAPED_MOST = 6 }; /* characters for one */
/* Text as HTML has it, for `to` with room for ESCAPED_MOST * n characters. Returns: how many there are. */
size_t content_escape(char *to, const char *text, size_t n);

/*
 * A page that says something about a URL, as HTML.
 *  title, what: sentences.   url: as it was asked for.
 * Returns: a string for the caller to free(); NULL: no memory.
 */
char *content_error_page(const char *title, const char *what, const char *url);
/* A page with one image in it; likewise. */
char *content_image_page(const char *url);

#endif
