/* SPDX-License-Identifier: MIT */
/*
 * The bytes are a program of calls on one heap of any kind, each held against a naive model: what must be
 * granted, what must be refused, where a block must be, what must be in it.
 *
 *      KIND:2 bytes  LOOKS:1 byte  (CALL:1 byte  what it needs)...
 *
 * Between looks at the whole heap some calls go by: to look makes everything that rests, and what threads
 * keep, free again.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "picture.h"
#include "subject.h"

enum { GRAVES = 64, STEPS_MOST = 1000, BLOCKS_MOST = 500, BYTES_MOST = 2 << 20 };

struct run {
    struct subject of;
    struct bytes in;
    unsigned looks, step;
    unsigned held;               /* read sections that are open */
    rm_memory_t *graves[GRAVES]; /* stale handles */
    unsigned n_graves;
    size_t filled; /* bytes of content written: what takes long is given up */
};

static bool may_move(const struct run *run, unsigned flags) {
    return run->of.options.compaction != RM_COMPACT_MANUAL &&
           (flags & RM_NO_COMPACT) == 0 && run->held == 0;
}

static size_t pick(struct run *run) { return bytes_below(&run->in, run->of.book.n); }

static size_t moved(const struct run *run) {
    rm_stats_t stats;

    FUZZ_HOLDS(rm_heap_stats_quick(run->of.book.heap, &stats) == RM_OK);
    return stats.moved;
}

/* --- blocks --- */

/* A request at the edge of what is said to be possible. */
static void alloc_largest(struct run *run, unsigned flags) {
    struct book *book = &run->of.book;
    bool moves = may_move(run, flags);
    bool exact = run->of.fixed && (!moves || (book->n_locked == 0 && book->aligned == 0));
    size_t largest, more = bytes_one(&run->in) % 3 * (size_t)16;

    if (run->held > 0) flags |= RM_NO_COMPACT;
    FUZZ_HOLDS(rm_heap_largest(book->heap, moves, &largest) == RM_OK);
    if (largest == 0 || largest > run->of.most) return;
    rm_status_t status = book_alloc(book, largest + more, 0, flags);
    FUZZ_HOLDS(status == RM_OK || (more > 0 && status == RM_ENOMEM));
    if (exact && more > 0) FUZZ_HOLDS(status == RM_ENOMEM);
    run->filled += largest;
}

static void alloc(struct run *run) {
    struct book *book = &run->of.book;
    uint8_t form = bytes_one(&run->in);
    unsigned flags = form % 4;
    size_t size = bytes_size(&run->in, run->of.most), asked = 0;
    size_t before = may_move(run, flags) ? 0 : moved(run);

    if (book->n == BLOCKS_MOST) return;
    if (form / 4 % 8 == 7) {
        alloc_largest(run, flags);
        return;
    }
    if (form / 4 % 8 == 6) asked = (size_t)1 << bytes_one(&run->in) % 13;
    rm_status_t status = book_alloc(book, size, asked, flags);
    run->filled += size;
    FUZZ_HOLDS(status == RM_OK || status == RM_ENOMEM);
    if (!may_move(run, flags)) FUZZ_HOLDS(moved(run) == before);
    if (status == RM_OK || !may_move(run, flags) || !run->of.fixed || book->n_locked > 0)
        return;
    rm_stats_t stats; /* no false want of memory */
    FUZZ_HOLDS(rm_heap_stats_quick(book->heap, &stats) == RM_OK);
    FUZZ_HOLDS(stats.free < block_need(size, asked) + handle_need(book) + book->aligned);
}

static void free_one(struct run *run) {
    struct book *book = &run->of.book;
    size_t i = pick(run);

    if (book->n == 0) return;
    rm_memory_t *handle = book->blocks[i].handle;
    bool locked = book->blocks[i].locks > 0;
    FUZZ_HOLDS(book_free(book, i) == (locked ? RM_ELOCKED : RM_OK));
    if (!locked) run->graves[run->n_graves++ % GRAVES] = handle;
}

static void free_some(struct run *run) {
    size_t n = bytes_one(&run->in), every = 1 + bytes_one(&run->in) % 4;

    for (size_t i = run->of.book.n; i-- > 0 && n > 0; n--)
        if (i % every == 0 && run->of.book.blocks[i].locks == 0)
            FUZZ_HOLDS(book_free(&run->of.book, i) == RM_OK);
}

static size_t another_size(struct run *run, size_t old) {
    uint8_t form = bytes_one(&run->in);

    switch (form % 4) {
    case 0: return old + form / 4 % 40;
    case 1: return old - (old < form / 4 ? old : form / 4);
    case 2: return old / 2;
    default: return bytes_size(&run->in, run->of.most);
    }
}

static void resize(struct run *run) {
    struct book *book = &run->of.book;
    size_t i = pick(run);

    if (book->n == 0) return;
    size_t old = book->blocks[i].size, size = another_size(run, old);
    bool fast = book->blocks[i].locks > 0 || run->held > 0;
    const unsigned char *at = book_address(book, i);
    rm_status_t status = book_resize(book, i, size);
    run->filled += size;
    if (status != RM_OK) {
        FUZZ_HOLDS(size > old);
        FUZZ_HOLDS(status == (fast ? RM_ELOCKED : RM_ENOMEM));
    }
    if (size <= old || (fast && status == RM_OK))
        FUZZ_HOLDS(book_address(book, i) == at); /* it keeps its place */
}

/* --- locks --- */

static void lock(struct run *run) {
    struct book *book = &run->of.book;
    size_t i = pick(run);
    uint8_t form = bytes_one(&run->in);
    unsigned n = form < 224 ? 1 : form * 8u;

    if (book->n == 0) return;
    while (n-- > 0 && book->blocks[i].locks < RM_LOCKS_MAX)
        FUZZ_HOLDS(book_lock(book, i) == RM_OK);
    if (book->blocks[i].locks < RM_LOCKS_MAX) return;
    FUZZ_HOLDS(book_lock(book, i) == RM_EOVERFLOW);
    FUZZ_HOLDS(book_unlock(book, i) == RM_OK); /* so that it can be looked at */
}

static void unlock(struct run *run) {
    struct book *book = &run->of.book;
    size_t i = pick(run);
    unsigned n = bytes_one(&run->in) % 8 == 7 ? RM_LOCKS_MAX : 1;

    if (book->n == 0) return;
    for (; n > 0; n--) {
        bool locked = book->blocks[i].locks > 0;
        FUZZ_HOLDS(book_unlock(book, i) == (locked ? RM_OK : RM_EUNLOCKED));
        if (!locked) return;
    }
}

static void hold(struct run *run) {
    struct book *book = &run->of.book;
    size_t i = pick(run);
    void *pointer = NULL;

    if (run->held < 5) {
        FUZZ_HOLDS(rm_heap_hold(book->heap) == RM_OK);
        run->held++;
    }
    if (book->n == 0) return;
    FUZZ_HOLDS(rmpeek(book->blocks[i].handle, &pointer) == RM_OK);
    FUZZ_HOLDS(pointer == book_address(book, i));
    subject_sound(content_fault(pointer, book->blocks[i].size, book->blocks[i].seed));
}

static void release(struct run *run) {
    bool any = run->held > 0;

    FUZZ_HOLDS(rm_heap_release(run->of.book.heap) == (any ? RM_OK : RM_EUNLOCKED));
    run->held -= any;
}

static void refuse(rm_memory_t *handle) {
    size_t size = 77;
    unsigned locks = 77;
    rm_heap_t *heap = NULL;
    void *pointer = &size;

    FUZZ_HOLDS(rmlock(handle, &pointer) == RM_EHANDLE && pointer == &size);
    FUZZ_HOLDS(rmunlock(handle) == RM_EHANDLE);
    FUZZ_HOLDS(rmpeek(handle, &pointer) == RM_EHANDLE && pointer == &size);
    FUZZ_HOLDS(rmsize(handle, &size) == RM_EHANDLE && size == 77);
    FUZZ_HOLDS(rmlocks(handle, &locks) == RM_EHANDLE && locks == 77);
    FUZZ_HOLDS(rmheap(handle, &heap) == RM_EHANDLE && heap == NULL);
    FUZZ_HOLDS(rmrealloc(handle, 64) == RM_EHANDLE);
    FUZZ_HOLDS(rmfree(handle) == (handle == NULL ? RM_OK : RM_EHANDLE));
}

/* Stale, and one that differs from a live one in some bit. */
static void stale(struct run *run) {
    struct book *book = &run->of.book;
    unsigned n = run->n_graves < GRAVES ? run->n_graves : GRAVES;
    size_t i = pick(run);

    if (n > 0) refuse(run->graves[bytes_one(&run->in) % n]);
    if (book->n == 0) return;
    uintptr_t bits = (uintptr_t)book->blocks[i].handle ^ (uintptr_t)1
                                                             << bytes_one(&run->in) % 64;
    for (size_t k = 0; k < book->n; k++)
        if ((uintptr_t)book->blocks[k].handle == bits) return;
    refuse((rm_memory_t *)bits);
}

/* --- the heap --- */

static void compact(struct run *run) {
    struct book *book = &run->of.book;
    uint8_t form = bytes_one(&run->in);
    rm_budget_t budget = {0, 0};
    rm_progress_t progress = {0, 0, 0, false};
    size_t before = moved(run);

    if (form % 4 == 1) budget.bytes = 1 + bytes_size(&run->in, run->of.most);
    if (form % 4 == 2) budget.bytes = 1 + form;
    if (form % 4 == 3) budget.nanoseconds = 1; /* any more depends on the machine */
    FUZZ_HOLDS(rm_heap_compact(book->heap, form % 4 ? &budget : NULL, &progress) ==
               RM_OK);
    FUZZ_HOLDS(progress.moved == moved(run) - before);
    if (budget.bytes > 0) FUZZ_HOLDS(progress.moved <= budget.bytes + 65536);
    if (run->held > 0) FUZZ_HOLDS(progress.moved == 0 && !progress.complete);
    if (form % 4 == 0 && run->held == 0) FUZZ_HOLDS(progress.complete);
    if (progress.complete)
        subject_sound(heap_complete_fault(book->heap, subject_alignment(&run->of)));
}

static bool stop_at_once(const rm_span_t *span, void *context) {
    FUZZ_HOLDS(span->offset == 0);
    ++*(unsigned *)context;
    return false;
}

static void other(struct run *run) {
    struct book *book = &run->of.book;
    unsigned n_visits = 0;
    size_t before, size;
    rm_memory_t *none = (rm_memory_t *)(uintptr_t)1;

    switch (bytes_one(&run->in) % 8) {
    case 0: FUZZ_HOLDS(rm_heap_trim(book->heap) == RM_OK); break;
    case 1:
        before = moved(run);
        rm_heap_idle(book->heap, bytes_one(&run->in) % 2 ? UINT64_MAX : 0);
        if (run->held > 0) FUZZ_HOLDS(moved(run) == before);
        break;
    case 2:
        FUZZ_HOLDS(rm_heap_walk(book->heap, stop_at_once, &n_visits) == RM_OK);
        FUZZ_HOLDS(n_visits == 1);
        break;
    case 3: subject_verify(&run->of); break;
    case 4:
        FUZZ_HOLDS(rm_heap_alloc(book->heap, &none, 8, 3 + bytes_one(&run->in) / 64, 0) !=
                       RM_OK ||
                   rmfree(none) == RM_OK);
        FUZZ_HOLDS(rm_heap_alloc(book->heap, &none, 8, 8192, 0) == RM_EINVAL && !none);
        FUZZ_HOLDS(rm_heap_alloc(book->heap, &none, 8, 0, 4) == RM_EINVAL && !none);
        FUZZ_HOLDS(rm_heap_alloc(book->heap, &none, RM_BLOCK_MAX + 1, 0, 0) == RM_ENOMEM);
        book->n_failed++;
        break;
    case 5: FUZZ_HOLDS(rm_heap_pause(book->heap) == RM_EINVAL); break;
    case 6: FUZZ_HOLDS(rm_heap_largest(book->heap, true, &size) == RM_OK); break;
    default:
        if (run->held > 0) break;
        subject_renew(&run->of);
        run->n_graves = 0;
    }
}

static void look(struct run *run) {
    struct book *book = &run->of.book;
    rm_stats_t stats;

    FUZZ_HOLDS(rm_heap_stats(book->heap, &stats) == RM_OK);
    FUZZ_HOLDS(stats.live_blocks == book->n && stats.requested == book->requested);
    FUZZ_HOLDS(stats.locked_blocks == book->n_locked);
    FUZZ_HOLDS(stats.allocations >= book->n_allocated && stats.frees >= book->n_freed);
    FUZZ_HOLDS(rm_heap_check(book->heap, NULL) == RM_OK);
    if (book->n > 0) subject_sound(book_verify_one(book, run->step % book->n));
}

static void call(struct run *run) {
    static void (*const calls[])(struct run *) = {
        alloc,  alloc, alloc,  alloc,   free_one, free_one, free_some, resize,
        resize, lock,  unlock, compact, hold,     release,  stale,     other};

    calls[bytes_one(&run->in) % 16](run);
    subject_sound(run->of.book.wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct run run;

    subject_between();
    run = (struct run){.in = {data, data + size}};
    subject_open(&run.of, &run.in, SUBJECT_QUIET);
    run.looks = 1u << bytes_one(&run.in) % 12;
    while (!bytes_ended(&run.in) && run.step++ < STEPS_MOST && run.filled < BYTES_MOST) {
        call(&run);
        if (run.step % run.looks == 0) look(&run);
    }
    while (run.held > 0) release(&run);
    subject_close(&run.of);
    return 0;
}
