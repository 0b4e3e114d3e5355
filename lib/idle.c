/* SPDX-License-Identifier: MIT */
#include "idle.h"

#include "compact.h"
#include "os.h"

/* A step, in bytes of work; what is left has to suffice for the longest there are (README.rst, section 8). */
enum { STEP = 32 * 1024, STEP_NS = 40 * 1000 };
/* ns for 64 KiB of work: at first, and how much the last step counts. */
enum { PACE_BYTES = 64 * 1024, PACE_FIRST = 16 * 1000, PACE_SHARE = 8 };

static uint64_t pace_of(const struct heap *h) {
    return h->pace != 0 ? h->pace : PACE_FIRST;
}

/* A step has done so much work in that time. */
static void note_pace(struct heap *h, size_t work, uint64_t ns) {
    if (work < PACE_BYTES / 16) return;
    uint64_t last = ns * PACE_BYTES / work;
    if (last > 2 * pace_of(h))
        last = 2 * pace_of(h); /* or else something else ran meanwhile */
    h->pace = pace_of(h) - pace_of(h) / PACE_SHARE + last / PACE_SHARE;
}

bool idle_step(struct heap *h, uint64_t deadline, const _Atomic unsigned *waiting,
               bool *complete) {
    uint64_t now = os_now_ns();
    *complete = false;
    if (now + STEP_NS >= deadline) return false;
    const struct store *s = &h->store;
    size_t before = store_work(s), returned = s->returned;
    bool rested = s->pass.phase == PASS_DONE;
    bool done = heap_compact(h, STEP, deadline - now - STEP_NS, waiting);
    /* A step begins with giving pages back: one that comes to the end leaves them, in gaps too, to the next. */
    *complete = done && rested && s->returned == returned;
    size_t work = store_work(s) - before;
    note_pace(h, work, os_now_ns() - now);
    return !*complete && (work > 0 || s->crowd->holders + s->crowd->held == 0);
}

uint64_t idle_forecast(const struct heap *h) {
    const struct store *s = &h->store;
    const struct area *a = &s->area;
    size_t extent = area_extent(a), from = 0;
    unit_t gap = area_lowest_free(a, 0);
    if (s->pass.phase >= PASS_SLIDE) from = s->pass.cursor;
    if (gap != UNIT_NIL && gap > from) from = gap;
    size_t pages = 0; /* to be given back, most of them; a caller's are not */
    if (h->region.pages) pages = units_bytes(area_free_at_end(a)) / os_page();
    if (from >= extent)
        return (uint64_t)((double)(pages * WORK_PAGE) / PACE_BYTES * (double)pace_of(h)) +
               1;
    /* What lies above takes its share of the blocks, and merging comes before sliding. */
    size_t bytes = units_bytes((unit_t)(extent - from));
    size_t free = units_bytes(a->free_units - area_free_at_end(a));
    size_t used = bytes > free ? bytes - free : bytes / 2;
    size_t blocks = (size_t)((double)s->table.n_taken * (double)bytes /
                             (double)units_bytes((unit_t)extent));
    size_t work = used + blocks * WORK_BLOCK + pages * WORK_PAGE + s->spare;
    return (uint64_t)((double)work / PACE_BYTES * (double)pace_of(h)) + 1;
}
