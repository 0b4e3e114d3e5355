/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a page as UTF-8, whatever they come in, and wherever they are cut. What is said of a page is tried in this
 * order: a byte order mark, the server's word, the page's own in its first DECODE_HEAD bytes; a page that nobody says
 * anything of is UTF-8 if the first of its characters beyond ASCII is such, else Windows-1252.
 *
 * What comes out, in pieces that do not depend on those that came (as the parser's mind does), is valid, has '\n' at the ends of lines, and no control characters but that and tabs; what makes no
 * character is replaced by U+FFFD.
 */
#ifndef RMBROWSE_DECODE_H
#define RMBROWSE_DECODE_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

enum { DECODE_HEAD = 1024, DECODE_PIECE = 4096, DECODE_REST = 16, DECODE_NAME = 40 };

typedef void decode_fn(void *context, const char *text, size_t n);

struct decoder {
    decode_fn *to;
    void *context;
    char charset[DECODE_NAME]; /* the server's */
    bool begun;                /* `head` was looked at */
    bool plain;                /* nobody has said what it is, and there was only ASCII */
    bool after_cr;             /* a '\n' now ends no other line */
    iconv_t way;               /* to UTF-8; (iconv_t)-1: it is UTF-8 */
    size_t n_head, n_rest, n_piece;
    char head[DECODE_HEAD];
    char rest[DECODE_REST];   /* the beginning of a character */
    char piece[DECODE_PIECE]; /* of what comes out */
};

/* `charset`: the server's word, or "". */
void decode_begin(struct decoder *decoder, const char *charset, decode_fn *to,
                  void *context);
void decode_feed(struct decoder *decoder, const char *bytes, size_t n);
/* Gives what is left, and ends. */
void decode_end(struct decoder *decoder);

#endif
