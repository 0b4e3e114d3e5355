/* SPDX-License-Identifier: MIT */
/*
 * Options of any value, regions of any place and size, and then calls with arguments of any value. What is
 * outside of its domain is refused and nothing has changed; nothing is written outside of the region.
 */
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>

#include "subject.h"

enum {
    ROOM = 65536,
    LARGE = 1 << 20,
    HELD_MOST = 32,
    CALLS_MOST = 200,
    HEAPS = 3,
    WAIT_NS = 20000
};

struct kept {
    rm_memory_t *handle;
    size_t size;
};

struct run {
    struct bytes in;
    rm_heap_t *heap;
    bool background;
    struct kept blocks[HELD_MOST];
    unsigned n, held;
};

/* --- what is to be refused --- */

static double share(struct bytes *in) {
    static const double odd[] = {0, 1, -0.0, 0.5, 1e-300, 1.0000001, -1, 2};
    uint8_t form = bytes_one(in);
    uint64_t word;
    double x;

    if (form < 200) return form / 199.0;
    if (form < 240) return odd[form % 8];
    word = bytes_word(in, 8);
    memcpy(&x, &word, sizeof(x));
    return form == 255 ? NAN : x;
}

static bool is_share(double x) { return x >= 0 && x <= 1; }

static bool is_valid(const rm_heap_options_t *o) {
    const rm_watermarks_t *w = &o->watermarks;
    unsigned threads = (unsigned)o->threads, compaction = (unsigned)o->compaction;

    return threads <= RM_THREADS_NONE && compaction <= RM_COMPACT_BACKGROUND &&
           (compaction != RM_COMPACT_BACKGROUND || threads == RM_THREADS_SAFE) &&
           is_share(w->fragmentation_low) && is_share(w->fragmentation_high) &&
           w->fragmentation_low <= w->fragmentation_high && w->free_low <= w->free_high;
}

/* A value that an option has, as a rule; written as bytes, since an enum has no other. */
static void choose(struct bytes *in, void *option, unsigned n) {
    uint8_t form = bytes_one(in);
    int value = form < 224 ? (int)(form % n) : (int)bytes_odd(in);

    memcpy(option, &value, sizeof(value));
}

/* --- making --- */

/* A region inside of the guarded one, or none, or one that no memory could be. */
static void place(struct bytes *in, rm_heap_options_t *o, const struct guarded *region) {
    uint8_t form = bytes_one(in);
    size_t begin = bytes_below(in, ROOM + 1), most = ROOM - begin;

    if (form < 160) {
        o->memory = region->memory + begin;
        o->size = bytes_below(in, most + 1);
        if (form < 80 && most >= 3500) /* around the least that will do */
            o->size = 3500 + bytes_below(in, most - 3500 < 600 ? most - 3500 + 1 : 600);
    } else if (form < 240) {
        o->size = (size_t)bytes_odd(in);
    } else {
        o->memory = (void *)(UINTPTR_MAX - bytes_below(in, 4096)); /* beyond the last */
        o->size = 4096 + (size_t)bytes_odd(in) % ROOM;
    }
}

/* What a heap is guarded by, as the environment says; a value that makes no sense is one as if it were not there. */
static void set_environment(struct bytes *in) {
    static const char *const names[] = {"RMALLOC_STRESS", "RMALLOC_FENCE",
                                        "RMALLOC_INTEGRITY", "RMALLOC_TOOLS"};
    static const char *const values[] = {"",    "0",  "1",        "2",     "7",
                                         "yes", "no", "onchange", "onall", "-1"};
    const unsigned n_values = sizeof(values) / sizeof(*values);
    uint8_t form = bytes_one(in);

    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        uint8_t value = form < 128 ? 255 : bytes_one(in); /* as a rule, none */
        char text[32] = "";
        for (size_t k = 0; value > 240 && value < 255 && k < sizeof(text) - 1; k++)
            text[k] = (char)bytes_one(in);
        if (value == 255)
            unsetenv(names[i]);
        else
            setenv(names[i], value > 240 ? text : values[value % n_values], 1);
    }
}

static bool open_heap(struct run *run, const struct guarded *region) {
    rm_heap_options_t o = RM_HEAP_OPTIONS_INIT;

    place(&run->in, &o, region);
    choose(&run->in, &o.threads, 2);
    choose(&run->in, &o.compaction, 4);
    if (bytes_one(&run->in) % 2 == 0) {
        o.watermarks.fragmentation_low = share(&run->in);
        o.watermarks.fragmentation_high = share(&run->in);
        o.watermarks.free_low = (size_t)bytes_odd(&run->in);
        o.watermarks.free_high = (size_t)bytes_odd(&run->in);
    }
    run->heap = (rm_heap_t *)(uintptr_t)1;
    FUZZ_HOLDS(rm_heap_create(NULL, &o) == RM_EINVAL);
    rm_status_t status = rm_heap_create(&run->heap, &o);
    FUZZ_HOLDS((status == RM_OK) == (run->heap != NULL));
    FUZZ_HOLDS((status == RM_EINVAL) == !is_valid(&o));
    if (status == RM_ENOMEM)
        FUZZ_HOLDS(o.memory != NULL ? o.size < RM_HEAP_SIZE_MIN ||
                                          (uintptr_t)o.memory > UINTPTR_MAX - o.size
                                    : o.size > 0 && o.size < 2 * RM_HEAP_SIZE_MIN * 4);
    if (status == RM_ESYSTEM) FUZZ_HOLDS(o.memory == NULL);
    run->background = o.compaction == RM_COMPACT_BACKGROUND;
    return status == RM_OK;
}

/* --- calls --- */

static struct kept *pick(struct run *run) {
    return &run->blocks[bytes_below(&run->in, run->n)];
}

static void fill(const struct kept *block) {
    void *pointer;

    FUZZ_HOLDS(rmlock(block->handle, &pointer) == RM_OK);
    if (block->size > 0) memset(pointer, 0x5c, block->size < ROOM ? block->size : ROOM);
    FUZZ_HOLDS(rmunlock(block->handle) == RM_OK);
}

/* To have it moved would take long. */
static void drop_large(struct run *run, struct kept *block) {
    if (block->size <= LARGE) return;
    FUZZ_HOLDS(rmfree(block->handle) == RM_OK);
    *block = run->blocks[--run->n];
}

static void alloc(struct run *run) {
    uint8_t form = bytes_one(&run->in);
    size_t size = form % 2 ? (size_t)bytes_odd(&run->in) : bytes_size(&run->in, ROOM);
    size_t alignment = form / 2 % 4 == 0 ? (size_t)bytes_odd(&run->in) : 0;
    unsigned flags = form / 8 % 4 == 0 ? (unsigned)bytes_odd(&run->in) : 0;
    bool valid = alignment <= RM_ALIGNMENT_MAX && (alignment & (alignment - 1)) == 0 &&
                 flags <= (RM_ZERO | RM_NO_COMPACT);
    rm_memory_t *handle = (rm_memory_t *)(uintptr_t)1;

    if (run->n == HELD_MOST) return;
    if (valid && (flags & RM_ZERO) && size > ROOM && size <= RM_BLOCK_MAX) size %= ROOM;
    rm_status_t status = rm_heap_alloc(run->heap, &handle, size, alignment, flags);
    FUZZ_HOLDS((status == RM_OK) == (handle != NULL));
    FUZZ_HOLDS((status == RM_EINVAL) == !valid);
    FUZZ_HOLDS(rm_heap_alloc(run->heap, NULL, size, alignment, flags) == RM_EINVAL);
    if (status != RM_OK) return;
    FUZZ_HOLDS(size <= RM_BLOCK_MAX);
    run->blocks[run->n++] = (struct kept){handle, size};
    fill(&run->blocks[run->n - 1]);
    drop_large(run, &run->blocks[run->n - 1]);
}

static void resize(struct run *run) {
    uint8_t form = bytes_one(&run->in);
    ssize_t size =
        form % 2 ? (ssize_t)bytes_odd(&run->in) : (ssize_t)bytes_size(&run->in, ROOM);
    size_t is;

    if (run->n == 0) return;
    struct kept *block = pick(run);
    rm_status_t status = rmrealloc(block->handle, size);
    FUZZ_HOLDS((status == RM_EINVAL) == (size < 0));
    if (status == RM_OK) block->size = (size_t)size;
    FUZZ_HOLDS(rmsize(block->handle, NULL) == RM_EINVAL);
    FUZZ_HOLDS(rmsize(block->handle, &is) == RM_OK && is == block->size);
    fill(block);
    drop_large(run, block);
}

static void free_one(struct run *run) {
    if (run->n == 0) return;
    struct kept *block = pick(run);
    FUZZ_HOLDS(rmfree(block->handle) == RM_OK);
    *block = run->blocks[--run->n];
}

/* The deadline of an idle moment: long past, or so soon that it is no matter. */
static void compact(struct run *run) {
    rm_budget_t budget = {(size_t)bytes_odd(&run->in), bytes_odd(&run->in)};
    rm_progress_t progress;
    size_t size;

    if (run->held > 0 || run->background) budget.nanoseconds %= WAIT_NS;
    FUZZ_HOLDS(rm_heap_compact(run->heap, &budget, &progress) == RM_OK);
    if (budget.bytes > 0 && budget.bytes < SIZE_MAX / 2)
        FUZZ_HOLDS(progress.moved <= budget.bytes + 65536);
    rm_heap_idle(run->heap, bytes_odd(&run->in));
    FUZZ_HOLDS(rm_heap_trim(run->heap) == RM_OK);
    FUZZ_HOLDS(rm_heap_largest(run->heap, true, NULL) == RM_EINVAL);
    FUZZ_HOLDS(rm_heap_largest(run->heap, bytes_one(&run->in) % 2, &size) == RM_OK);
}

/* No heap, or, if chance has it, one that there is; and no handle. */
static void forged(struct run *run) {
    rm_heap_t *heap = (rm_heap_t *)(uintptr_t)bytes_odd(&run->in);
    uintptr_t bits = (uintptr_t)bytes_odd(&run->in);
    rm_memory_t *handle = (rm_memory_t *)bits, *made = handle;
    rm_stats_t stats;
    void *pointer;

    for (unsigned i = 0; i < run->n; i++)
        if (run->blocks[i].handle == handle) return;
    FUZZ_HOLDS(rmlock(handle, &pointer) == RM_EHANDLE);
    FUZZ_HOLDS(rmlock(handle, NULL) == RM_EINVAL && rmpeek(handle, NULL) == RM_EINVAL);
    FUZZ_HOLDS(rmunlock(handle) == RM_EHANDLE);
    FUZZ_HOLDS(rmrealloc(handle, 1) == RM_EHANDLE);
    FUZZ_HOLDS(handle == NULL || rmfree(handle) == RM_EHANDLE);
    if (heap == NULL || heap == run->heap) return;
    FUZZ_HOLDS(rm_heap_stats(heap, &stats) == RM_EINVAL);
    FUZZ_HOLDS(rm_heap_alloc(heap, &made, 8, 0, 0) == RM_EINVAL && made == NULL);
    FUZZ_HOLDS(rm_heap_hold(heap) == RM_EINVAL && rm_heap_destroy(heap) == RM_EINVAL);
    FUZZ_HOLDS(rm_heap_check(heap, NULL) == RM_EINVAL && rm_heap_idle(heap, 0) == 0);
}

static void sections(struct run *run) {
    uint8_t form = bytes_one(&run->in);
    rm_status_t wanted = run->background ? RM_OK : RM_EINVAL;

    if (form % 4 == 0 && run->held < 9) {
        FUZZ_HOLDS(rm_heap_hold(run->heap) == RM_OK);
        run->held++;
    } else if (form % 4 == 1) {
        FUZZ_HOLDS(rm_heap_release(run->heap) == (run->held ? RM_OK : RM_EUNLOCKED));
        if (run->held > 0) run->held--;
    } else if (form % 4 == 2) {
        FUZZ_HOLDS(rm_heap_pause(run->heap) == wanted);
        FUZZ_HOLDS(rm_heap_resume(run->heap) == wanted);
    } else {
        FUZZ_HOLDS(rm_heap_check(run->heap, NULL) == RM_OK);
        FUZZ_HOLDS(rm_heap_walk(run->heap, NULL, NULL) == RM_EINVAL);
        FUZZ_HOLDS(rm_heap_stats(run->heap, NULL) == RM_EINVAL);
    }
}

static void use(struct run *run) {
    static void (*const calls[])(struct run *) = {alloc,    alloc,   alloc,  resize,
                                                  free_one, compact, forged, sections};
    rm_stats_t stats;

    for (unsigned i = 0; i < CALLS_MOST && bytes_one(&run->in) != 0; i++)
        calls[bytes_one(&run->in) % 8](run);
    while (run->held > 0) {
        FUZZ_HOLDS(rm_heap_release(run->heap) == RM_OK);
        run->held--;
    }
    FUZZ_HOLDS(rm_heap_check(run->heap, NULL) == RM_OK);
    FUZZ_HOLDS(rm_heap_stats(run->heap, &stats) == RM_OK);
    FUZZ_HOLDS(stats.live_blocks == run->n);
    FUZZ_HOLDS(rm_heap_destroy(run->heap) == RM_OK);
    FUZZ_HOLDS(rm_heap_destroy(run->heap) == RM_EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct run run;
    struct guarded region;

    subject_between();
    guarded_init(&region, ROOM, GUARDED_HIGH, 0);
    run.in = (struct bytes){data, data + size};
    for (unsigned i = 0; i < HEAPS && !bytes_ended(&run.in); i++) {
        run = (struct run){.in = run.in};
        set_environment(&run.in);
        if (open_heap(&run, &region)) use(&run);
    }
    subject_sound(guarded_fault(&region));
    guarded_finish(&region);
    return 0;
}
