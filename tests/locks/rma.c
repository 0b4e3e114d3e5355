/* SPDX-License-Identifier: MIT */
/*
 * Access logs for tests:
 *
 *      rma pack LOG          makes one of the text on standard input
 *      rma dump LOG          prints one as such a text
 *      rma random SEED N LOG makes one of N random items
 *      rma records LOG       makes a log of the recorder's, mapped at 0x20000000000, of lines
 *                            "op address size log2 thread" (op: a number of record_log.h)
 *      rma sort              sorts each run of unlocks in a trace's events: their order is free
 *      rma naive MODEL LOG   the events of a trace by the simplest of models (naive.c)
 *
 * A line of the text is an item: a letter, two numbers, instructions, low, depth. The letters
 * are l s b (load, store, both), a z m r f (as in a trace, with a slot in place of an age),
 * + - (the program's own lock and unlock), t k (thread, stack).
 */
#include "rma.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locks/accesslog.h"
#include "base/chance.h"
#include "record_log.h"
#include "base/say.h"

static const char letters[] = "lsbazmrf+-tk";

int rma_each(const char *path, void (*visit)(void *, const struct access_item *),
             void *context) {
    struct accesslog_reader *reader;
    struct accesslog_header header;
    struct access_item items[256];
    size_t n = 1;
    int status = accesslog_open(&reader, path, &header);

    while (status == STATUS_OK && n > 0) {
        status = accesslog_read(reader, items, 256, &n);
        for (size_t i = 0; i < n; i++) visit(context, &items[i]);
    }
    accesslog_close(reader);
    return status;
}

static void print_item(void *context, const struct access_item *item) {
    bool sized = item->op >= ACCESS_ALLOC && item->op <= ACCESS_ALIGNED;
    bool numbered = item->op >= ACCESS_THREAD;
    uint64_t second = item->op == ACCESS_REALLOC   ? item->value
                      : item->op == ACCESS_ALIGNED ? item->alignment_log2
                                                   : 0;

    (void)context;
    printf("%c %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %u\n", letters[item->op],
           sized || numbered ? item->value : item->slot, second, item->instructions,
           item->low, item->depth);
}

/* ------------------------------------------------------------------------ writing */

struct target {
    FILE *file;
    struct accesslog_writer *writer;
};

static int begin(struct target *target, const char *path) {
    struct accesslog_header header = {.name = "made-up", .command = "rma"};

    target->file = fopen(path, "wb");
    if (!target->file) return complain(STATUS_IO, "%s: cannot be written", path);
    return accesslog_create(&target->writer, target->file, path, &header);
}

static int end(struct target *target, int status) {
    if (status == STATUS_OK) status = accesslog_finish(target->writer);
    if (fclose(target->file) != 0 && status == STATUS_OK) status = STATUS_IO;
    return status;
}

static int pack(const char *path) {
    struct target target;
    int status = begin(&target, path);
    uint64_t first, second, instructions;
    unsigned low, depth;
    char letter;

    while (status == STATUS_OK &&
           scanf(" %c %" SCNu64 " %" SCNu64 " %" SCNu64 " %u %u", &letter, &first,
                 &second, &instructions, &low, &depth) == 6) {
        const char *at = strchr(letters, letter);
        if (!at) return complain(STATUS_MALFORMED, "what is '%c'?", letter);
        struct access_item item = {.op = (uint8_t)(at - letters),
                                   .instructions = instructions,
                                   .low = low,
                                   .depth = depth};
        if ((item.op >= ACCESS_ALLOC && item.op <= ACCESS_ALIGNED) ||
            item.op >= ACCESS_THREAD)
            item.value = first;
        else
            item.slot = (uint32_t)first;
        if (item.op == ACCESS_REALLOC) item.value = second;
        if (item.op == ACCESS_ALIGNED) item.alignment_log2 = (uint8_t)second;
        status = accesslog_write(target.writer, &item, 1);
    }
    return end(&target, status);
}

static int write_records(const char *path) {
    static struct record_header header = {.magic = RECORD_MAGIC,
                                          .header_size = RECORD_HEADER_SIZE,
                                          .record_size = sizeof(struct record),
                                          .mapped = UINT64_C(0x20000000000),
                                          .pid = 1};
    FILE *file = fopen(path, "wb");
    uint64_t address, size, thread;
    unsigned op, log2;

    if (!file) return complain(STATUS_IO, "%s: cannot be written", path);
    fwrite(&header, sizeof(header), 1, file);
    for (long i = sizeof(header); i < RECORD_HEADER_SIZE; i++) putc(0, file);
    while (scanf("%u %" SCNx64 " %" SCNu64 " %u %" SCNu64, &op, &address, &size, &log2,
                 &thread) == 5) {
        struct record record = {{record_word0((enum record_op)op, address, log2),
                                 record_word1(size, thread)}};
        if (op == RECORD_NONE) record = (struct record){{0, 0}};
        fwrite(&record, sizeof(record), 1, file);
    }
    return fclose(file) == 0 ? STATUS_OK : STATUS_IO;
}

/* ------------------------------------------------------------------------- random */

#define STACKS 3

struct world {
    struct chance chance;
    struct access_slots slots;
    uint32_t live[64], n_live, stack, depths[STACKS];
    uint64_t instructions;
};

static uint64_t below(struct world *world, uint64_t limit) {
    return chance_below(&world->chance, limit);
}

/* Mostly accesses, mostly to few blocks; frames come and go; some of all else. */
static struct access_item random_item(struct world *world) {
    struct access_item item = {.op = ACCESS_ALLOC, .value = below(world, 100)};
    uint64_t kind = below(world, 100);
    uint32_t at = (uint32_t)below(world, below(world, 3) ? 4 : 64);

    world->instructions += below(world, 8) ? below(world, 4) : below(world, 60);
    item.instructions = world->instructions;
    if (world->n_live > at && kind < 90) {
        item.op = (uint8_t)(kind < 50   ? ACCESS_LOAD
                            : kind < 70 ? ACCESS_STORE
                            : kind < 74 ? ACCESS_MODIFY
                            : kind < 78 ? ACCESS_FREE
                            : kind < 80 ? ACCESS_REALLOC
                            : kind < 84 ? ACCESS_LOCK
                            : kind < 88 ? ACCESS_UNLOCK
                            : kind < 89 ? ACCESS_STACK
                                        : ACCESS_THREAD);
        item.slot = world->live[at];
        item.value = item.op == ACCESS_STACK     ? below(world, STACKS)
                     : item.op == ACCESS_THREAD  ? 1 + below(world, 3)
                     : item.op == ACCESS_REALLOC ? 1 + below(world, 100)
                                                 : 0;
        if (item.op == ACCESS_FREE) {
            access_slots_give(&world->slots, item.slot);
            world->live[at] = world->live[--world->n_live];
        }
    } else if (world->n_live < 64) {
        item.op = (uint8_t)(ACCESS_ALLOC + below(world, 3));
        if (item.op == ACCESS_ALIGNED) item.alignment_log2 = 5;
        access_slots_take(&world->slots, &item.slot);
        world->live[world->n_live++] = item.slot;
    } else {
        item.op = ACCESS_LOAD;
        item.slot = world->live[0];
    }
    if (item.op == ACCESS_STACK) {
        world->stack = (uint32_t)item.value;
        return item;
    }
    uint32_t *depth = &world->depths[world->stack];
    item.low = item.depth = *depth;
    if (below(world, 5) == 0) {
        item.low -= (uint32_t)below(world, item.low + 1u < 4 ? item.low + 1u : 4);
        item.depth = *depth = item.low + (uint32_t)below(world, 4);
    }
    return item;
}

static int make_random(uint64_t seed, uint64_t n, const char *path) {
    struct world world = {.n_live = 0};
    struct target target;
    int status = begin(&target, path);

    world.chance = chance_of(seed);
    for (uint64_t i = 0; i < n && status == STATUS_OK; i++) {
        struct access_item item = random_item(&world);
        status = accesslog_write(target.writer, &item, 1);
    }
    access_slots_finish(&world.slots);
    return end(&target, status);
}

/* -------------------------------------------------------------------------- order */

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int sort_unlocks(void) {
    static uint64_t run[1 << 16];
    char line[256];
    size_t n = 0;
    bool more = true;

    while (more) {
        more = fgets(line, sizeof(line), stdin) != NULL;
        if (more && *line == 'u' && n < sizeof(run) / sizeof(*run)) {
            run[n++] = strtoull(line + 2, NULL, 10);
            continue;
        }
        qsort(run, n, sizeof(*run), by_number);
        for (size_t i = 0; i < n; i++) printf("u %" PRIu64 "\n", run[i]);
        n = 0;
        if (more) fputs(line, stdout);
    }
    return STATUS_OK;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "pack") == 0) return pack(argv[2]);
    if (argc == 3 && strcmp(argv[1], "records") == 0) return write_records(argv[2]);
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return rma_each(argv[2], print_item, NULL);
    if (argc == 5 && strcmp(argv[1], "random") == 0)
        return make_random(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
                           argv[4]);
    if (argc == 2 && strcmp(argv[1], "sort") == 0) return sort_unlocks();
    if (argc == 4 && strcmp(argv[1], "naive") == 0) return naive_trace(argv[2], argv[3]);
    fputs("Usage: rma pack|dump|records LOG, random SEED N LOG, sort, naive MODEL LOG\n",
          stderr);
    return STATUS_USAGE;
}
