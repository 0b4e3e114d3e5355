/* SPDX-License-Identifier: MIT */
/*
 * Writing access logs; accesslog.h says what is written, accesslog_read.c reads it.
 */
#include "locks/accesslog.h"

#include <stdlib.h>
#include <string.h>

#include "base/packer.h"
#include "base/say.h"

#define BUFFER_SIZE ((size_t)256 << 10)
#define ITEM_MAX 64 /* bytes of one item */

struct accesslog_writer {
    const char *path;
    struct packer *packer;
    int status; /* of all so far */
    uint64_t instructions, accesses, events;
    uint32_t slot;            /* of the access before */
    uint32_t stack, n_stacks; /* current, and how many have depths */
    uint32_t *depths;         /* by stack */
    size_t used;
    unsigned char buffer[BUFFER_SIZE];
};

static int flush(struct accesslog_writer *writer) {
    if (writer->status == STATUS_OK)
        writer->status =
            packer_write(writer->packer, (const char *)writer->buffer, writer->used);
    writer->used = 0;
    return writer->status;
}

static bool set_stack(struct accesslog_writer *writer, uint32_t stack) {
    if (stack >= writer->n_stacks) {
        uint32_t n = stack + 16;
        uint32_t *depths = realloc(writer->depths, n * sizeof(*depths));
        if (!depths) return false;
        memset(depths + writer->n_stacks, 0, (n - writer->n_stacks) * sizeof(*depths));
        writer->depths = depths;
        writer->n_stacks = n;
    }
    writer->stack = stack;
    return true;
}

static void put_line(struct accesslog_writer *writer, const char *key, const char *text) {
    char *at = (char *)writer->buffer + writer->used;

    at += sprintf(at, "# %s: ", key);
    for (; *text; text++) *at++ = (unsigned char)*text < ' ' ? ' ' : *text;
    *at++ = '\n';
    writer->used = (size_t)(at - (char *)writer->buffer);
}

int accesslog_create(struct accesslog_writer **out, FILE *file, const char *path,
                     const struct accesslog_header *header) {
    struct accesslog_writer *writer = calloc(1, sizeof(*writer));

    *out = writer;
    if (!writer || !set_stack(writer, 0)) {
        free(writer);
        *out = NULL;
        return complain(STATUS_IO, "no memory to write %s", path);
    }
    writer->path = path;
    writer->status = packer_open(&writer->packer, file, path, true);
    writer->used = (size_t)sprintf((char *)writer->buffer, "# rma 1\n");
    put_line(writer, "name", header->name);
    put_line(writer, "command", header->command);
    writer->buffer[writer->used++] = '\n';
    return writer->status;
}

static inline void put(struct accesslog_writer *writer, uint64_t number) {
    while (number >= 128) {
        writer->buffer[writer->used++] = (unsigned char)(number | 128);
        number >>= 7;
    }
    writer->buffer[writer->used++] = (unsigned char)number;
}

/* What has ended and begun, where bit 2 says that there is any. */
static inline void put_frames(struct accesslog_writer *writer,
                              const struct access_item *item) {
    uint32_t *depth = &writer->depths[writer->stack];

    put(writer, *depth - item->low);
    put(writer, item->depth - item->low);
    *depth = item->depth;
}

static inline unsigned frames_bit(const struct accesslog_writer *writer,
                                  const struct access_item *item) {
    return item->low != item->depth || item->depth != writer->depths[writer->stack] ? 4
                                                                                    : 0;
}

static void put_access(struct accesslog_writer *writer, const struct access_item *item,
                       uint64_t instructions) {
    unsigned frames = frames_bit(writer, item), same = item->slot == writer->slot ? 8 : 0;
    unsigned few = instructions < 15 ? (unsigned)instructions : 15;
    int64_t distance = (int64_t)item->slot - (int64_t)writer->slot;

    writer->buffer[writer->used++] = (unsigned char)(item->op | frames | same | few << 4);
    if (few == 15) put(writer, instructions - 15);
    if (frames) put_frames(writer, item);
    if (!same) put(writer, (uint64_t)distance << 1 ^ (uint64_t)(distance >> 63));
    writer->slot = item->slot;
    writer->accesses++;
}

static int put_event(struct accesslog_writer *writer, const struct access_item *item,
                     uint64_t instructions) {
    unsigned frames = item->op == ACCESS_STACK ? 0 : frames_bit(writer, item);
    unsigned op = item->op - ACCESS_ALLOC + 1u;

    writer->buffer[writer->used++] = (unsigned char)(3 | frames | op << 3);
    put(writer, instructions);
    if (frames) put_frames(writer, item);
    if (item->op >= ACCESS_REALLOC && item->op <= ACCESS_UNLOCK) put(writer, item->slot);
    if (item->op <= ACCESS_REALLOC || item->op >= ACCESS_THREAD) put(writer, item->value);
    if (item->op == ACCESS_ALIGNED) put(writer, item->alignment_log2);
    writer->events++;
    if (item->op == ACCESS_STACK && !set_stack(writer, (uint32_t)item->value))
        writer->status =
            complain(STATUS_IO, "%s: no memory for the depths of stacks", writer->path);
    return writer->status;
}

int accesslog_write(struct accesslog_writer *writer, const struct access_item *items,
                    size_t n) {
    for (size_t i = 0; i < n && writer->status == STATUS_OK; i++) {
        uint64_t instructions = items[i].instructions - writer->instructions;

        writer->instructions = items[i].instructions;
        if (writer->used + ITEM_MAX > BUFFER_SIZE) flush(writer);
        if (ACCESS_IS_ACCESS(items[i].op))
            put_access(writer, &items[i], instructions);
        else
            put_event(writer, &items[i], instructions);
    }
    return writer->status;
}

int accesslog_finish(struct accesslog_writer *writer) {
    int status;

    if (!writer) return STATUS_OK;
    if (writer->used + ITEM_MAX > BUFFER_SIZE) flush(writer);
    writer->buffer[writer->used++] = 3;
    put(writer, 0);
    put(writer, writer->accesses);
    put(writer, writer->events);
    status = flush(writer);
    if (status == STATUS_OK) {
        status = packer_close(writer->packer);
        writer->packer = NULL;
    }
    accesslog_discard(writer);
    return status;
}

void accesslog_discard(struct accesslog_writer *writer) {
    if (!writer) return;
    packer_discard(writer->packer);
    free(writer->depths);
    free(writer);
}
