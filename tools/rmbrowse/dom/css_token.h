/* SPDX-License-Identifier: MIT */
/* CSS, token by token; none is ever an error. */
#ifndef RMBROWSE_CSS_TOKEN_H
#define RMBROWSE_CSS_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "dom/bytes.h"

typedef enum css_type {
    CSS_END,
    CSS_NAME,     /* red */
    CSS_FUNCTION, /* rgb( */
    CSS_AT,       /* @media */
    CSS_HASH,     /* #top */
    CSS_STRING,   /* "a"; what is between the quotes */
    CSS_URL,      /* url(a); what is in it */
    CSS_NUMBER,   /* 2, and 2px and 2%: the unit is the text */
    CSS_SIGN      /* any other character */
} css_type_t;

struct css_token {
    css_type_t type;
    bool spaced;      /* there is white space, or a comment, before it */
    char sign;        /* of CSS_SIGN */
    const char *from; /* where it begins */
    const char *text; /* the name, escapes as they stand */
    size_t n;
    double number;
};

/* What is left to be read. */
struct css_reader {
    const char *at, *end;
};

struct css_token css_next(struct css_reader *reader);
/* The next one, which is still there to be read. */
struct css_token css_peek(struct css_reader reader);

bool css_is_sign(const struct css_token *token, char sign);
/* Whether a token's text is this word, in upper or lower case. */
bool css_is_word(const struct css_token *token, const char *word);
/* A name without its escapes, and a NUL. */
void css_add_name(struct bytes *out, const char *text, size_t n);

/* Reads to the first of the characters of `stops` that is in no parentheses, brackets or braces, or the end; what was
   read is returned, without white space around it. The one that it stopped at is still there to be read. A '}' that
   closes nothing is always a stop. */
struct css_reader css_until(struct css_reader *reader, const char *stops);
/* What is in the block whose '{' comes next, which is read with its '}'. */
struct css_reader css_block(struct css_reader *reader);

#endif
