/* SPDX-License-Identifier: MIT */
/* The corpus: strings, buffers and parsers that go on in a block after its last unlock. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"

/* "w0 w1 w2 ...": `n` words. */
static memory_t *words_new(unsigned n) {
    char text[1024];
    size_t at = 0;
    for (unsigned i = 0; i < n && at < sizeof text - 16; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%sw%u", i > 0 ? " " : "", i);
    return text_block(text);
}

UNLOCKED(string_append, "string: appended to at its address from before it grew") {
    memory_t *h = words_new(3 + below(20));
    size_t size;
    must(rmsize(h, &size));
    char *at = lock(h);
    unlock(h);
    resize(h, size + 100 + below(200));
    RIGHT(at = lock(h));
    GUILTY(memcpy(at + size - 1, " end", 5));
    RIGHT(unlock(h));
    const char *now = lock(h);
    expect(memcmp(now + size - 1, " end", 5) == 0, "the end is missing");
    unlock(h);
}

UNLOCKED(string_length, "string: its length taken after the unlock") {
    memory_t *h = words_new(3 + below(20));
    size_t size, length;
    must(rmsize(h, &size));
    const char *text = lock(h);
    WRONG(unlock(h));
    GUILTY(length = strlen(text));
    RIGHT(unlock(h));
    expect(length == size - 1, "the length is another");
}

UNLOCKED(string_print, "string: printed after the unlock") {
    char text[2048], wanted[2048];
    memory_t *h = words_new(3 + below(20));
    const char *at = lock(h);
    snprintf(wanted, sizeof wanted, "<%s>", at);
    WRONG(unlock(h));
    GUILTY(snprintf(text, sizeof text, "<%s>", at));
    RIGHT(unlock(h));
    expect(strcmp(text, wanted) == 0, "the text is another");
}

UNLOCKED(string_tokens, "string: its tokens kept as addresses inside of it") {
    char *tokens[8];
    unsigned n = 0;
    memory_t *h = words_new(8 + below(20));
    char *text = lock(h), *rest = NULL;
    for (char *t = strtok_r(text, " ", &rest); t != NULL && n < 8;
         t = strtok_r(NULL, " ", &rest))
        tokens[n++] = t;
    WRONG(unlock(h));
    unsigned i = below(8);
    char digit = (char)('0' + i);
    GUILTY(expect(tokens[i][1] == digit, "a token is another"));
    RIGHT(unlock(h));
}

UNLOCKED(string_cursor, "string: an iterator's cursor stays in the block between calls") {
    memory_t *h = words_new(8);
    unsigned n = 0;
    const char *cursor = lock(h);
    WRONG(unlock(h));
    for (;;) {
        GUILTY(cursor = strchr(cursor, 'w'));
        if (cursor == NULL) break;
        memory_t *copy = block(16 + below(64));
        cursor++;
        n++;
        drop(copy);
    }
    RIGHT(unlock(h));
    expect(n == 8, "words are missing");
}

UNLOCKED(string_upper, "string: changed in place after the unlock") {
    memory_t *h = words_new(5);
    char *at = lock(h);
    WRONG(unlock(h));
    for (unsigned i = 0; i < 13; i += 3) GUILTY(at[i] = 'W');
    RIGHT(unlock(h));
    expect(text_is(h, "W0 W1 W2 W3 W4"), "the text is another");
}

UNLOCKED(string_concat, "string: the source unlocked before it is copied") {
    memory_t *from = words_new(4), *to = block(200);
    const char *source = lock(from);
    WRONG(unlock(from));
    char *target = lock(to);
    GUILTY(strcpy(target, source));
    RIGHT(unlock(from));
    unlock(to);
    expect(text_is(to, "w0 w1 w2 w3"), "the copy is another");
}

UNLOCKED(string_move, "string: its beginning cut off with memmove, after the unlock") {
    memory_t *h = words_new(6);
    size_t size;
    must(rmsize(h, &size));
    char *at = lock(h);
    WRONG(unlock(h));
    GUILTY(memmove(at, at + 3, size - 3));
    RIGHT(unlock(h));
    expect(text_is(h, "w1 w2 w3 w4 w5"), "the text is another");
}

/* --- builders --- */

struct builder {
    memory_t *buffer;
    size_t n, room;
    char *at; /* the buffer's address */
};

static void builder_begin(struct builder *b) {
    b->n = 0;
    b->room = 32;
    b->buffer = block(b->room);
    b->at = lock(b->buffer);
    WRONG(unlock(b->buffer));
}

static void builder_add(struct builder *b, char c) {
    if (b->n == b->room) {
        RIGHT(unlock(b->buffer));
        resize(b->buffer, b->room *= 2);
        RIGHT(b->at = lock(b->buffer));
    }
    GUILTY(b->at[b->n++] = c);
}

UNLOCKED(builder_address,
         "string builder: keeps its buffer's address instead of a lock") {
    struct builder b;
    builder_begin(&b);
    unsigned n = 100 + below(200);
    for (unsigned i = 0; i < n; i++) builder_add(&b, (char)('a' + i % 26));
    RIGHT(unlock(b.buffer));
    const char *text = lock(b.buffer);
    for (size_t i = 0; i < b.n; i++)
        expect(text[i] == (char)('a' + i % 26), "the text is another");
    unlock(b.buffer);
}

/* --- parsers --- */

UNLOCKED(parser_number, "parser: strtol goes on where it stopped, in an unlocked input") {
    memory_t *h = text_block("1 22 333 4444 55555 ");
    char *at = lock(h);
    WRONG(unlock(h));
    long sum = 0;
    for (unsigned i = 0; i < 5; i++) {
        GUILTY(sum += strtol(at, &at, 10));
        memory_t *token = block(16 + below(32));
        drop(token);
    }
    RIGHT(unlock(h));
    expect(sum == 1 + 22 + 333 + 4444 + 55555, "the sum is another");
}

UNLOCKED(parser_refill,
         "parser: the token's begin lies in the input from before it was refilled") {
    memory_t *input = bytes_block(64, 't');
    char *begin = (char *)lock(input) + below(32);
    unlock(input);
    resize(input, 64 + 64 * (1 + below(8)));
    char c = 0;
    WRONG(GUILTY(c = *begin));
    RIGHT(begin = lock(input));
    RIGHT(GUILTY(c = *begin));
    RIGHT(unlock(input));
    expect(c == 't', "the token is another");
}

UNLOCKED(parser_stack,
         "parser: the address of the stack's top over a push that grows it") {
    struct frame {
        int kind, depth;
    } * stack, *top;
    unsigned room = 4, n = 0;
    memory_t *h = block(room * sizeof *stack);
    for (int depth = 0; depth < 30; depth++) {
        if (n == room) resize(h, (room *= 2) * sizeof *stack);
        stack = lock(h);
        top = &stack[n++];
        WRONG(unlock(h));
        GUILTY(*top = (struct frame){7, depth});
        RIGHT(unlock(h));
    }
    stack = lock(h);
    for (int i = 0; i < 30; i++) expect(stack[i].depth == i, "a frame is another");
    unlock(h);
}

UNLOCKED(parser_error, "parser: its error path unlocks the input, and then quotes it") {
    memory_t *h = text_block("{\"key\": oops}");
    char quoted[8];
    const char *at = lock(h), *where = strstr(at, "oops");
    bool good = isdigit((unsigned char)*where);
    WRONG(if (!good) unlock(h));
    GUILTY(snprintf(quoted, sizeof quoted, "%.4s", where));
    RIGHT(unlock(h));
    expect(strcmp(quoted, "oops") == 0, "the message is another");
}

UNLOCKED(parser_columns, "parser: a table of fields that point into the line") {
    struct {
        const char *at;
        size_t n;
    } fields[6];
    memory_t *h = text_block("id;name;street;town;country;since");
    const char *at = lock(h);
    for (unsigned i = 0; i < 6; i++) {
        fields[i].at = at;
        fields[i].n = strcspn(at, ";");
        at += fields[i].n + 1;
    }
    WRONG(unlock(h));
    memory_t *row = block(100 + below(500));
    char *to = lock(row);
    for (unsigned i = 0; i < 6; i++) {
        GUILTY(memcpy(to, fields[i].at, fields[i].n));
        to += fields[i].n;
    }
    *to = '\0';
    unlock(row);
    RIGHT(unlock(h));
    expect(text_is(row, "idnamestreettowncountrysince"), "a field is another");
}
