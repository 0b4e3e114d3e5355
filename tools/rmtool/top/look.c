/* SPDX-License-Identifier: MIT */
#include "top/look.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#define HASH_FUNCTION HASH_OAT /* the default one falls through cases without saying so */
#include <uthash.h>

#include "base/clock.h"
#include "base/say.h"

/* --- locks that stay --- */

enum { LOCKS_MOST = 100000 }; /* that are remembered */

struct look_lock {
    rm_memory_t *handle; /* the key */
    uint64_t since_ns, seen_ns;
    UT_hash_handle hh;
};

static void note_lock(struct look *look, rm_memory_t *handle) {
    struct look_lock *lock;

    HASH_FIND_PTR(look->locks, &handle, lock);
    if (!lock && HASH_COUNT(look->locks) < LOCKS_MOST) {
        lock = malloc(sizeof(*lock));
        if (!lock) return;
        lock->handle = handle;
        lock->since_ns = look->at_ns;
        HASH_ADD_PTR(look->locks, handle, lock);
    }
    if (lock) lock->seen_ns = look->at_ns;
}

static void forget_unlocked(struct look *look, bool all) {
    struct look_lock *lock, *next;

    look->oldest_ns = 0;
    HASH_ITER(hh, look->locks, lock, next) {
        if (all || lock->seen_ns != look->at_ns) {
            HASH_DEL(look->locks, lock);
            free(lock);
        } else if (look->at_ns - lock->since_ns > look->oldest_ns) {
            look->oldest_ns = look->at_ns - lock->since_ns;
        }
    }
}

/* --- the map --- */

/* The two parts of a heap: [0, low_limit) and [high_base, end). */
struct parts {
    struct look *look;
    uint64_t low_limit, high_base, end, hole;
};

static bool find_parts(const rm_span_t *span, void *context) {
    struct parts *parts = context;

    parts->end = span->offset + span->size;
    if (span->locks > 0) note_lock(parts->look, span->handle);
    /* Between the last block and the table is the largest reserved span behind all blocks. */
    if (span->kind == RM_SPAN_BLOCK || span->kind == RM_SPAN_FREE) parts->hole = 0;
    if (span->kind == RM_SPAN_RESERVED && span->size > parts->hole) {
        parts->hole = span->size;
        parts->low_limit = span->offset;
        parts->high_base = parts->end;
    }
    return true;
}

static void count(struct look_cell *cell, const rm_span_t *span, uint64_t bytes) {
    switch (span->kind) {
    case RM_SPAN_BLOCK: *(span->locks > 0 ? &cell->locked : &cell->used) += bytes; break;
    case RM_SPAN_FREE: cell->free += bytes; break;
    case RM_SPAN_METADATA: cell->metadata += bytes; break;
    case RM_SPAN_RESERVED: break;
    }
}

static bool paint(const rm_span_t *span, void *context) {
    const struct parts *parts = context;
    struct look *look = parts->look;
    uint64_t base = span->offset, limit = base + span->size, cell = look->cell_bytes;
    struct look_cell *cells = look->cells;

    if (span->kind == RM_SPAN_RESERVED) return true;
    if (base >= parts->high_base) {
        base -= parts->high_base;
        limit -= parts->high_base;
        cells += look->low;
    }
    while (base < limit) {
        uint64_t stop = (base / cell + 1) * cell;
        if (stop > limit) stop = limit;
        count(&cells[base / cell], span, stop - base);
        base = stop;
    }
    return true;
}

static uint64_t cells_for(uint64_t bytes, uint64_t cell) {
    return (bytes + cell - 1) / cell;
}

/* The smallest cells of which n suffice; sizes that are easily read are preferred. */
static uint64_t cell_for(uint64_t low, uint64_t high, size_t n) {
    uint64_t cell = 16;

    while (cells_for(low, cell) + cells_for(high, cell) > n) cell *= 2;
    /* Between two powers of two there are three steps more. */
    for (uint64_t part = 5; cell >= 64 && part < 8; part++) {
        uint64_t smaller = cell / 8 * part;
        if (cells_for(low, smaller) + cells_for(high, smaller) <= n) return smaller;
    }
    return cell;
}

static int make_map(struct look *look, struct target *target, size_t n_cells) {
    struct parts parts = {.look = look};

    look->n_cells = 0;
    if (rm_view_walk(target->view, find_parts, &parts) != RM_VIEW_OK)
        return complain(STATUS_FOUND, "%s: the heap cannot be walked", target->name);
    forget_unlocked(look, false);
    if (n_cells < 2) return STATUS_OK;
    if (parts.hole == 0) parts.low_limit = parts.high_base = parts.end;
    uint64_t low = parts.low_limit, high = parts.end - parts.high_base;
    look->cell_bytes = cell_for(low, high, n_cells);
    look->low = cells_for(low, look->cell_bytes);
    size_t n = look->low + cells_for(high, look->cell_bytes);
    if (n > look->room) {
        void *more = realloc(look->cells, n * sizeof(*look->cells));
        if (!more) return complain(STATUS_IO, "no memory for the map");
        look->cells = more;
        look->room = n;
    }
    memset(look->cells, 0, n * sizeof(*look->cells));
    look->n_cells = n;
    rm_view_walk(target->view, paint, &parts);
    /* Behind the table, to the end of a reservation, there is nothing to be seen. */
    while (look->n_cells > look->low) {
        const struct look_cell *last = &look->cells[look->n_cells - 1];
        if (last->used + last->locked + last->free + last->metadata > 0) break;
        look->n_cells--;
    }
    return STATUS_OK;
}

/* --- a look --- */

enum {
    TRIES = 60,
    NAP_LEAST_NS = 200 * 1000,
    NAP_MOST_NS = 4 * 1000 * 1000,
    ALL_NS = 400 * 1000 * 1000 /* no more tries after so long */
};

/* Not in step with whatever the program does. */
static void nap(unsigned n) {
    uint64_t ns = NAP_LEAST_NS + clock_wall_ns() * 7919 % (NAP_LEAST_NS * (n / 4 + 1));
    struct timespec time = {0, (long)(ns < NAP_MOST_NS ? ns : NAP_MOST_NS)};

    nanosleep(&time, NULL);
}

/* Stop, copy, let go. */
static int copy(struct look *look, struct target *target, rm_view_status_t *result) {
    bool stands, still;
    int status = target_stop(target, &stands);

    *result = RM_VIEW_BUSY;
    if (status || !stands) return status;
    *result = rm_view_copy(target->view, look->heap.heap, &look->bytes);
    status = target_go(target, &look->stopped_ns, &still);
    if (!still && *result == RM_VIEW_OK) *result = RM_VIEW_BUSY;
    if (look->stopped_ns > look->longest_ns) look->longest_ns = look->stopped_ns;
    look->all_ns += look->stopped_ns;
    return status;
}

static int try_once(struct look *look, struct target *target, rm_view_status_t *result) {
    int status = copy(look, target, result);

    if (status || *result != RM_VIEW_OK) return status;
    *result = rm_view_settle(target->view, &look->fault);
    return STATUS_OK;
}

static int cannot(const struct target *target, rm_view_status_t result, bool *ended) {
    *ended = !target_lives(target);
    if (*ended) return STATUS_FOUND;
    return complain(STATUS_IO, "%s (%s): %s", target->name, target->program,
                    rm_view_strerror(result));
}

static int take(struct look *look, struct target *target, const rm_view_heap_t *heap,
                size_t n_cells, bool *ended) {
    rm_view_status_t result = RM_VIEW_BUSY;
    uint64_t begun = clock_wall_ns();
    unsigned n_damaged = 0;

    if (look->heap.heap != heap->heap) forget_unlocked(look, true);
    look->heap = *heap;
    look->taken = look->damaged = *ended = false;
    look->longest_ns = look->all_ns = 0;
    for (look->tries = 1;; look->tries++) {
        int status = try_once(look, target, &result);
        if (status == STATUS_FOUND) *ended = true;
        if (status) return status;
        n_damaged += result == RM_VIEW_DAMAGED;
        if (result != RM_VIEW_BUSY && result != RM_VIEW_DAMAGED) break;
        if (look->tries >= TRIES || clock_wall_ns() - begun > ALL_NS || target->core)
            break;
        nap(look->tries);
    }
    if (result == RM_VIEW_BUSY || result == RM_VIEW_DAMAGED) {
        look->damaged = n_damaged == look->tries;
        return STATUS_FOUND;
    }
    if (result == RM_VIEW_NONE) {
        size_t n;
        if (rm_view_heaps(target->view, NULL, 0, &n) != RM_VIEW_OK) *ended = true;
        look->heap.heap = NULL;
        return STATUS_FOUND;
    }
    if (result != RM_VIEW_OK) return cannot(target, result, ended);
    look->at_ns = clock_wall_ns();
    rm_view_stats(target->view, &look->stats);
    int status = make_map(look, target, n_cells);
    look->taken = status == STATUS_OK;
    return status;
}

int look_take(struct look *look, struct target *target, const rm_view_heap_t *heap,
              size_t n_cells, bool *ended) {
    int status = take(look, target, heap, n_cells, ended);

    rm_view_forget(target->view); /* it may be as large as the heap */
    return status;
}

void look_finish(struct look *look) {
    forget_unlocked(look, true);
    free(look->cells);
    *look = (struct look){0};
}

/* --- the heaps --- */

unsigned look_number(const rm_heap_t *heap) {
    return (unsigned)((uintptr_t)heap >> 8 & 8191);
}

static int by_capacity(const void *a, const void *b) {
    const rm_view_heap_t *x = a, *y = b;

    if (x->capacity != y->capacity) return x->capacity < y->capacity ? 1 : -1;
    return (x->heap > y->heap) - (x->heap < y->heap);
}

int look_heaps(struct target *target, bool sorted, rm_view_heap_t **heaps, size_t *n) {
    size_t room = 0;
    bool ended;

    target_refresh(target); /* there may be heaps in new mappings */
    for (;;) {
        rm_view_status_t result = rm_view_heaps(target->view, *heaps, room, n);
        if (result == RM_VIEW_NONE || !target_lives(target)) return STATUS_FOUND;
        if (result != RM_VIEW_OK) return cannot(target, result, &ended);
        if (*n <= room) break;
        room = *n + 8;
        void *more = realloc(*heaps, room * sizeof(**heaps));
        if (!more) return complain(STATUS_IO, "no memory for a list of heaps");
        *heaps = more;
    }
    if (sorted && *n > 1) qsort(*heaps, *n, sizeof(**heaps), by_capacity);
    return STATUS_OK;
}
