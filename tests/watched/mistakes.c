/* SPDX-License-Identifier: MIT */
/*
 * One mistake each, by name: watched.sh knows which lines a report has to name, by the comments
 * that say GUILTY, MADE and LAST here. Usage: mistakes NAME
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rmalloc.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HIDE(from, bytes) VALGRIND_MAKE_MEM_NOACCESS(from, bytes)
#endif
#endif
#ifndef HIDE
#define HIDE(from, bytes) ((void)(from), (void)(bytes))
#endif

#define NEED(call)                                                                       \
    do {                                                                                 \
        if ((call) != RM_OK) {                                                           \
            fprintf(stderr, "mistakes: %s fails\n", #call);                              \
            exit(3);                                                                     \
        }                                                                                \
    } while (0)

static rm_heap_t *heap;
static volatile char sink;

/* A gap below what comes, so that it moves when the heap is compacted. */
static rm_memory_t *make_gap(size_t size) {
    rm_memory_t *gap;
    NEED(rm_heap_alloc(heap, &gap, size, 0, 0));
    return gap;
}

static char *lock(rm_memory_t *block) {
    void *pointer;
    NEED(rmlock(block, &pointer));
    return pointer;
}

static void compact(void) {
    rm_progress_t progress;
    NEED(rm_heap_compact(heap, NULL, &progress));
    if (progress.moved_blocks == 0) exit(3);
}

/* --- used when it is not locked --- */

static void read_unlocked(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE read_unlocked */
    char *bytes = lock(block);
    sink = bytes[3];
    NEED(rmunlock(block)); /* LAST read_unlocked */
    sink = bytes[40];      /* GUILTY read_unlocked */
}

static void write_unlocked(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 20, 0, 0)); /* MADE write_unlocked */
    char *bytes = lock(block);
    bytes[0] = 1;
    NEED(rmunlock(block)); /* LAST write_unlocked */
    bytes[0] = 2;          /* GUILTY write_unlocked */
}

static void large_unlocked(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 300000, 4096, 0)); /* MADE large_unlocked */
    char *bytes = lock(block);
    memset(bytes, 1, 300000);
    NEED(rmunlock(block)); /* LAST large_unlocked */
    bytes[299999] = 2;     /* GUILTY large_unlocked */
}

static void moved(void) {
    rm_memory_t *gap = make_gap(5000), *block;
    NEED(rm_heap_alloc(heap, &block, 1000, 0, RM_ZERO)); /* MADE moved */
    char *bytes = lock(block);
    NEED(rmunlock(block)); /* LAST moved */
    NEED(rmfree(gap));
    compact();
    if (lock(block) == bytes) exit(3); /* it has moved */
    NEED(rmunlock(block));
    sink = bytes[500]; /* GUILTY moved */
}

/* Another block lies there by now. */
static void moved_under(void) {
    rm_memory_t *gap = make_gap(1000), *block, *other;
    NEED(rm_heap_alloc(heap, &block, 1000, 0, RM_ZERO)); /* MADE moved_under */
    NEED(rm_heap_alloc(heap, &other, 1000, 0, RM_ZERO));
    char *bytes = lock(block);
    NEED(rmunlock(block)); /* LAST moved_under */
    NEED(rmfree(gap));
    compact();
    bytes[7] = 1; /* GUILTY moved_under */
}

/* Small objects, which are merged out of one run into another. */
static void merged(void) {
    enum { N = 400 };
    rm_memory_t *blocks[N];
    char *bytes[N];
    for (int i = 0; i < N; i++) {
        NEED(rm_heap_alloc(heap, &blocks[i], 40, 0, RM_ZERO)); /* MADE merged */
        bytes[i] = lock(blocks[i]);
        NEED(rmunlock(blocks[i])); /* LAST merged */
    }
    for (int i = 0; i < N; i++)
        if (i % 7 != 5) NEED(rmfree(blocks[i]));
    compact();
    bytes[N - 3][9] = 1; /* GUILTY merged */
}

static void resized(void) {
    rm_memory_t *block, *behind;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE resized */
    NEED(rm_heap_alloc(heap, &behind, 100, 0, RM_ZERO));
    char *bytes = lock(block);
    NEED(rmunlock(block)); /* LAST resized */
    NEED(rmrealloc(block, 9000));
    sink = bytes[99]; /* GUILTY resized */
}

static void shrunk(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE shrunk */
    volatile char *bytes = lock(block); /* two bytes, and not one store of both */
    NEED(rmrealloc(block, 61));
    bytes[60] = 1;
    bytes[61] = 1; /* GUILTY shrunk */
}

/* One of two locks has been given back, and then the other. */
static void nested(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE nested */
    char *bytes = lock(block);
    lock(block);
    NEED(rmunlock(block));
    sink = bytes[1];
    NEED(rmunlock(block)); /* LAST nested */
    sink = bytes[1];       /* GUILTY nested */
}

static void string_call(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE string_call */
    char *bytes = lock(block), text[100];
    NEED(rmunlock(block));    /* LAST string_call */
    memcpy(text, bytes, 100); /* GUILTY string_call */
    sink = text[3];
}

static void section_over(void) {
    rm_memory_t *block;
    void *bytes;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE section_over */
    NEED(rm_heap_hold(heap));
    NEED(rmpeek(block, &bytes));
    sink = ((char *)bytes)[99];
    NEED(rm_heap_release(heap));
    sink = ((char *)bytes)[99]; /* GUILTY section_over */
}

/* --- used when it is not there --- */

static void freed(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE freed */
    char *bytes = lock(block);
    NEED(rmunlock(block));
    NEED(rmfree(block)); /* LAST freed */
    bytes[12] = 1;       /* GUILTY freed */
}

static void freed_and_reused(void) {
    rm_memory_t *block, *other;
    NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO)); /* MADE freed_and_reused */
    char *bytes = lock(block);
    NEED(rmunlock(block));
    NEED(rmfree(block)); /* LAST freed_and_reused */
    NEED(rm_heap_alloc(heap, &other, 100, 0, RM_ZERO));
    bytes[12] = 1; /* GUILTY freed_and_reused */
}

/* --- beside it --- */

static void overrun(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 61, 0, RM_ZERO)); /* MADE overrun */
    char *bytes = lock(block);
    for (int i = 0; i <= 61; i++) bytes[i] = 1; /* GUILTY overrun */
}

static void overrun_large(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100000, 0, RM_ZERO)); /* MADE overrun_large */
    char *bytes = lock(block);
    bytes[100000] = 1; /* GUILTY overrun_large */
}

static void underrun(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 600, 0, RM_ZERO)); /* MADE underrun */
    char *bytes = lock(block);
    bytes[-1] = 1; /* GUILTY underrun */
}

/* What is free, between two blocks that are locked; there are other heaps, on either side. */
static void nobodys(void) {
    rm_memory_t *low, *gap, *high;
    rm_heap_t *below;
    NEED(rm_heap_create(&heap, NULL)); /* below the first one */
    NEED(rm_heap_create(&below, NULL));
    NEED(rm_heap_alloc(heap, &low, 600, 0, RM_ZERO));
    gap = make_gap(50000);
    NEED(rm_heap_alloc(heap, &high, 600, 0, RM_ZERO));
    lock(low);
    char *bytes = lock(high);
    NEED(rmfree(gap));
    sink = bytes[-25000]; /* GUILTY nobodys */ /* NOBODYS nobodys */
}

/* --- not written yet: memcheck alone knows --- */

static void decide(const char *bytes, int i) {
    if (bytes[i]) sink = 1; /* UNDEFINED undefined undefined_moved undefined_grown */
}
static void decide_resized(const char *bytes, int i) {
    if (bytes[i]) sink = 1; /* UNDEFINED undefined_resized */
}

static void undefined(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, 0));
    char *bytes = lock(block);
    decide(bytes, 99);
}

/* What has been written is defined, the byte beside is not, wherever it comes to lie. */
static void undefined_moved(void) {
    rm_memory_t *gap = make_gap(5000), *block;
    NEED(rm_heap_alloc(heap, &block, 1000, 0, 0));
    char *bytes = lock(block);
    memset(bytes, 0, 999);
    NEED(rmunlock(block));
    NEED(rmfree(gap));
    compact();
    bytes = lock(block);
    decide(bytes, 998);
    puts("so far so good");
    fflush(stdout);
    decide(bytes, 999);
}

static void undefined_grown(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 10, 0, RM_ZERO));
    NEED(rmrealloc(block, 5000));
    char *bytes = lock(block);
    decide(bytes, 9);
    puts("so far so good");
    fflush(stdout);
    decide(bytes, 10);
}

/* It gets another size while it is not locked: before it was ever, and when some of it has been written. */
static void undefined_resized(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 50, 0, 0));
    NEED(rmrealloc(block, 100));
    char *bytes = lock(block);
    memset(bytes, 0, 60);
    NEED(rmunlock(block));
    NEED(rmrealloc(block, 300));
    NEED(rmrealloc(block, 200));
    bytes = lock(block);
    decide_resized(bytes, 59);
    puts("so far so good");
    fflush(stdout);
    decide_resized(bytes, 60);
}

/* --- none --- */

/* What its user hides of a block is shown again by the next lock. */
static void fine_hidden(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 100, 0, 0));
    char *bytes = lock(block);
    memset(bytes, 5, 90);
    HIDE(bytes + 20, 10);
    NEED(rmunlock(block));
    bytes = lock(block);
    for (int i = 0; i < 90; i++)
        if (bytes[i] != 5) exit(3);
    NEED(rmunlock(block));
    puts("so far so good");
}

/* What a budget has left half moved is read where it comes to lie. */
static void fine_half(void) {
    enum { BYTES = 200000 };
    rm_budget_t budget = {.bytes = 1};
    rm_progress_t progress;
    rm_memory_t *gap = make_gap(2 * BYTES), *block;
    void *at;
    NEED(rm_heap_alloc(heap, &block, BYTES, 0, 0));
    memset(lock(block), 5, BYTES);
    NEED(rmunlock(block));
    NEED(rmfree(gap));
    NEED(rm_heap_compact(heap, &budget, &progress));
    if (progress.complete) exit(3);
    NEED(rm_heap_hold(heap));
    NEED(rmpeek(block, &at));
    for (int i = 0; i < BYTES; i++)
        if (((char *)at)[i] != 5) exit(3);
    NEED(rm_heap_release(heap));
    puts("so far so good");
}

/* Of nothing there is nothing to be told; and a heap goes with all that is known of it. */
static void fine_gone(void) {
    rm_memory_t *block;
    NEED(rm_heap_alloc(heap, &block, 0, 0, 0));
    lock(block);
    NEED(rmunlock(block));
    NEED(rmfree(block));
    for (int i = 0; i < 200; i++) {
        NEED(rm_heap_alloc(heap, &block, 100, 0, RM_ZERO));
        lock(block);
        NEED(rmunlock(block));
    }
    NEED(rmfree(block));
    NEED(rm_heap_destroy(heap));
    puts("so far so good");
}

static void fine(void) {
    rm_memory_t *gap = make_gap(5000), *block;
    NEED(rm_heap_alloc(heap, &block, 1000, 0, 0));
    char *bytes = lock(block);
    memset(bytes, 5, 1000);
    NEED(rmunlock(block));
    NEED(rmfree(gap));
    compact();
    NEED(rmrealloc(block, 500));
    bytes = lock(block);
    for (int i = 0; i < 500; i++)
        if (bytes[i] != 5) exit(3);
    NEED(rmunlock(block));
    puts("so far so good");
}

static const struct {
    const char *name;
    void (*make)(void);
} mistakes[] = {
    {"read_unlocked", read_unlocked},
    {"write_unlocked", write_unlocked},
    {"large_unlocked", large_unlocked},
    {"moved", moved},
    {"moved_under", moved_under},
    {"merged", merged},
    {"resized", resized},
    {"shrunk", shrunk},
    {"nested", nested},
    {"string_call", string_call},
    {"section_over", section_over},
    {"freed", freed},
    {"freed_and_reused", freed_and_reused},
    {"overrun", overrun},
    {"overrun_large", overrun_large},
    {"underrun", underrun},
    {"undefined", undefined},
    {"undefined_moved", undefined_moved},
    {"undefined_grown", undefined_grown},
    {"undefined_resized", undefined_resized},
    {"nobodys", nobodys},
    {"fine", fine},
    {"fine_hidden", fine_hidden},
    {"fine_gone", fine_gone},
    {"fine_half", fine_half},
};

int main(int argc, char **argv) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.threads =
        argc > 2 && strcmp(argv[2], "none") == 0 ? RM_THREADS_NONE : RM_THREADS_SAFE;
    NEED(rm_heap_create(&heap, &options));
    for (size_t i = 0; argc > 1 && i < sizeof(mistakes) / sizeof(*mistakes); i++)
        if (strcmp(argv[1], mistakes[i].name) == 0) {
            mistakes[i].make();
            return 0;
        }
    fprintf(stderr, "usage: mistakes NAME [none]\n");
    return 2;
}
