/* SPDX-License-Identifier: MIT */
/*
 * Reading access logs. Nothing in the file is believed: each item is checked for what
 * access.h promises to those who take it, so that a slot always is that of a live block, and
 * a frame that ends has begun.
 */
#include "locks/accesslog.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "base/unpack.h"

#define MAGIC "# rma 1\n"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#ifdef RMTOOL_SMALL_BUFFERS /* small files reach all that large ones do: tests/fuzz */
#define BUFFER_SIZE ((size_t)2 << 10)
#else
#define BUFFER_SIZE ((size_t)256 << 10)
#endif
#define ITEM_MAX 64
#define EVENT_END 0
#define N_EVENTS (N_ACCESS_OPS - ACCESS_ALLOC + 1)
#define VALUE_LIMIT (UINT64_C(1) << 56)

/* Of a slot. */
#define LIVE 1u

struct accesslog_reader {
    const char *path;
    int fd;
    struct unpack *unpack; /* NULL: the file is plain */
    size_t raw_base, raw_limit;
    bool within;         /* the compressed data has to go on */
    bool raw_end, ended; /* no more to read; END has been read */
    uint64_t instructions, accesses, events;
    uint32_t slot;
    uint32_t stack, n_stacks;
    uint32_t *depths;
    struct access_slots slots;
    unsigned char *states; /* by slot */
    size_t capacity;
    const char *wrong; /* what is malformed about the item being read */
    const unsigned char *at;
    size_t base, limit; /* what has not been read of text */
    unsigned char raw[BUFFER_SIZE];
    unsigned char text[BUFFER_SIZE + ITEM_MAX]; /* behind limit there are zeros */
};

static int malformed(const struct accesslog_reader *reader, const char *what) {
    return complain(STATUS_MALFORMED, "%s: item %" PRIu64 ": %s", reader->path,
                    reader->accesses + reader->events + 1, what);
}

/* ------------------------------------------------------------------------- bytes */

static int read_raw(struct accesslog_reader *reader) {
    ssize_t n;

    do n = read(reader->fd, reader->raw, BUFFER_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0) return complain(STATUS_IO, "%s: %s", reader->path, strerror(errno));
    reader->raw_base = 0;
    reader->raw_limit = (size_t)n;
    reader->raw_end = n == 0;
    return STATUS_OK;
}

/* One step towards a full text. Returns: NULL, or what is wrong with the file. */
static const char *unpack_some(struct accesslog_reader *reader) {
    struct unpack_buffers buffers = {.in = reader->raw,
                                     .in_size = reader->raw_limit,
                                     .in_at = reader->raw_base,
                                     .out = (char *)reader->text,
                                     .out_size = BUFFER_SIZE,
                                     .out_at = reader->limit,
                                     .within = reader->within};
    const char *wrong = NULL;

    if (reader->unpack) {
        wrong = unpack_step(reader->unpack, &buffers);
    } else {
        size_t n = buffers.in_size - buffers.in_at, room = BUFFER_SIZE - buffers.out_at;
        if (n > room) n = room;
        memcpy(buffers.out + buffers.out_at, buffers.in + buffers.in_at, n);
        buffers.in_at += n;
        buffers.out_at += n;
    }
    reader->raw_base = buffers.in_at;
    reader->limit = buffers.out_at;
    reader->within = buffers.within;
    return wrong;
}

/* As much as there is room for, or all that is left. */
static int fill(struct accesslog_reader *reader) {
    memmove(reader->text, reader->text + reader->base, reader->limit - reader->base);
    reader->limit -= reader->base;
    reader->base = 0;
    while (reader->limit < BUFFER_SIZE) {
        if (reader->raw_base == reader->raw_limit && !reader->raw_end) {
            int status = read_raw(reader);
            if (status) return status;
        }
        bool exhausted = reader->raw_base == reader->raw_limit;
        if (exhausted && !reader->within) break;

        size_t before = reader->limit;
        const char *wrong = unpack_some(reader);
        if (wrong)
            return complain(STATUS_MALFORMED, "%s: not an access log, or damaged: %s",
                            reader->path, wrong);
        if (exhausted && reader->within && reader->limit == before)
            return malformed(reader,
                             "truncated: the compressed data ends within a frame");
    }
    memset(reader->text + reader->limit, 0, ITEM_MAX);
    return STATUS_OK;
}

/* ------------------------------------------------------------------------ header */

static void keep_key(struct accesslog_header *header, const char *line, size_t length) {
    if (length > 8 && memcmp(line, "# name: ", 8) == 0)
        snprintf(header->name, sizeof(header->name), "%.*s", (int)(length - 8), line + 8);
    if (length > 11 && memcmp(line, "# command: ", 11) == 0)
        snprintf(header->command, sizeof(header->command), "%.*s", (int)(length - 11),
                 line + 11);
}

void accesslog_tidy(struct accesslog_header *header) {
    for (char *c = header->name; *c; c++)
        if (*c == '/' || iscntrl((unsigned char)*c)) *c = '_';
    for (char *c = header->command; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = '_';
}

/* All of it lies in the first buffer. */
static int read_header(struct accesslog_reader *reader, struct accesslog_header *header) {
    const char *text = (const char *)reader->text, *end;

    if (reader->limit < MAGIC_SIZE || memcmp(text, MAGIC, MAGIC_SIZE) != 0)
        return complain(STATUS_MALFORMED,
                        "%s: not an access log: it does not begin with \"# rma 1\"",
                        reader->path);
    for (;;) {
        text = (const char *)reader->text + reader->base;
        end = memchr(text, '\n', reader->limit - reader->base);
        if (!end || (end > text && *text != '#'))
            return complain(STATUS_MALFORMED, "%s: the header has no end", reader->path);
        reader->base += (size_t)(end - text) + 1;
        if (end == text) {
            accesslog_tidy(header);
            return STATUS_OK;
        }
        keep_key(header, text, (size_t)(end - text));
    }
}

static bool set_stack(struct accesslog_reader *reader, uint32_t stack) {
    if (stack >= reader->n_stacks) {
        uint32_t n = stack + 16;
        uint32_t *depths = realloc(reader->depths, n * sizeof(*depths));
        if (!depths) return false;
        memset(depths + reader->n_stacks, 0, (n - reader->n_stacks) * sizeof(*depths));
        reader->depths = depths;
        reader->n_stacks = n;
    }
    reader->stack = stack;
    return true;
}

int accesslog_open(struct accesslog_reader **out, const char *path,
                   struct accesslog_header *header) {
    struct accesslog_reader *reader = calloc(1, sizeof(*reader));
    int status;

    *out = reader;
    *header = (struct accesslog_header){0};
    if (!reader || !set_stack(reader, 0))
        return complain(STATUS_IO, "no memory to read %s", path);
    reader->path = path;
    reader->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    status = read_raw(reader);
    if (status == STATUS_OK)
        status = unpack_open(
            &reader->unpack, reader->raw,
            reader->raw_limit < UNPACK_MAGIC ? reader->raw_limit : UNPACK_MAGIC, path);
    if (status == STATUS_OK) status = fill(reader);
    return status ? status : read_header(reader, header);
}

void accesslog_close(struct accesslog_reader *reader) {
    if (!reader) return;
    if (reader->fd > STDIN_FILENO) close(reader->fd);
    unpack_close(reader->unpack);
    access_slots_finish(&reader->slots);
    free(reader->depths);
    free(reader->states);
    free(reader);
}

/* ------------------------------------------------------------------------- items */

/* Reads no further than ten bytes, behind which there is room, and zeros. */
static inline uint64_t get(struct accesslog_reader *reader) {
    uint64_t number = *reader->at++;

    if (number < 128) return number;
    number &= 127;
    for (unsigned shift = 7; shift < 63; shift += 7) {
        uint64_t byte = *reader->at++;
        number |= (byte & 127) << shift;
        if (byte < 128) return number;
    }
    reader->wrong = "a number of more than 63 bits";
    return 0;
}

static void get_frames(struct accesslog_reader *reader, struct access_item *item) {
    uint32_t *depth = &reader->depths[reader->stack];
    uint64_t ended = get(reader), begun = get(reader);

    if (ended > *depth)
        reader->wrong = "more frames end than there are";
    else if (begun > ACCESS_DEPTH_MAX || *depth - ended + begun > ACCESS_DEPTH_MAX)
        reader->wrong = "frames too deep";
    else {
        item->low = *depth - (uint32_t)ended;
        item->depth = *depth = item->low + (uint32_t)begun;
    }
}

static inline bool is_live(const struct accesslog_reader *reader, uint64_t slot) {
    return slot < reader->slots.n && (reader->states[slot] & LIVE);
}

static inline void get_access(struct accesslog_reader *reader, unsigned first,
                              struct access_item *item) {
    uint64_t instructions = first >> 4;

    if (instructions == 15) instructions += get(reader);
    reader->instructions += instructions;
    item->op = first & 3;
    item->low = item->depth = reader->depths[reader->stack];
    if (first & 4) get_frames(reader, item);
    if (!(first & 8)) {
        uint64_t code = get(reader);
        reader->slot += (uint32_t)((code >> 1) ^ -(code & 1));
    }
    if (!is_live(reader, reader->slot)) reader->wrong = "an access to no live block";
    item->slot = reader->slot;
    item->instructions = reader->instructions;
    if (!reader->wrong) reader->accesses++;
}

static bool make_block(struct accesslog_reader *reader, uint32_t *slot) {
    if (!access_slots_take(&reader->slots, slot)) return false;
    if (*slot >= reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity * 2 : 1024;
        unsigned char *states = realloc(reader->states, capacity);
        if (!states) return false;
        reader->states = states;
        reader->capacity = capacity;
    }
    reader->states[*slot] = LIVE;
    return true;
}

static void get_end(struct accesslog_reader *reader) {
    uint64_t accesses = get(reader), events = get(reader);

    if (accesses != reader->accesses || events != reader->events)
        reader->wrong = "items are missing: the end counts others";
    reader->ended = true;
}

/* What follows the frames of an event. Returns: false without memory. */
static bool get_operands(struct accesslog_reader *reader, struct access_item *item) {
    uint64_t slot = 0;

    if (item->op >= ACCESS_REALLOC && item->op <= ACCESS_UNLOCK) {
        slot = get(reader);
        if (!is_live(reader, slot)) reader->wrong = "an event of no live block";
        item->slot = (uint32_t)slot;
    }
    if (item->op <= ACCESS_REALLOC || item->op >= ACCESS_THREAD)
        item->value = get(reader);
    if (item->value >= VALUE_LIMIT)
        reader->wrong = "a number is too large (2^56 or more)";
    if (item->op == ACCESS_ALIGNED) {
        uint64_t log2 = get(reader);
        if (log2 >= 56) reader->wrong = "an alignment of 2^56 or more";
        item->alignment_log2 = (uint8_t)log2;
    }
    if (item->op == ACCESS_REALLOC && item->value == 0)
        reader->wrong = "a realloc to size 0";
    if (item->op == ACCESS_THREAD && item->value == 0) reader->wrong = "a thread 0";
    if (item->op == ACCESS_STACK && item->value >= ACCESS_STACKS_MAX)
        reader->wrong = "too many stacks";
    if (reader->wrong) return true;

    switch (item->op) {
    case ACCESS_ALLOC:
    case ACCESS_ZERO:
    case ACCESS_ALIGNED: return make_block(reader, &item->slot);
    case ACCESS_FREE:
        reader->states[slot] = 0;
        return access_slots_give(&reader->slots, item->slot);
    case ACCESS_STACK: return set_stack(reader, (uint32_t)item->value);
    default: return true;
    }
}

static int get_event(struct accesslog_reader *reader, unsigned first,
                     struct access_item *item) {
    unsigned op = first >> 3;

    if (op >= N_EVENTS) {
        reader->wrong = "an unknown event";
        return STATUS_OK;
    }
    reader->instructions += get(reader);
    if (op == EVENT_END) {
        get_end(reader);
        return STATUS_OK;
    }
    *item = (struct access_item){.op = (uint8_t)(op - 1 + ACCESS_ALLOC),
                                 .instructions = reader->instructions};
    item->low = item->depth = reader->depths[reader->stack];
    if (first & 4) get_frames(reader, item);
    if (reader->wrong) return STATUS_OK;
    if (!get_operands(reader, item))
        return complain(STATUS_IO, "%s: no memory for its blocks", reader->path);
    if (!reader->wrong) reader->events++;
    return STATUS_OK;
}

int accesslog_read(struct accesslog_reader *reader, struct access_item *items,
                   size_t most, size_t *n) {
    int status;

    *n = 0;
    while (*n < most && !reader->ended) {
        if (reader->limit - reader->base < ITEM_MAX) {
            status = fill(reader);
            if (status) return status;
            if (reader->base == reader->limit)
                return malformed(reader, "truncated: there is no end");
        }
        reader->at = reader->text + reader->base;
        unsigned first = *reader->at++;
        if ((first & 3) < 3) {
            get_access(reader, first, &items[*n]);
        } else {
            status = get_event(reader, first, &items[*n]);
            if (status) return status;
        }
        reader->base = (size_t)(reader->at - reader->text);
        if (reader->base > reader->limit)
            return malformed(reader, "truncated: within an item");
        if (reader->wrong) return malformed(reader, reader->wrong);
        if (!reader->ended) ++*n;
    }
    if (!reader->ended) return STATUS_OK;
    status = fill(reader); /* to the end of the frame, and its checksum */
    if (status == STATUS_OK && reader->base < reader->limit)
        return malformed(reader, "more behind the end");
    return status;
}

bool accesslog_wanted(const char *path) {
    size_t length = strlen(path);

    return length > 8 && strcmp(path + length - 8, ".rma.zst") == 0;
}
