/* SPDX-License-Identifier: MIT */
/*
 * The buffer ends with a line break where no more text is to come, and lines are taken from
 * it only where their end is in it: so the parser below looks for no end of the buffer.
 * Every number stops at the first byte that is no digit, at the line break at the latest.
 */
#include "locks/lackey.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"

#ifdef RMTOOL_SMALL_BUFFERS /* small files reach all that large ones do: tests/fuzz */
#define BUFFER_SIZE ((size_t)1 << 10)
#else
#define BUFFER_SIZE ((size_t)1 << 20)
#endif
#define WORDS_SIZE 1024

struct lackey {
    const char *path;
    int fd, ends;
    bool end;                 /* of the text has been read */
    bool left_open;           /* at its end */
    bool failed;              /* valgrind has, and tells why */
    uint64_t line;            /* lines taken */
    size_t base, limit, safe; /* text; lines end in front of safe */
    char words[WORDS_SIZE];
    size_t n_words;
    char text[BUFFER_SIZE + 2]; /* with room for a last line break, and an end */
};

/* Of all lines. */
static const char *const beginnings[] = {"I ", " L", " S", " M", "==", "--", "**", "va"};

/* 0 to 15; 16 for all that is no hexadecimal digit. */
static unsigned char digits[256];

int lackey_open(struct lackey **out, int fd, int ends, const char *path) {
    struct lackey *lackey = calloc(1, sizeof(*lackey));

    *out = lackey;
    if (!lackey) return complain(STATUS_IO, "no memory to read %s", path);
    lackey->fd = fd;
    lackey->ends = ends;
    lackey->path = path;
    memset(digits, 16, sizeof(digits));
    for (unsigned i = 0; i < 16; i++) {
        digits[(unsigned char)"0123456789abcdef"[i]] = (unsigned char)i;
        digits[(unsigned char)"0123456789ABCDEF"[i]] = (unsigned char)i;
    }
    return STATUS_OK;
}

void lackey_close(struct lackey *lackey) { free(lackey); }
bool lackey_failed(const struct lackey *lackey) { return lackey->failed; }
bool lackey_left_open(const struct lackey *lackey) { return lackey->left_open; }
uint64_t lackey_line_number(const struct lackey *lackey) { return lackey->line; }

const char *lackey_words(const struct lackey *lackey) { return lackey->words; }

/* Valgrind's words, without its "==1234== ": the end of them, if they are many. */
static void keep_words(struct lackey *lackey, const char *text, size_t length,
                       bool marked) {
    size_t skip = !marked ? 0 : length > 2 ? strcspn(text + 2, " \n") + 3 : length;

    if (skip >= length) return;
    text += skip;
    length -= skip;
    if (length >= WORDS_SIZE / 2) length = WORDS_SIZE / 2;
    if (lackey->n_words + length + 2 > WORDS_SIZE) lackey->n_words = 0;
    if (lackey->n_words > 0) lackey->words[lackey->n_words++] = '\n';
    memcpy(lackey->words + lackey->n_words, text, length);
    lackey->n_words += length;
    lackey->words[lackey->n_words] = '\0';
}

/* Returns: false where no more is to come, though there is no end of file. Who has ended
   may have written between two looks, so the text is looked at once more. */
static bool await_text(const struct lackey *lackey) {
    struct pollfd both[] = {{.fd = lackey->fd, .events = POLLIN},
                            {.fd = lackey->ends, .events = POLLIN}};
    int n;

    if (lackey->ends < 0) return true;
    do n = poll(both, 2, -1);
    while (n < 0 && errno == EINTR);
    return n < 0 || both[0].revents != 0 || poll(both, 1, 0) != 0;
}

static int complain_not_lackey(const struct lackey *lackey) {
    return complain_at(STATUS_MALFORMED, lackey->path, lackey->line + 1,
                       "not a line of lackey's --trace-mem=yes");
}

/* Of a line without an end, the last of all, nothing counts: whoever wrote it has been killed,
   or the disk was full. It has to be one of lackey's, though. */
static bool cut_short(const struct lackey *lackey) {
    const char *text = lackey->text + lackey->safe;
    size_t length = lackey->limit - lackey->safe;

    if (lackey->failed) return true;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(text, beginnings[i], length < 2 ? length : 2) == 0) return true;
    return false;
}

/* More text behind what has not been taken yet. */
static int fill(struct lackey *lackey) {
    const char *last;
    ssize_t got;

    memmove(lackey->text, lackey->text + lackey->base, lackey->limit - lackey->base);
    lackey->limit -= lackey->base;
    lackey->base = lackey->safe = 0;
    if (lackey->limit == BUFFER_SIZE)
        return complain_at(STATUS_MALFORMED, lackey->path, lackey->line + 1,
                           "a line without an end: not from lackey");
    lackey->left_open = !await_text(lackey);
    do
        got = lackey->left_open ? 0
                                : read(lackey->fd, lackey->text + lackey->limit,
                                       BUFFER_SIZE - lackey->limit);
    while (got < 0 && errno == EINTR);
    if (got < 0) return complain(STATUS_IO, "%s: %s", lackey->path, strerror(errno));
    if (got == 0) lackey->end = true;
    lackey->limit += (size_t)got;
    last = memrchr(lackey->text, '\n', lackey->limit);
    lackey->safe = last ? (size_t)(last + 1 - lackey->text) : 0;
    if (lackey->end && lackey->safe < lackey->limit && !cut_short(lackey))
        return complain_not_lackey(lackey);
    return STATUS_OK;
}

/* One line of an instruction or an access. Returns: where the next one begins; NULL where
   it is malformed. */
static inline const char *parse(const char *p, struct lackey_line *line) {
    uint64_t address = 0;
    uint32_t size = 0;
    unsigned digit;
    int n = 0;

    if (p[0] == 'I' && p[1] == ' ')
        line->kind = 'I';
    else if (p[0] == ' ' && (p[1] == 'L' || p[1] == 'S' || p[1] == 'M'))
        line->kind = p[1];
    else
        return NULL;
    if (p[2] != ' ') return NULL;
    p += line->kind == 'I' && p[3] == ' ' ? 4 : 3;
    for (; (digit = digits[(unsigned char)*p]) < 16; p++, n++)
        address = address << 4 | digit;
    if (n == 0 || n > 16 || *p++ != ',') return NULL;
    for (n = 0; *p >= '0' && *p <= '9'; p++, n++) size = size * 10 + (uint32_t)(*p - '0');
    if (n == 0 || n > 6 || *p != '\n') return NULL;
    line->address = address;
    line->size = size;
    return p + 1;
}

/* A line of another kind: what valgrind says, or the program through it ("**"), or valgrind of debugging data that
   it does not understand ("##"), which nobody has to know. Where valgrind itself fails, it says much in many
   forms, and no access follows. */
static int parse_words(struct lackey *lackey, const char **at) {
    const char *end = strchr(*at, '\n'), *text = *at;
    size_t length = end ? (size_t)(end - text) : 0;
    bool marked = length == 0 ||
                  (length > 1 && text[0] == text[1] && memchr("=-*#", *text, 4) != NULL);

    if (!lackey->failed && length > 9 && memcmp(text, "valgrind:", 9) == 0) {
        lackey->failed = true;
        lackey->n_words = 0;
    }
    if (!end || (!marked && !lackey->failed)) return complain_not_lackey(lackey);
    if ((!lackey->failed || lackey->n_words < WORDS_SIZE / 2) && *text != '#')
        keep_words(lackey, text, length, marked);
    *at = end + 1;
    return STATUS_OK;
}

int lackey_read(struct lackey *lackey, struct lackey_line *lines, size_t most,
                size_t *n) {
    int status = STATUS_OK;

    *n = 0;
    while (*n < most) {
        while (lackey->base == lackey->safe) {
            if (lackey->end || *n > 0) return STATUS_OK;
            status = fill(lackey);
            if (status) return status;
        }
        lackey->text[lackey->limit] = '\0';
        const char *at = lackey->text + lackey->base, *safe = lackey->text + lackey->safe;
        while (at < safe && *n < most) {
            const char *next = parse(at, &lines[*n]);
            if (next) {
                at = next;
                ++*n;
            } else {
                status = parse_words(lackey, &at);
                if (status) return status;
            }
            lackey->line++;
        }
        lackey->base = (size_t)(at - lackey->text);
    }
    return status;
}
