/* SPDX-License-Identifier: MIT */
#include "dom/css_token.h"

#include <glib.h>
#include <math.h>
#include <string.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool begins_name(char c) {
    return g_ascii_isalpha(c) || c == '_' || (c & 0x80) != 0;
}

static bool in_name(char c) { return begins_name(c) || g_ascii_isdigit(c) || c == '-'; }

/* The character at `at`, NUL behind the end. */
static char peek(const struct css_reader *reader, size_t at) {
    return (size_t)(reader->end - reader->at) > at ? reader->at[at] : '\0';
}

static bool is_escape(const struct css_reader *reader, size_t at) {
    return peek(reader, at) == '\\' && peek(reader, at + 1) != '\n' &&
           peek(reader, at + 1) != '\0';
}

static bool is_name(const struct css_reader *reader) {
    size_t dash = peek(reader, 0) == '-';

    return begins_name(peek(reader, dash)) || is_escape(reader, dash) ||
           (dash == 1 && peek(reader, 1) == '-');
}

static bool is_number(const struct css_reader *reader) {
    size_t sign = peek(reader, 0) == '-' || peek(reader, 0) == '+';
    size_t point = peek(reader, sign) == '.';

    return g_ascii_isdigit(peek(reader, sign + point));
}

/* White space and comments. Returns: whether there was any. */
static bool skip_space(struct css_reader *reader) {
    const char *from = reader->at;

    for (;;) {
        if (reader->at < reader->end && is_space(*reader->at)) {
            reader->at++;
        } else if (peek(reader, 0) == '/' && peek(reader, 1) == '*') {
            const char *from_here = reader->at + 2;
            const char *last = memmem(from_here, reader->end - from_here, "*/", 2);

            reader->at = last != NULL ? last + 2 : reader->end;
        } else {
            return reader->at > from;
        }
    }
}

/* A backslash and a character, or up to six hexadecimal digits and a space that ends them. */
static void read_escape(struct css_reader *reader) {
    reader->at++;
    if (!g_ascii_isxdigit(peek(reader, 0))) {
        reader->at++;
        return;
    }
    for (int i = 0; i < 6 && g_ascii_isxdigit(peek(reader, 0)); i++) reader->at++;
    if (is_space(peek(reader, 0))) reader->at++;
}

static void read_name(struct css_reader *reader, struct css_token *token) {
    token->text = reader->at;
    for (;;) {
        if (in_name(peek(reader, 0)))
            reader->at++;
        else if (is_escape(reader, 0))
            read_escape(reader);
        else
            break;
    }
    token->n = reader->at - token->text;
}

static void read_string(struct css_reader *reader, struct css_token *token) {
    char quote = *reader->at++;

    token->text = reader->at;
    while (reader->at < reader->end && *reader->at != quote && *reader->at != '\n')
        reader->at += *reader->at == '\\' && reader->end - reader->at > 1 ? 2 : 1;
    token->n = reader->at - token->text;
    if (reader->at < reader->end) reader->at++;
}

/* url( and what is no string is one token up to ')'; with a string it is a function. */
static void read_url(struct css_reader *reader, struct css_token *token) {
    struct css_reader ahead = *reader;

    while (ahead.at < ahead.end && is_space(*ahead.at)) ahead.at++;
    if (peek(&ahead, 0) == '"' || peek(&ahead, 0) == '\'') return;
    token->type = CSS_URL;
    reader->at = token->text = ahead.at;
    while (reader->at < reader->end && *reader->at != ')')
        reader->at += is_escape(reader, 0) ? 2 : 1;
    token->n = reader->at - token->text;
    while (token->n > 0 && is_space(token->text[token->n - 1])) token->n--;
    if (reader->at < reader->end) reader->at++;
}

static double read_digits(struct css_reader *reader, double *scale) {
    double value = 0;

    for (*scale = 1; g_ascii_isdigit(peek(reader, 0)); reader->at++) {
        value = 10 * value + (*reader->at - '0');
        *scale *= 10;
    }
    return value;
}

static void read_number(struct css_reader *reader, struct css_token *token) {
    bool negative = *reader->at == '-';
    double scale;

    if (negative || *reader->at == '+') reader->at++;
    token->number = read_digits(reader, &scale);
    if (peek(reader, 0) == '.' && g_ascii_isdigit(peek(reader, 1))) {
        reader->at++;
        double fraction = read_digits(reader, &scale);

        /* Both are infinite where there are more digits than anyone needs. */
        if (isfinite(scale)) token->number += fraction / scale;
    }
    token->number = CLAMP(negative ? -token->number : token->number, -1e9, 1e9);
    token->text = reader->at;
    if (peek(reader, 0) == '%')
        token->n = 1, reader->at++;
    else if (is_name(reader))
        read_name(reader, token);
}

struct css_token css_next(struct css_reader *reader) {
    struct css_token token = {.type = CSS_SIGN, .spaced = skip_space(reader)};

    token.from = reader->at;
    if (reader->at == reader->end) {
        token.type = CSS_END;
        return token;
    }
    char c = *reader->at;

    if (is_number(reader)) {
        token.type = CSS_NUMBER;
        read_number(reader, &token);
    } else if (is_name(reader)) {
        token.type = CSS_NAME;
        read_name(reader, &token);
        if (peek(reader, 0) == '(') {
            token.type = CSS_FUNCTION;
            reader->at++;
            if (css_is_word(&token, "url")) read_url(reader, &token);
        }
    } else if (c == '"' || c == '\'') {
        token.type = CSS_STRING;
        read_string(reader, &token);
    } else if (c == '#' && (in_name(peek(reader, 1)) || is_escape(reader, 1))) {
        token.type = CSS_HASH;
        reader->at++;
        read_name(reader, &token);
    } else {
        reader->at++;
        token.sign = c != '\0' ? c : ' '; /* a NUL is no stop of css_until */
        if (c == '@' && is_name(reader)) {
            token.type = CSS_AT;
            read_name(reader, &token);
        }
    }
    return token;
}

struct css_token css_peek(struct css_reader reader) {
    return css_next(&reader);
}

bool css_is_sign(const struct css_token *token, char sign) {
    return token->type == CSS_SIGN && token->sign == sign;
}

bool css_is_word(const struct css_token *token, const char *word) {
    size_t n = strlen(word);

    return token->n == n && g_ascii_strncasecmp(token->text, word, n) == 0;
}

/* A NUL would end the name. */
static void add_char(struct bytes *out, char c) {
    static const char replacement[] = "\xEF\xBF\xBD";

    bytes_add(out, c != '\0' ? &c : replacement, c != '\0' ? 1 : strlen(replacement));
}

/* A backslash makes a character part of a name, or is followed by up to six hexadecimal digits, which are one. */
void css_add_name(struct bytes *out, const char *text, size_t n) {
    for (const char *at = text, *end = text + n; at < end;) {
        gunichar code = 0;
        char utf8[6];
        int digits = 0;

        if (*at != '\\' || at + 1 == end) {
            add_char(out, *at++);
            continue;
        }
        for (at++; at < end && digits < 6 && g_ascii_isxdigit(*at); digits++)
            code = 16 * code + g_ascii_xdigit_value(*at++);
        if (digits == 0) {
            add_char(out, *at++);
            continue;
        }
        if (at < end && is_space(*at)) at++;
        if (code == 0 || !g_unichar_validate(code)) code = 0xFFFD;
        bytes_add(out, utf8, g_unichar_to_utf8(code, utf8));
    }
    bytes_add(out, "", 1);
}

struct css_reader css_until(struct css_reader *reader, const char *stops) {
    struct css_reader read = {reader->at, reader->at};
    size_t depth = 0;

    for (;;) {
        struct css_token token = css_peek(*reader);
        char sign = token.type == CSS_FUNCTION ? '(' : token.sign;

        if (read.at == read.end) read.at = read.end = token.from;
        if (token.type == CSS_END) break;
        if (token.type == CSS_SIGN && depth == 0 &&
            (sign == '}' || strchr(stops, sign) != NULL))
            break;
        if (sign != '\0' && strchr("({[", sign) != NULL) depth++;
        if (sign != '\0' && strchr(")}]", sign) != NULL && depth > 0) depth--;
        css_next(reader);
        read.end = reader->at;
    }
    return read;
}

struct css_reader css_block(struct css_reader *reader) {
    css_next(reader);
    struct css_reader block = css_until(reader, "");

    css_next(reader);
    return block;
}
