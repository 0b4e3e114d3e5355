/* SPDX-License-Identifier: MIT */
/*
 * The models of lockmodel.h once more, in the plainest way: after every item all blocks are
 * looked at, a frame has a number of its own, a life is counted down one access at a
 * time. Shares nothing with the models but the reading of logs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rma.h"
#include "base/say.h"

#define BLOCKS 128
#define FRAMES 4096
#define STACKS 8

struct block {
    bool live, locked;
    uint64_t number, last_instruction, foreign, frame;
    double life;
    unsigned stack, nested;
};

struct naive {
    char kind; /* g, i, f, l, t, n */
    double parameter, own, other;
    struct block blocks[BLOCKS]; /* by slot */
    uint64_t frames[STACKS][FRAMES], next_frame;
    unsigned depths[STACKS], stack;
    uint64_t made;
    /* Precision and recall by blocks x time, beside the program's own locks. */
    double both, only_here, only_truth;
};

static void change(struct naive *naive, struct block *block, bool locks) {
    if (block->locked == locks) return;
    block->locked = locks;
    printf("%c %" PRIu64 "\n", locks ? 'l' : 'u', naive->made - 1 - block->number);
}

/* Unlocks every block of which the model says so. */
static void look(struct naive *naive, const struct access_item *item, bool after) {
    for (struct block *block = naive->blocks; block < naive->blocks + BLOCKS; block++) {
        bool ends = false, found = block->frame == 0;
        if (!block->live || !block->locked) continue;
        if (naive->kind == 'g')
            ends = after && (double)block->foreign >= naive->parameter;
        if (naive->kind == 'i')
            ends =
                (double)(item->instructions - block->last_instruction) > naive->parameter;
        if (naive->kind == 'l') ends = block->life <= 0;
        for (unsigned i = 0; i < naive->depths[block->stack]; i++)
            found = found || naive->frames[block->stack][i] == block->frame;
        if (naive->kind == 'f') ends = !found;
        if (ends) change(naive, block, false);
    }
}

static void take_frames(struct naive *naive, const struct access_item *item) {
    if (naive->depths[naive->stack] > item->low) naive->depths[naive->stack] = item->low;
    while (naive->depths[naive->stack] < item->depth)
        naive->frames[naive->stack][naive->depths[naive->stack]++] = ++naive->next_frame;
}

static void touch(struct naive *naive, const struct access_item *item) {
    struct block *block = &naive->blocks[item->slot];

    for (struct block *other = naive->blocks; other < naive->blocks + BLOCKS; other++) {
        other->foreign++;
        if (other != block) other->life -= naive->other;
        if (other->life < 0) other->life = 0;
    }
    block->foreign = 0;
    block->last_instruction = item->instructions;
    block->life += naive->own;
    if (block->life > naive->parameter) block->life = naive->parameter;
    if (!block->locked && naive->kind == 'f') {
        unsigned depth = naive->depths[naive->stack], up = (unsigned)naive->parameter;
        block->stack = naive->stack;
        block->frame = depth > up ? naive->frames[naive->stack][depth - up - 1] : 0;
    }
    if (naive->kind != 't' && naive->kind != 'n') change(naive, block, true);
    for (struct block *each = naive->blocks; each < naive->blocks + BLOCKS; each++) {
        bool truth = each->nested > 0;
        if (!each->live) continue;
        naive->both += each->locked && truth;
        naive->only_here += each->locked && !truth;
        naive->only_truth += !each->locked && truth;
    }
}

static void event(struct naive *naive, const struct access_item *item) {
    struct block *block = &naive->blocks[item->slot];

    switch (item->op) {
    case ACCESS_ALLOC:
    case ACCESS_ZERO:
    case ACCESS_ALIGNED:
        *block = (struct block){.live = true, .number = naive->made++};
        printf("%c %" PRIu64, "azm"[item->op - ACCESS_ALLOC], item -> value);
        if (item->op == ACCESS_ALIGNED) printf(" %u", 1u << item->alignment_log2);
        putchar('\n');
        break;
    case ACCESS_REALLOC:
    case ACCESS_FREE:
        change(naive, block, false);
        block->nested = 0;
        block->life = 0;
        block->live = item->op == ACCESS_REALLOC;
        printf("%c %" PRIu64, block->live ? 'r' : 'f', naive->made - 1 - block->number);
        if (block->live) printf(" %" PRIu64, item->value);
        putchar('\n');
        break;
    case ACCESS_LOCK:
        block->nested++;
        if (naive->kind == 't') change(naive, block, true);
        break;
    case ACCESS_UNLOCK:
        if (block->nested > 0) block->nested--;
        if (naive->kind == 't' && block->nested == 0) change(naive, block, false);
        break;
    case ACCESS_STACK: naive->stack = (unsigned)item->value; break;
    default: break;
    }
}

static void take(void *context, const struct access_item *item) {
    struct naive *naive = context;

    if (item->op != ACCESS_STACK) take_frames(naive, item);
    look(naive, item, false);
    if (ACCESS_IS_ACCESS(item->op)) {
        touch(naive, item);
        look(naive, item, true);
    } else {
        event(naive, item);
    }
}

int naive_trace(const char *model, const char *path) {
    struct naive *naive = calloc(1, sizeof(*naive));
    size_t length = strlen(model);
    int status;

    if (!naive) return STATUS_IO;
    naive->kind = model[length - 1] == 'i' ? 'i' : *model;
    naive->own = 1;
    naive->other = 0.5;
    if (strchr(model, ':'))
        sscanf(strchr(model, ':'), ":%lf:%lf:%lf", &naive->parameter, &naive->own,
               &naive->other);
    status = rma_each(path, take, naive);
    if (status == STATUS_OK)
        fprintf(stderr, "%.6f %.6f\n", naive->both / (naive->both + naive->only_here),
                naive->both / (naive->both + naive->only_truth));
    free(naive);
    return status;
}
