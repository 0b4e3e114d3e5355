/* SPDX-License-Identifier: MIT */
/*
 * Producers and consumers: seats of even number fill batches with blocks, those of odd
 * number free them, and a single one does both in turn. Batches go from hand to hand, full
 * ones in the order in which they were filled:
 *
 *      producers --> full, full, ... --> consumers
 *          ^                                 |
 *          +------- empty, empty, ... <------+
 */
#include <pthread.h>

#include "compare/seat.h"

enum { BATCH = 2048, BATCHES_EACH = 8, LEAST = 8, OCTAVES = 8 }; /* 8 to 2047 bytes */

struct batch {
    struct batch *next;
    void *blocks[BATCH];
};

struct line {
    struct batch *first, **end;
    pthread_cond_t more;
};

struct queue {
    pthread_mutex_t mutex;
    struct line full, empty;
    bool over; /* nobody waits any more */
};

static void put(struct queue *queue, struct line *line, struct batch *batch) {
    pthread_mutex_lock(&queue->mutex);
    batch->next = NULL;
    *line->end = batch;
    line->end = &batch->next;
    pthread_cond_signal(&line->more);
    pthread_mutex_unlock(&queue->mutex);
}

/* NULL: it is over, and there is none. */
static struct batch *take(struct queue *queue, struct line *line) {
    pthread_mutex_lock(&queue->mutex);
    while (!line->first && !queue->over) pthread_cond_wait(&line->more, &queue->mutex);
    struct batch *batch = line->first;
    if (batch) line->first = batch->next;
    if (!line->first) line->end = &line->first;
    pthread_mutex_unlock(&queue->mutex);
    return batch;
}

static void line_init(struct line *line) {
    line->end = &line->first;
    pthread_cond_init(&line->more, NULL);
}

static bool furnish(struct run *run) {
    unsigned n = BATCHES_EACH * run->crowd->n_threads;
    struct queue *queue = seat_map(sizeof(*queue));
    struct batch *batches = seat_map(n * sizeof(*batches));

    if (!queue || !batches) return false;
    pthread_mutex_init(&queue->mutex, NULL);
    line_init(&queue->full);
    line_init(&queue->empty);
    for (unsigned i = 0; i < n; i++) put(queue, &queue->empty, &batches[i]);
    run->queue = queue;
    return true;
}

static void produce(struct seat *seat) {
    struct queue *queue = seat->run->queue;
    struct batch *batch = take(queue, &queue->empty);

    seat->over = !batch;
    if (!batch) return;
    for (unsigned i = 0; i < BATCH && !seat->failed; i++)
        batch->blocks[i] =
            seat_make(seat, chance_log_uniform(&seat->chance, LEAST, OCTAVES));
    if (!seat->failed) put(queue, &queue->full, batch);
}

static unsigned consume(struct seat *seat) {
    struct queue *queue = seat->run->queue;
    struct batch *batch = take(queue, &queue->full);

    seat->over = !batch;
    if (!batch) return 0;
    for (unsigned i = 0; i < BATCH && !seat->failed; i++)
        seat_drop(seat, batch->blocks[i]);
    put(queue, &queue->empty, batch);
    return BATCH;
}

/* A producer counts nothing, for what is freed counts, and goes on until it is told. */
static unsigned slice(struct seat *seat) {
    bool both = seat->run->crowd->n_threads == 1;

    if (both || seat->number % 2 == 0) produce(seat);
    if (seat->failed || seat->over) return 0;
    return both || seat->number % 2 == 1 ? consume(seat) : 0;
}

static void leave(struct seat *seat) {
    struct queue *queue = seat->run->queue;

    pthread_mutex_lock(&queue->mutex);
    queue->over = true;
    pthread_cond_broadcast(&queue->full.more);
    pthread_cond_broadcast(&queue->empty.more);
    pthread_mutex_unlock(&queue->mutex);
}

const struct shape shape_xmalloc = {
    .n_blocks = 1, .furnish = furnish, .slice = slice, .leave = leave};
