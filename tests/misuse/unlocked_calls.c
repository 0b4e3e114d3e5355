/* SPDX-License-Identifier: MIT */
/* The corpus: addresses that outlive their locks in callbacks, threads, sections and calls of the library. */
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"

/* --- over calls of the library --- */

UNLOCKED(kept_over_alloc, "an address kept across an allocation that has to compact") {
    memory_t *blocks[40];
    for (unsigned i = 0; i < 40; i++) blocks[i] = bytes_block(4000, (int)i);
    unsigned char *at = lock(blocks[39]), byte;
    WRONG(unlock(blocks[39]));
    for (unsigned i = 0; i < 38; i += 2) drop(blocks[i]);
    block(60000 + below(10000));
    block(50000);
    GUILTY(byte = at[100 + below(1000)]);
    RIGHT(unlock(blocks[39]));
    expect(byte == 39, "the byte is another");
}

UNLOCKED(kept_over_compact, "an address kept across rm_heap_compact") {
    memory_t *gap = gap_open(5000), *h = bytes_block(200 + below(400), 'k');
    unsigned char *at = lock(h);
    WRONG(unlock(h));
    gap_close(gap);
    GUILTY(at[17] = 'K');
    RIGHT(unlock(h));
    at = lock(h);
    expect(at[17] == 'K', "the byte is another");
    unlock(h);
}

UNLOCKED(kept_over_steps, "an address kept across steps of compaction with a budget") {
    const rm_budget_t budget = {.bytes = 2000};
    memory_t *gap = gap_open(30000), *h = bytes_block(9000, 'k');
    const unsigned char *at = lock(h);
    WRONG(unlock(h));
    drop(gap);
    for (unsigned i = 0; i < 30; i++) must(rm_heap_compact(heap, &budget, NULL));
    bytes_block(25000, 'n');
    unsigned char byte;
    GUILTY(byte = at[8000 + below(900)]);
    RIGHT(unlock(h));
    expect(byte == 'k', "the byte is another");
}

UNLOCKED(kept_over_realloc,
         "an address kept across rmrealloc, which has moved the block") {
    memory_t *h = bytes_block(100 + below(100), 'r'), *next = bytes_block(100, 'n');
    unsigned char *at = lock(h);
    unlock(h);
    resize(h, 3000);
    RIGHT(at = lock(h));
    GUILTY(at[5] = 'R');
    RIGHT(unlock(h));
    at = lock(h);
    expect(at[5] == 'R', "the byte is another");
    unlock(h);
    drop(next);
}

UNLOCKED(kept_over_shrink,
         "an address kept across rmrealloc that only shrinks the block") {
    memory_t *h = bytes_block(3000, 'r');
    unsigned char *at = lock(h);
    WRONG(unlock(h));
    resize(h, 1000);
    GUILTY(at[5] = 'R');
    RIGHT(unlock(h));
    at = lock(h);
    expect(at[5] == 'R', "the byte is another");
    unlock(h);
}

UNLOCKED(undo_log, "two addresses subtracted, one of them from an earlier lock") {
    memory_t *h = bytes_block(600, 'u');
    unsigned mark = 100 + below(400);
    char *saved = (char *)lock(h) + mark;
    unlock(h);
    memory_t *log = block(300);
    RIGHT(saved = (char *)lock(h) + mark);
    GUILTY(*saved = 'U');
    RIGHT(unlock(h));
    const char *at = lock(h);
    expect(at[mark] == 'U', "the byte is another");
    unlock(h);
    drop(log);
}

/* --- callbacks --- */

struct totals {
    unsigned n;
    size_t bytes;
};

static bool count_span(const rm_span_t *span, void *context) {
    struct totals *totals = context;
    GUILTY(totals->n += span->handle != NULL);
    totals->bytes += span->size;
    return true;
}

UNLOCKED(callback_walk, "a walk's context lies in a block that is unlocked") {
    memory_t *h = bytes_block(sizeof(struct totals), 0);
    rm_heap_t *other = open_growing(RM_THREADS_NONE);
    for (unsigned i = 0; i < 9; i++) block_in(other, 100 + below(900));
    void *context = lock(h);
    WRONG(unlock(h));
    must(rm_heap_walk(other, count_span, context));
    RIGHT(unlock(h));
    const struct totals *totals = lock(h);
    expect(totals->n == 9, "the count is another");
    unlock(h);
}

static int by_byte(const void *a, const void *b) {
    return GUILTY(*(const unsigned char *)a - *(const unsigned char *)b);
}

UNLOCKED(callback_qsort, "qsort of an unlocked block") {
    unsigned n = 50 + below(100);
    memory_t *h = block(n);
    unsigned char *at = lock(h);
    for (unsigned i = 0; i < n; i++) at[i] = (unsigned char)(n - i);
    WRONG(unlock(h));
    memory_t *log = block(40);
    qsort(at, n, 1, by_byte);
    RIGHT(unlock(h));
    drop(log);
    at = lock(h);
    for (unsigned i = 0; i < n; i++) expect(at[i] == i + 1, "it is not sorted");
    unlock(h);
}

static void (*listener)(void *);
static void *listener_data;

static void hear(void *data) {
    int *events = data;
    GUILTY(*events += 1);
}

UNLOCKED(callback_listener,
         "a listener's data is a block that is unlocked when it is called") {
    memory_t *h = bytes_block(32, 0);
    listener = hear;
    listener_data = lock(h);
    WRONG(unlock(h));
    for (unsigned i = 0; i < 8; i++) {
        memory_t *event = block(24 + below(100));
        listener(listener_data);
        drop(event);
    }
    RIGHT(unlock(h));
    const int *events = lock(h);
    expect(*events == 8, "events are lost");
    unlock(h);
}

static jmp_buf on_error;

UNLOCKED(callback_longjmp,
         "an error jumps past the place where the block is locked again") {
    memory_t *volatile h = bytes_block(64, 0);
    char *volatile at = lock(h);
    if (setjmp(on_error) == 0) {
        WRONG(unlock(h));
        memory_t *log = block(48);
        drop(log);
        longjmp(on_error, 1);
    }
    GUILTY(at[9] = 'e');
    RIGHT(unlock(h));
    const char *now = lock(h);
    expect(now[9] == 'e', "the byte is another");
    unlock(h);
}

/* --- threads --- */

static void *read_there(void *at) {
    static unsigned sum;
    for (unsigned i = 0; i < 100; i++) GUILTY(sum += ((const unsigned char *)at)[i]);
    return &sum;
}

UNLOCKED(thread_reads, "another thread reads at an address that has been unlocked here") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    memory_t *h = block_in(shared, 100 + below(100));
    pthread_t thread;
    void *sum;
    memset(lock(h), 2, 100);
    unlock(h);
    void *at = lock(h);
    WRONG(unlock(h));
    expect(pthread_create(&thread, NULL, read_there, at) == 0, "no thread");
    pthread_join(thread, &sum);
    RIGHT(unlock(h));
    expect(*(unsigned *)sum == 200, "the sum is another");
}

static void *write_there(void *at) {
    GUILTY(memset(at, 9, 50));
    return NULL;
}

UNLOCKED(thread_writes,
         "another thread writes at an address that has been unlocked here") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    memory_t *h = block_in(shared, 50 + below(100));
    void *at = lock(h);
    WRONG(unlock(h));
    in_thread(write_there, at);
    RIGHT(unlock(h));
    expect(bytes_are(h, 50, 9), "the content is another");
}

static void *unlock_there(void *h) {
    unlock(h);
    return NULL;
}

UNLOCKED(thread_unlocks,
         "two threads use a block by one lock, and one of them gives it back") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    memory_t *h = block_in(shared, 50 + below(100));
    unsigned char *at = lock(h);
    RIGHT(lock(h));
    in_thread(unlock_there, h);
    GUILTY(at[3] = 33);
    RIGHT(unlock(h));
    at = lock(h);
    expect(at[3] == 33, "the byte is another");
    unlock(h);
}

/* --- read sections --- */

UNLOCKED(section_ended, "an address of rmpeek used after the end of the section") {
    memory_t *gap = gap_open(5000), *h = bytes_block(100 + below(300), 's');
    void *pointer;
    must(rm_heap_hold(heap));
    must(rmpeek(h, &pointer));
    unsigned char *at = pointer, byte;
    WRONG(must(rm_heap_release(heap)));
    drop(gap);
    WRONG(compact(heap));
    bytes_block(4000, 'n');
    GUILTY(byte = at[9]);
    RIGHT(must(rm_heap_release(heap)));
    expect(byte == 's', "the byte is another");
}

UNLOCKED(section_none, "rmpeek without a section, as if it were a lock") {
    memory_t *gap = gap_open(5000), *h = bytes_block(100 + below(300), 's');
    void *pointer;
    RIGHT(must(rm_heap_hold(heap)));
    must(rmpeek(h, &pointer));
    unsigned char *at = pointer, byte;
    drop(gap);
    WRONG(compact(heap));
    bytes_block(4000, 'n');
    GUILTY(byte = at[9]);
    RIGHT(must(rm_heap_release(heap)));
    expect(byte == 's', "the byte is another");
}
