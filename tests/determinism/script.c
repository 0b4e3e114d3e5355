/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "content.h"
#include "image.h"
#include "look.h"

enum { LOOK_EVERY = 256, PHASE = 300 };

static void trail(struct script *s, uint64_t value) {
    s->trail = image_mix(s->trail, value);
}

static void say(struct script *s, rm_status_t status) { trail(s, (uint64_t)status); }

void script_begin(struct script *s, rm_heap_t *heap, uint64_t seed, unsigned how) {
    memset(s, 0, sizeof(*s));
    s->heap = heap;
    s->rng.state = seed;
    s->how = how;
}

/* ---------------------------------------------------------------------- content */

static void fill(struct script *s, size_t i, void *at, size_t size) {
    s->contents[i] = ++s->n_filled;
    content_fill(at, size, s->contents[i]);
}

static void prove(struct script *s, size_t i, const void *at, size_t filled,
                  size_t size) {
    if (!content_holds(at, filled, size, s->contents[i])) s->n_lost++;
}

static void tell_place(struct script *s, const void *at) {
    uintptr_t offset = (uintptr_t)at - image_base(s->heap);
    trail(s, s->how & SCRIPT_NOWHERE ? offset % 8 : offset);
}

/* ------------------------------------------------------------------------ calls */

/* Where a block is, and what is in it; now and then that is changed. */
static void visit(struct script *s, size_t i) {
    void *at = NULL;
    size_t size = 0;

    if (rmlock(s->blocks[i], &at) != RM_OK) {
        trail(s, 77);
        return;
    }
    tell_place(s, at);
    say(s, rmsize(s->blocks[i], &size));
    trail(s, size);
    prove(s, i, at, size, size);
    if (s->n_visits++ % 8 == 0) fill(s, i, at, size);
    say(s, rmunlock(s->blocks[i]));
}

static void make(struct script *s, size_t i, size_t size, size_t alignment,
                 unsigned flags) {
    rm_status_t status = rm_heap_alloc(s->heap, &s->blocks[i], size, alignment, flags);
    void *at;

    s->locks[i] = 0;
    trail(s, size * 16 + status);
    if (status != RM_OK || rmlock(s->blocks[i], &at) != RM_OK) return;
    tell_place(s, at);
    if ((flags & RM_ZERO) != 0 && !content_zero(at, size)) s->n_lost++;
    fill(s, i, at, size);
    say(s, rmunlock(s->blocks[i]));
}

/* What was asked to change may be locked, and full. */
static void resize(struct script *s, size_t i, size_t size) {
    size_t before = 0, after = 0, n = 0;
    unsigned locks = 0;
    rm_status_t status, locked;
    void *at;

    (void)rmsize(s->blocks[i], &before);
    status = rmrealloc(s->blocks[i], (ssize_t)size);
    say(s, status);
    say(s, rmsize(s->blocks[i], &after));
    say(s, rmlocks(s->blocks[i], &locks));
    trail(s, after * 2048 + locks);
    locked = rmlock(s->blocks[i], &at);
    say(s, locked);
    if (locked != RM_OK && rmpeek(s->blocks[i], &at) != RM_OK) return;
    tell_place(s, at);
    n = before < after ? before : after;
    prove(s, i, at, before, n);
    if (status == RM_OK) fill(s, i, at, after);
    if (locked == RM_OK) say(s, rmunlock(s->blocks[i]));
}

static void end(struct script *s, size_t i) {
    while (s->locks[i] > 0) {
        say(s, rmunlock(s->blocks[i]));
        s->locks[i]--;
    }
    say(s, rmfree(s->blocks[i]));
    s->stale = s->blocks[i];
    s->blocks[i] = NULL;
}

static void compact(struct script *s, size_t bytes) {
    rm_budget_t budget = {bytes, 0};
    rm_progress_t progress = {0, 0, 0, false};

    say(s, rm_heap_compact(s->heap, &budget, &progress));
    trail(s, progress.moved);
    trail(s, progress.moved_blocks * 2 + progress.complete);
}

static void idle(struct script *s) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    /* So long that nothing depends on how fast the machine is. */
    (void)rm_heap_idle(s->heap, ((uint64_t)now.tv_sec + 1000) * 1000000000u);
}

/* This ends what rests, so it is not done all the time. */
static void look(struct script *s) {
    if (s->how & SCRIPT_VIEWED) s->trail = look_view(s->trail, s->heap);
    s->trail = look_own(s->trail, s->heap);
}

/* What is the largest request is one: no less, no more. */
static void try_largest(struct script *s, bool after_compaction) {
    rm_memory_t *one = NULL;
    unsigned flags = after_compaction ? 0 : RM_NO_COMPACT;
    size_t size = 0;

    if (!(s->how & SCRIPT_CLOSED)) return;
    say(s, rm_heap_largest(s->heap, after_compaction, &size));
    trail(s, size);
    if (size == 0) return;
    if (!after_compaction)
        say(s, rm_heap_alloc(s->heap, &one, size + 16, 0, RM_NO_COMPACT));
    if (one == NULL) say(s, rm_heap_alloc(s->heap, &one, size, 0, flags));
    say(s, rmfree(one));
}

/* What must be refused is, and nothing has changed. */
static void err(struct script *s, size_t i) {
    rm_memory_t *none;
    void *at = NULL;
    size_t size;
    unsigned locks;
    rm_heap_t *heap = NULL;

    say(s, rmlock(s->stale, &at));
    say(s, rmpeek(s->stale, &at));
    say(s, rmunlock(s->stale));
    say(s, rmsize(s->stale, &size));
    say(s, rmlocks(s->stale, &locks));
    say(s, rmrealloc(s->stale, 10));
    if (s->stale != NULL) say(s, rmfree(s->stale));
    say(s, rm_heap_alloc(s->heap, &none, 10, 3, 0));
    say(s, rm_heap_alloc(s->heap, &none, 10, 0, 4));
    say(s, rm_heap_alloc(s->heap, &none, RM_BLOCK_MAX + 1, 0, 0));
    say(s, rm_heap_release(s->heap));
    if (i == SIZE_MAX) return;
    say(s, rmheap(s->blocks[i], &heap));
    trail(s, heap == s->heap);
    if (s->locks[i] == 0) say(s, rmunlock(s->blocks[i]));
    if (s->locks[i] > 0) say(s, rmfree(s->blocks[i]));
}

/* As many locks as there can be; then a few, or none. */
static void lock_to_the_limit(struct script *s, size_t i) {
    unsigned left = (unsigned)rng_below(&s->rng, 12), locks = 0;
    rm_status_t status = RM_OK;
    void *at;

    if (s->how & SCRIPT_SLOW) return;
    while (status == RM_OK && (status = rmlock(s->blocks[i], &at)) == RM_OK)
        s->locks[i]++;
    say(s, status);
    tell_place(s, at);
    say(s, rmlocks(s->blocks[i], &locks));
    trail(s, locks);
    resize(s, i, s->n_filled % 64);
    for (; s->locks[i] > left; s->locks[i]--) (void)rmunlock(s->blocks[i]);
    say(s, rmlocks(s->blocks[i], &locks));
    trail(s, locks);
}

/* ----------------------------------------------------------------- a random script */

/* A number that has a block, or SIZE_MAX. */
static size_t some(struct script *s) {
    for (unsigned tries = 0; tries < 8 && s->n > 0; tries++) {
        size_t i = (size_t)rng_below(&s->rng, s->n);

        if (s->blocks[i] != NULL) return i;
    }
    return SIZE_MAX;
}

static void allocate(struct script *s, enum shape shape, size_t most) {
    size_t size = rng_size(&s->rng, shape, most), alignment = 0, i = s->n;
    uint64_t dice = rng_below(&s->rng, 100);

    if (s->n > 64 && dice < 70) /* numbers are used again, so that the books stay short */
        for (i = (size_t)rng_below(&s->rng, s->n); i < s->n && s->blocks[i] != NULL;) i++;
    if (i == BLOCKS_MOST) return;
    if (i == s->n) s->n++;
    if (dice % 16 == 0) alignment = (size_t)1 << rng_below(&s->rng, most < 4096 ? 7 : 12);
    make(s, i, size, alignment,
         dice % 25 == 1   ? RM_ZERO
         : dice % 25 == 2 ? RM_NO_COMPACT
                          : 0);
}

static void use(struct script *s, size_t i, uint64_t dice, enum shape shape,
                size_t most) {
    size_t size = 0;
    void *at = NULL;

    if (dice < 3) {
        (void)rmsize(s->blocks[i], &size);
        size = dice == 0   ? size / 2
               : dice == 1 ? size + size / 8 + 16
                           : rng_size(&s->rng, shape, most);
        resize(s, i, size);
    } else if (dice < 6) {
        if (s->locks[i] < 9 && rmlock(s->blocks[i], &at) == RM_OK) s->locks[i]++;
    } else if (s->locks[i] > 0) {
        say(s, rmunlock(s->blocks[i]));
        s->locks[i]--;
    } else {
        visit(s, i);
    }
}

/* Nothing moves while the heap is held. */
static void hold(struct script *s, enum shape shape, size_t most) {
    void *at = NULL;
    size_t size = 0;
    bool twice = s->n_filled % 2 == 0;

    say(s, rm_heap_hold(s->heap));
    if (twice) say(s, rm_heap_hold(s->heap));
    for (unsigned k = 0; k < 5; k++) {
        size_t i = some(s);

        allocate(s, shape, most);
        if (i == SIZE_MAX || rmpeek(s->blocks[i], &at) != RM_OK) continue;
        tell_place(s, at);
        (void)rmsize(s->blocks[i], &size);
        prove(s, i, at, size, size);
        use(s, i, k % 3, shape, most);
    }
    compact(s, most);
    say(s, rm_heap_release(s->heap));
    if (twice) say(s, rm_heap_release(s->heap));
}

static void seldom(struct script *s, uint64_t dice, enum shape shape, size_t most) {
    size_t i;

    switch (dice) {
    case 0: compact(s, 0); break;
    case 1: say(s, rm_heap_trim(s->heap)); break;
    case 2: idle(s); break;
    case 3: look(s); break;
    case 4:
        for (i = 0; i < s->n; i++)
            if (s->blocks[i] != NULL && s->locks[i] > 0) use(s, i, 9, SHAPE_SMALL, most);
        break;
    case 5: hold(s, shape, most); break;
    case 6: try_largest(s, false); break;
    case 7: try_largest(s, true); break;
    case 8: err(s, some(s)); break;
    case 9:
        compact(s, rng_below(&s->rng, 3) == 0 ? 1 : rng_size(&s->rng, SHAPE_LOG, most));
        break;
    case 10:
        if ((i = some(s)) != SIZE_MAX) lock_to_the_limit(s, i);
        break;
    case 11:
        for (i = 0; i < s->n; i++)
            if (s->blocks[i] != NULL && i % 3 == 0) visit(s, i);
        break;
    default: compact(s, rng_between(&s->rng, 1, 2 * most)); break;
    }
}

void script_some(struct script *s, enum shape shape, size_t most, unsigned steps) {
    for (unsigned last = s->step + steps; s->step < last; s->step++) {
        unsigned step = s->step;
        bool shrinks = step / PHASE % 3 == 2;
        uint64_t dice = rng_below(&s->rng, 100);
        size_t i = some(s);

        if (dice < 4)
            seldom(s, rng_below(&s->rng, 20), shape, most);
        else if (i == SIZE_MAX || dice < (shrinks ? 20 : 50))
            allocate(s, shape, most);
        else if (dice < 80)
            end(s, i);
        else
            use(s, i, rng_below(&s->rng, 10), shape, most);
        if (step % LOOK_EVERY == LOOK_EVERY - 1) look(s);
    }
}

void script_finish(struct script *s) {
    look(s);
    script_end(s);
    look(s);
}

void script_random(struct script *s, enum shape shape, size_t most, unsigned steps) {
    script_some(s, shape, most, steps);
    script_finish(s);
}

/* ------------------------------------------------------------------------- others */

void script_tide(struct script *s) {
    enum { LARGE = 200, PAIRS = 450000 };

    for (size_t i = 0; i < LARGE; i++) make(s, i, 20000 + 37 * i, 0, 0);
    s->n = LARGE + 40;
    for (size_t i = 0; i < LARGE; i++)
        if (i % 20 != 0) end(s, i);
    for (size_t i = 0; i < PAIRS; i++) {
        size_t at = LARGE + i % 40;

        if (s->blocks[at] != NULL) (void)rmfree(s->blocks[at]);
        (void)rm_heap_alloc(s->heap, &s->blocks[at], 16 + i % 300, 0, 0);
        if (i % 50000 == 0) {
            rm_stats_t stats;

            if (rm_heap_stats_quick(s->heap, &stats) == RM_OK) trail(s, stats.capacity);
        }
    }
    for (size_t size = 100000; size < 1500000; size += size / 4) {
        make(s, LARGE - 1, size, 0, 0);
        end(s, LARGE - 1);
    }
    look(s);
    script_end(s);
    look(s);
}

void script_waves(struct script *s) {
    enum { EACH = 130, STEP = 130, LARGEST = 4200, KEPT = 7 };

    for (unsigned wave = 0; wave < 4; wave++) {
        for (size_t size = 1; size < LARGEST; size += STEP)
            for (size_t k = 0; k < EACH; k++, s->n++)
                make(s, s->n, size + k % 2 * wave, 0, 0);
        for (size_t k = 0; k < s->n; k++)
            if (s->blocks[k] != NULL && (wave != 1 || k % KEPT != 0)) end(s, k);
        if (wave != 2) look(s);
        if (wave % 2 == 1) compact(s, 0);
    }
    script_finish(s);
}

bool script_trace(struct script *s, const char *name) {
    FILE *file = fopen(name, "r");
    char line[300];
    bool fine = file != NULL;
    unsigned long events = 0;

    while (fine && fgets(line, sizeof(line), file) != NULL) {
        size_t back = 0, size = 0;

        if (line[0] == '#' || line[0] == 't') continue;
        if (sscanf(line + 1, "%zu %zu", &back, &size) < 1) fine = false;
        if (line[0] == 'a' || line[0] == 'z') {
            fine = fine && s->n < BLOCKS_MOST;
            if (fine) make(s, s->n++, back, 0, 0);
        } else if (fine && back < s->n && s->blocks[s->n - 1 - back] != NULL) {
            if (line[0] == 'r')
                resize(s, s->n - 1 - back, size);
            else
                end(s, s->n - 1 - back);
        }
        if (++events % 100 == 0) compact(s, 65536);
        if (events % 20000 == 0) look(s);
    }
    if (file != NULL) fclose(file);
    look(s);
    return fine && events > 0;
}

void script_end(struct script *s) {
    for (size_t i = 0; i < s->n; i++)
        if (s->blocks[i] != NULL) end(s, i);
}
