/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "image.h"

enum { LOOK_EVERY = 256, PHASE = 300 };

static void trail(struct script *s, uint64_t value) {
    s->trail = image_mix(s->trail, value);
}

void script_begin(struct script *s, rm_heap_t *heap, uint64_t seed) {
    memset(s, 0, sizeof(*s));
    s->heap = heap;
    s->rng.state = seed;
}

/* ------------------------------------------------------------------------ calls */

/* Where a block is; a word in it is changed. */
static void visit(struct script *s, size_t i) {
    void *at = NULL;
    size_t size = 0;

    if (rmlock(s->blocks[i], &at) != RM_OK) {
        trail(s, 77);
        return;
    }
    trail(s, (uintptr_t)at - image_base(s->heap));
    if (rmsize(s->blocks[i], &size) == RM_OK && size >= 8) memcpy(at, &i, 8);
    trail(s, (uint64_t)rmunlock(s->blocks[i]));
}

static void make(struct script *s, size_t i, size_t size, size_t alignment,
                 unsigned flags) {
    rm_status_t status = rm_heap_alloc(s->heap, &s->blocks[i], size, alignment, flags);

    s->locks[i] = 0;
    trail(s, size * 16 + status);
    if (status == RM_OK) visit(s, i);
}

static void end(struct script *s, size_t i) {
    while (s->locks[i] > 0) {
        trail(s, (uint64_t)rmunlock(s->blocks[i]));
        s->locks[i]--;
    }
    trail(s, (uint64_t)rmfree(s->blocks[i]));
    s->blocks[i] = NULL;
}

static void compact(struct script *s, size_t bytes) {
    rm_budget_t budget = {bytes, 0};
    rm_progress_t progress = {0, 0, 0, false};

    trail(s, (uint64_t)rm_heap_compact(s->heap, &budget, &progress));
    trail(s, progress.moved);
    trail(s, progress.moved_blocks * 2 + progress.complete);
}

static void idle(struct script *s) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    /* So long that nothing depends on how fast the machine is. */
    (void)rm_heap_idle(s->heap, ((uint64_t)now.tv_sec + 1000) * 1000000000u);
}

/* Metrics and spans. This ends what rests, so it is not done all the time. */
static void look(struct script *s) {
    rm_stats_t stats;
    size_t now = 0, then = 0;

    if (rm_heap_stats(s->heap, &stats) != RM_OK) trail(s, 78);
    trail(s, stats.moved);
    trail(s, stats.used);
    trail(s, stats.free_spans);
    trail(s, stats.largest_free);
    trail(s, stats.extent);
    trail(s, image_picture(s->heap));
    if (rm_heap_largest(s->heap, false, &now) != RM_OK ||
        rm_heap_largest(s->heap, true, &then) != RM_OK)
        trail(s, 79);
    trail(s, now);
    trail(s, then);
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
        trail(s, (uint64_t)rmrealloc(s->blocks[i], (ssize_t)size));
        visit(s, i);
    } else if (dice < 6) {
        if (s->locks[i] < 9 && rmlock(s->blocks[i], &at) == RM_OK) s->locks[i]++;
    } else if (s->locks[i] > 0) {
        trail(s, (uint64_t)rmunlock(s->blocks[i]));
        s->locks[i]--;
    } else {
        visit(s, i);
    }
}

/* Nothing moves while the heap is held. */
static void hold(struct script *s, enum shape shape, size_t most) {
    void *at = NULL;

    trail(s, (uint64_t)rm_heap_hold(s->heap));
    for (unsigned k = 0; k < 5; k++) {
        size_t i = some(s);

        allocate(s, shape, most);
        if (i == SIZE_MAX || rmpeek(s->blocks[i], &at) != RM_OK) continue;
        trail(s, (uintptr_t)at - image_base(s->heap));
        use(s, i, k % 3, shape, most);
    }
    compact(s, most);
    trail(s, (uint64_t)rm_heap_release(s->heap));
}

static void seldom(struct script *s, uint64_t dice, enum shape shape, size_t most) {
    switch (dice) {
    case 0: compact(s, 0); break;
    case 1: trail(s, (uint64_t)rm_heap_trim(s->heap)); break;
    case 2: idle(s); break;
    case 3: look(s); break;
    case 4:
        for (size_t i = 0; i < s->n; i++)
            if (s->blocks[i] != NULL && s->locks[i] > 0) use(s, i, 9, SHAPE_SMALL, most);
        break;
    case 5: hold(s, shape, most); break;
    default: compact(s, rng_between(&s->rng, 1, 2 * most)); break;
    }
}

void script_random(struct script *s, enum shape shape, size_t most, unsigned steps) {
    for (unsigned step = 0; step < steps; step++) {
        bool shrinks = step / PHASE % 3 == 2;
        uint64_t dice = rng_below(&s->rng, 100);
        size_t i = some(s);

        if (dice < 4)
            seldom(s, rng_below(&s->rng, 14), shape, most);
        else if (i == SIZE_MAX || dice < (shrinks ? 20 : 50))
            allocate(s, shape, most);
        else if (dice < 80)
            end(s, i);
        else
            use(s, i, rng_below(&s->rng, 10), shape, most);
        if (step % LOOK_EVERY == LOOK_EVERY - 1) look(s);
    }
    look(s);
    script_end(s);
    look(s);
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
                trail(s, (uint64_t)rmrealloc(s->blocks[s->n - 1 - back], (ssize_t)size));
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
