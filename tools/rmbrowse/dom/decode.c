/* SPDX-License-Identifier: MIT */
#include "dom/decode.h"

#include <ctype.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#define IS_UTF8 ((iconv_t)-1)
#define REPLACEMENT "\xEF\xBF\xBD"

/* ---------------------------------------------------------------------- characters */

static void flush(struct decoder *decoder) {
    if (decoder->n_piece > 0)
        decoder->to(decoder->context, decoder->piece, decoder->n_piece);
    decoder->n_piece = 0;
}

static void put(struct decoder *decoder, const char *bytes, size_t n) {
    if (DECODE_PIECE - decoder->n_piece < n) flush(decoder);
    memcpy(decoder->piece + decoder->n_piece, bytes, n);
    decoder->n_piece += n;
}

static void put_ascii(struct decoder *decoder, char c) {
    if (c == '\r' || (c == '\n' && !decoder->after_cr))
        put(decoder, "\n", 1);
    else if (c == '\f')
        put(decoder, " ", 1);
    else if (c == '\t' || (c >= ' ' && c < 127))
        put(decoder, &c, 1);
    decoder->after_cr = c == '\r';
}

static size_t take(struct decoder *decoder, const char *bytes, size_t n);

/* Nothing says what a page is, and this is no UTF-8. Returns: whether it is read as Windows-1252 from here on. */
static bool is_western(struct decoder *decoder) {
    if (decoder->plain) decoder->way = iconv_open("UTF-8", "WINDOWS-1252");
    decoder->plain = false;
    return decoder->way != IS_UTF8;
}

static size_t take_utf8(struct decoder *decoder, const char *bytes, size_t n) {
    size_t at = 0;

    while (at < n) {
        const char *c = bytes + at;

        if ((signed char)*c >= 0) {
            put_ascii(decoder, *c);
            at++;
            continue;
        }
        gunichar code = g_utf8_get_char_validated(c, (gssize)(n - at));

        /* To GLib the beginning of a character is not complete before a NUL either. */
        if (code == (gunichar)-2 && memchr(c, '\0', n - at) != NULL) code = (gunichar)-1;
        if (code == (gunichar)-2) break;
        decoder->after_cr = false;
        if (code == (gunichar)-1) {
            if (decoder->plain && is_western(decoder))
                return at + take(decoder, c, n - at);
            put(decoder, REPLACEMENT, strlen(REPLACEMENT));
            at++;
            continue;
        }
        size_t length = g_utf8_next_char(c) - c;

        decoder->plain = false;
        if (code == 0xFFFE || code == 0xFFFF) /* no characters of XML */
            put(decoder, REPLACEMENT, strlen(REPLACEMENT));
        else
            put(decoder, c, length);
        at += length;
    }
    return at;
}

static size_t take_other(struct decoder *decoder, const char *bytes, size_t n) {
    char *from = (char *)bytes, utf8[256];

    while (n > 0) {
        char *to = utf8;
        size_t room = sizeof utf8;
        bool all = iconv(decoder->way, &from, &n, &to, &room) != (size_t)-1;
        int error = errno;

        take_utf8(decoder, utf8, to - utf8);
        if (all || error == E2BIG) continue;
        if (error == EINVAL) break;
        put(decoder, REPLACEMENT, strlen(REPLACEMENT));
        from++;
        n--;
    }
    return from - bytes;
}

/* Takes characters. Returns: how many bytes they were: all but the beginning of one at the end. */
static size_t take(struct decoder *decoder, const char *bytes, size_t n) {
    return decoder->way == IS_UTF8 ? take_utf8(decoder, bytes, n)
                                   : take_other(decoder, bytes, n);
}

static void feed(struct decoder *decoder, const char *bytes, size_t n) {
    while (decoder->n_rest > 0 && n > 0) {
        decoder->rest[decoder->n_rest++] = *bytes++;
        n--;
        size_t taken = take(decoder, decoder->rest, decoder->n_rest);

        if (taken == 0 && decoder->n_rest == DECODE_REST) taken = 1;
        decoder->n_rest -= taken;
        memmove(decoder->rest, decoder->rest + taken, decoder->n_rest);
    }
    size_t taken = n > 0 ? take(decoder, bytes, n) : 0;
    size_t left = n - taken < DECODE_REST ? n - taken : DECODE_REST - 1;

    memcpy(decoder->rest + decoder->n_rest, bytes + n - left, left);
    decoder->n_rest += left;
}

/* ------------------------------------------------------------------- what they are */

/* The value of `name` = ..., in quotes or not, into a charset's name. */
static bool value_of(const char *text, size_t n, const char *name, char *charset) {
    const char *end = text + n, *at = memmem(text, n, name, strlen(name));
    size_t length = 0;

    if (at == NULL) return false;
    at += strlen(name);
    while (at < end && strchr(" \t\r\n=\"'", *at) != NULL) at++;
    while (at < end && length < DECODE_NAME - 1 && (isalnum(*at) || strchr("-_.:", *at)))
        charset[length++] = *at++;
    charset[length] = '\0';
    return length > 0;
}

/* What a page says of itself: <?xml encoding="...", <meta charset="...", <meta content="text/html; charset=...". */
static bool own_word(const char *head, size_t n, char *charset) {
    char text[DECODE_HEAD + 1];
    size_t length;

    for (size_t i = 0; i < n; i++) text[i] = (char)tolower((unsigned char)head[i]);
    text[n] = '\0';
    for (const char *at = text, *end = text + n; at < end; at += length) {
        bool comment = strncmp(at, "<!--", 4) == 0;
        const char *last = memmem(at, end - at, comment ? "-->" : ">", comment ? 3 : 1);

        length = *at != '<'     ? 1
                 : last == NULL ? (size_t)(end - at)
                                : (size_t)(last - at) + 1;
        if (strncmp(at, "<meta", 5) == 0 && value_of(at, length, "charset", charset))
            return true;
        if (strncmp(at, "<?xml", 5) == 0 && value_of(at, length, "encoding", charset))
            return true;
    }
    return false;
}

/* Returns: whether a name says what the bytes are. As others do, what calls itself Latin 1 is Windows-1252; and who
   could be read to say that it is UTF-16 (`in_page`) is not. */
static bool is_charset(struct decoder *decoder, const char *name, bool in_page) {
    static const char *const western[] = {"ascii",     "us-ascii",   "latin1",
                                          "iso8859-1", "iso-8859-1", "iso_8859-1"};
    bool utf16 = strncasecmp(name, "utf-16", 6) == 0;

    if (*name == '\0') return false;
    if (strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0 ||
        (utf16 && in_page))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(western); i++)
        if (strcasecmp(name, western[i]) == 0) name = "WINDOWS-1252";
    decoder->way =
        iconv_open("UTF-8", strcasecmp(name, "utf-16") == 0 ? "UTF-16LE" : name);
    return decoder->way != IS_UTF8;
}

static void begin(struct decoder *decoder) {
    static const struct {
        const char *bytes, *charset;
    } marks[] = {
        {"\xEF\xBB\xBF", "UTF-8"}, {"\xFE\xFF", "UTF-16BE"}, {"\xFF\xFE", "UTF-16LE"}};
    const char *head = decoder->head;
    char charset[DECODE_NAME] = "";
    size_t n = decoder->n_head, mark = 0;

    decoder->begun = true;
    for (size_t i = 0; i < G_N_ELEMENTS(marks) && mark == 0; i++) {
        mark = strlen(marks[i].bytes);
        if (n < mark || memcmp(head, marks[i].bytes, mark) != 0) mark = 0;
        if (mark > 0) is_charset(decoder, marks[i].charset, false);
    }
    decoder->plain = mark == 0 && !is_charset(decoder, decoder->charset, false) &&
                     !(own_word(head, n, charset) && is_charset(decoder, charset, true));
    feed(decoder, head + mark, n - mark);
}

/* ----------------------------------------------------------------------------- */

void decode_begin(struct decoder *decoder, const char *charset, decode_fn *to,
                  void *context) {
    *decoder = (struct decoder){.to = to, .context = context, .way = IS_UTF8};
    g_strlcpy(decoder->charset, charset, DECODE_NAME);
    /* iconv takes more than names: "//TRANSLIT". */
    for (const char *c = charset; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("-_.:", *c) == NULL)
            decoder->charset[0] = '\0';
}

void decode_feed(struct decoder *decoder, const char *bytes, size_t n) {
    if (!decoder->begun) {
        size_t room = DECODE_HEAD - decoder->n_head, taken = n < room ? n : room;

        if (taken > 0) memcpy(decoder->head + decoder->n_head, bytes, taken);
        decoder->n_head += taken;
        if (decoder->n_head < DECODE_HEAD) return;
        begin(decoder);
        bytes += taken;
        n -= taken;
    }
    if (n > 0) feed(decoder, bytes, n);
}

void decode_end(struct decoder *decoder) {
    if (!decoder->begun) begin(decoder);
    if (decoder->n_rest > 0) {
        if (decoder->plain && is_western(decoder))
            take(decoder, decoder->rest, decoder->n_rest);
        else
            put(decoder, REPLACEMENT, strlen(REPLACEMENT));
    }
    flush(decoder);
    if (decoder->way != IS_UTF8) iconv_close(decoder->way);
}
