/* SPDX-License-Identifier: MIT */
/* Heaps: made and unmade, compacted, held, looked at. */
#include "background.h"
#include "call.h"
#include "idle.h"
#include "largest.h"
#include "motion.h"
#include "os.h"
#include "stats.h"
#include "walk.h"

/* --- making and unmaking --- */

static bool is_share(double x) { return x >= 0 && x <= 1; }

/* The watermarks, those that are not given by default; false: they make no sense. */
static bool watermarks_of(const rm_heap_options_t *o, rm_watermarks_t *w) {
    enum { FREE_LOW_SHARE = 16, FREE_HIGH_SHARE = 8 };
    static const double low = 0.05, high = 0.15;
    *w = o->watermarks;
    if (!is_share(w->fragmentation_low) || !is_share(w->fragmentation_high) ||
        w->fragmentation_low > w->fragmentation_high || w->free_low > w->free_high)
        return false;
    if (w->fragmentation_high == 0 && w->free_high == 0) {
        w->fragmentation_low = low;
        w->fragmentation_high = high;
        w->free_low = o->size / FREE_LOW_SHARE;
        w->free_high = o->size / FREE_HIGH_SHARE;
    }
    return true;
}

rm_status_t rm_heap_create(rm_heap_t **out, const rm_heap_options_t *options) {
    const rm_heap_options_t defaults = RM_HEAP_OPTIONS_INIT;
    rm_watermarks_t watermarks;
    if (out == NULL) return RM_EINVAL;
    *out = NULL;
    if (options == NULL) options = &defaults;
    bool background = options->compaction == RM_COMPACT_BACKGROUND;
    if ((unsigned)options->threads > RM_THREADS_NONE ||
        (unsigned)options->compaction > RM_COMPACT_BACKGROUND ||
        (background && options->threads != RM_THREADS_SAFE) ||
        !watermarks_of(options, &watermarks))
        return RM_EINVAL;
    uint64_t tag;
    rm_status_t status = registry_create(options, &tag);
    if (status != RM_OK) return status;
    if (background && !background_add(tag, &watermarks)) {
        registry_destroy(tag);
        return RM_ESYSTEM;
    }
    *out = call_token(tag);
    return RM_OK;
}

rm_status_t rm_heap_destroy(rm_heap_t *heap) {
    uint64_t tag;
    if (heap == NULL || call_tag(heap, &tag) != RM_OK) return RM_EINVAL;
    bool destroyed = registry_destroy(tag);
    background_remove(tag);
    return destroyed ? RM_OK : RM_EINVAL;
}

rm_heap_t *rm_heap_default(void) {
    uint64_t tag;
    return registry_default(&tag) == RM_OK ? call_token(tag) : NULL;
}

/* --- compaction --- */

/* Compact within a budget, out of the way of those who wait: they may make more to do, but not without end.
   What they move is not in `done`. False: something is left; `*gone`: so is the heap. */
enum {
    WHOLE_MOST = 2,       /* times what the area has, that is moved without a budget */
    AT_ONCE = 256 * 1024, /* bytes of a budget for which nobody is let in between */
    TURNS_MOST = 16       /* in which nothing has moved */
};
static bool compact_within(uint64_t tag, struct access *a, const rm_budget_t *budget,
                           rm_progress_t *done, bool *gone) {
    const struct store *s = &a->heap->store;
    bool whole = budget->bytes == 0 && budget->nanoseconds == 0;
    size_t most = whole ? WHOLE_MOST * units_bytes(s->area.limit) : budget->bytes;
    uint64_t until = budget->nanoseconds != 0 ? os_now_ns() + budget->nanoseconds : 0;
    size_t bytes = budget->bytes;
    uint64_t nanoseconds = budget->nanoseconds;
    bool alone = bytes != 0 && bytes <= AT_ONCE; /* nobody is let in */
    size_t before = 0;
    unsigned turns = 0;
    for (;;) {
        const _Atomic unsigned *waiting = alone ? NULL : registry_waiting(a);
        size_t earlier = s->moved, earlier_blocks = s->moved_blocks;
        bool complete = heap_compact(a->heap, bytes, nanoseconds, waiting);
        done->moved_blocks += s->moved_blocks - earlier_blocks;
        size_t moved = done->moved += s->moved - earlier;
        if (complete || waiting == NULL) return complete;
        if (s->table.motion == 0 && s->crowd->holders + s->crowd->held > 0) return false;
        if (atomic_load(waiting) == 0 && !whole) return false; /* it is spent */
        bool tired = moved == before && turns++ >= TURNS_MOST;
        if (tired && !whole) return false;
        before = moved;
        if (moved >= most && bytes != 0) return false;
        /* Nobody is waiting any more, or they make more to do all the time: to the end, then. */
        alone = whole && (atomic_load(waiting) == 0 || moved >= most || tired);
        if (bytes != 0) bytes = most - moved;
        if (until != 0) {
            uint64_t now = os_now_ns();
            if (now >= until) return false;
            nanoseconds = until - now;
        }
        *gone = !alone && !registry_give_way(tag, a);
        if (*gone) return false;
    }
}

/* While others read, nothing moves: a budget of time may be waited for. False: the heap is gone. */
static bool await_readers(uint64_t tag, struct access *a, uint64_t *nanoseconds) {
    const struct cache *c = threads_cache(registry_live(tag));
    bool own = a->heap->store.crowd->held > 0 || (c != NULL && c->depth > 0);
    uint64_t until = os_now_ns() + *nanoseconds, now;
    if (*nanoseconds == 0 || own) return true;
    for (unsigned n = 0; !motion_begin(&a->heap->store) && (now = os_now_ns()) < until;
         n++) {
        registry_leave(a);
        os_wait(n);
        if (!registry_enter(tag, a)) return false;
        *nanoseconds = until - now;
    }
    return true;
}

rm_status_t rm_heap_compact(rm_heap_t *heap, const rm_budget_t *budget,
                            rm_progress_t *progress) {
    struct access a;
    uint64_t begun = os_now_ns(), tag;
    rm_budget_t within = {0, 0};
    if (budget != NULL) within = *budget;
    rm_status_t status = call_tag(heap, &tag);
    if (status != RM_OK) return status;
    if (!registry_enter(tag, &a)) return registry_refused(tag, RM_EINVAL);
    if (registry_damaged(&a)) return registry_freeze(&a);
    if (!await_readers(tag, &a, &within.nanoseconds))
        return registry_refused(tag, RM_EINVAL);
    rm_progress_t done = {0, 0, 0, false};
    bool gone = false;
    done.complete = compact_within(tag, &a, &within, &done, &gone);
    if (gone) return registry_refused(tag, RM_EINVAL);
    done.nanoseconds = os_now_ns() - begun;
    if (progress != NULL) *progress = done;
    return call_leave(&a, RM_OK);
}

/* Is there something that may still be done in a heap? */
static bool is_left(uint64_t tag) {
    bool shared;
    return registry_exists(tag, &shared) && registry_refused(tag, RM_OK) == RM_OK;
}

/* Enter a heap before a deadline; false: somebody else is inside all the time, or it is gone. */
static bool enter_until(uint64_t tag, struct access *a, uint64_t deadline) {
    for (unsigned n = 0; is_left(tag); n++) {
        if (registry_try(tag, a)) return true;
        if (os_now_ns() >= deadline) return false;
        registry_wait(tag, n);
    }
    return false;
}

uint64_t rm_heap_idle(rm_heap_t *heap, uint64_t deadline_ns) {
    struct access a;
    uint64_t tag;
    bool shared, complete, more = true;
    if (call_tag(heap, &tag) != RM_OK || !registry_exists(tag, &shared)) return 0;
    if (!enter_until(tag, &a, deadline_ns)) return is_left(tag);
    if (registry_damaged(&a)) {
        registry_freeze(&a);
        return 0;
    }
    for (;;) {
        const _Atomic unsigned *waiting = registry_waiting(&a);
        more = idle_step(a.heap, deadline_ns, waiting, &complete);
        if (!more) break;
        if (waiting != NULL && atomic_load(waiting) > 0) {
            registry_leave(&a);
            if (!enter_until(tag, &a, deadline_ns)) return is_left(tag);
        }
    }
    uint64_t forecast = complete ? 0 : idle_forecast(a.heap);
    call_leave(&a, RM_OK);
    return forecast;
}

rm_status_t rm_heap_largest(rm_heap_t *heap, bool after_compaction, size_t *size) {
    struct access a;
    if (size == NULL) return RM_EINVAL;
    rm_status_t status = call_enter_heap(heap, &a);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    *size = largest_request(a.heap, after_compaction);
    return call_leave(&a, RM_OK);
}

rm_status_t rm_heap_trim(rm_heap_t *heap) {
    struct access a;
    rm_status_t status = call_enter_heap(heap, &a);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    return call_leave(&a, heap_trim(a.heap) ? RM_OK : RM_ESYSTEM);
}

/* --- read sections --- */

enum { SECTIONS_MOST = INT32_MAX };

/* In a heap that is not between threads they are counted in the heap. */
static rm_status_t hold_alone(uint64_t tag, bool begin) {
    uint32_t *held = &registry_crowd_of(tag)->held;
    if (begin && *held == SECTIONS_MOST) return RM_EOVERFLOW;
    if (!begin && *held == 0) return RM_EUNLOCKED;
    *held += begin ? 1 : UINT32_MAX;
    return RM_OK;
}

/* A thread's first in a heap, or one that meets a move. */
static SLOW rm_status_t hold_slowly(uint64_t tag) {
    struct access a;
    struct cache *c = threads_make(registry_live(tag));
    if (c == NULL) return RM_ESYSTEM;
    if (!registry_enter(tag, &a)) return registry_refused(tag, RM_EINVAL);
    if (registry_damaged(&a)) return registry_freeze(&a);
    threads_open(c, &a);
    motion_hold_slowly(c);
    c->depth = 1;
    return call_leave(&a, RM_OK);
}

/* In a heap that is guarded. */
static rm_status_t hold_guarded(uint64_t tag, bool begin) {
    struct access a;
    struct cache *c = NULL;
    bool shared = false;
    registry_exists(tag, &shared); /* if not, it is not entered */
    if (registry_refused(tag, RM_OK) != RM_OK) return RM_ECORRUPT;
    if (shared) {
        c = begin ? threads_make(registry_live(tag)) : threads_cache(registry_live(tag));
        if (c == NULL) return begin ? RM_ESYSTEM : RM_EUNLOCKED;
    }
    if (!registry_enter(tag, &a)) return registry_refused(tag, RM_EINVAL);
    if (registry_damaged(&a)) return registry_freeze(&a);
    if (!shared) return call_leave(&a, hold_alone(tag, begin));
    threads_open(c, &a);
    if (begin && c->depth == SECTIONS_MOST) return call_leave(&a, RM_EOVERFLOW);
    if (!begin && c->depth == 0) return call_leave(&a, RM_EUNLOCKED);
    c->depth += begin ? 1 : UINT32_MAX;
    if (begin && c->depth == 1) motion_hold_slowly(c);
    if (!begin && c->depth == 0) motion_release(c);
    return call_leave(&a, RM_OK);
}

/* A heap, and the calling thread's cache of it, if there is one and the heap is between threads. A heap that is
   guarded is not told: `*h` is NULL, as where there is none. */
static rm_status_t find_reader(rm_heap_t *heap, uint64_t *tag, struct heap **h,
                               struct cache **c, bool *between_threads) {
    bool shared;
    rm_status_t status = call_tag(heap, tag);
    if (status != RM_OK) return status;
    *h = registry_heap(*tag, &shared);
    *between_threads = false;
    registry_exists(*tag, between_threads);
    *c = *h != NULL && *between_threads ? threads_cache(registry_live(*tag)) : NULL;
    return RM_OK;
}

rm_status_t rm_heap_hold(rm_heap_t *heap) {
    uint64_t tag;
    struct heap *h;
    struct cache *c;
    bool shared;
    rm_status_t status = find_reader(heap, &tag, &h, &c, &shared);
    if (status != RM_OK) return status;
    if (h == NULL) return hold_guarded(tag, true);
    if (!shared) return hold_alone(tag, true);
    if (c == NULL || (c->depth == 0 && !motion_hold(c))) return hold_slowly(tag);
    if (c->depth == SECTIONS_MOST) return RM_EOVERFLOW;
    c->depth++;
    return RM_OK;
}

rm_status_t rm_heap_release(rm_heap_t *heap) {
    uint64_t tag;
    struct heap *h;
    struct cache *c;
    bool shared;
    rm_status_t status = find_reader(heap, &tag, &h, &c, &shared);
    if (status != RM_OK) return status;
    if (h == NULL) return hold_guarded(tag, false);
    if (!shared) return hold_alone(tag, false);
    if (c == NULL || c->depth == 0) return RM_EUNLOCKED;
    if (--c->depth == 0) motion_release(c);
    return RM_OK;
}

/* --- the background thread --- */

/* One pause more, or one less. */
static rm_status_t pause_by(rm_heap_t *heap, int by) {
    struct access a;
    rm_status_t status = call_enter_heap(heap, &a);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    struct watch *w = *registry_watch(&a);
    if (w == NULL)
        status = RM_EINVAL;
    else if (by < 0 && w->paused == 0)
        status = RM_EUNLOCKED;
    else
        w->paused += (unsigned)by;
    if (by < 0 && status == RM_OK) w->not_before = 0; /* it is looked at anew */
    return call_leave(&a, status);
}

rm_status_t rm_heap_pause(rm_heap_t *heap) { return pause_by(heap, 1); }
rm_status_t rm_heap_resume(rm_heap_t *heap) { return pause_by(heap, -1); }

/* --- looking at a heap --- */

rm_status_t rm_heap_stats_quick(rm_heap_t *heap, rm_stats_t *stats) {
    struct access a;
    if (stats == NULL) return RM_EINVAL;
    rm_status_t status = call_enter_heap(heap, &a);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    heap_settle(a.heap);
    stats_quick(a.heap, stats);
    stats_watch(*registry_watch(&a), stats);
    return call_leave(&a, RM_OK);
}

rm_status_t rm_heap_stats(rm_heap_t *heap, rm_stats_t *stats) {
    struct access a;
    if (stats == NULL) return RM_EINVAL;
    rm_status_t status = call_enter_heap(heap, &a);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    heap_settle(a.heap);
    stats_quick(a.heap, stats);
    stats_watch(*registry_watch(&a), stats);
    stats_locked(a.heap, stats);
    return call_leave(&a, RM_OK);
}

/* A visitor of a guarded heap: it is the program, not the library. */
struct visitor {
    struct guard *guard;
    rm_walk_fn *visit;
    void *context;
};

static bool visit_outside(const rm_span_t *span, void *context) {
    struct visitor *v = context;
    guard_outside(v->guard);
    bool more = v->visit(span, v->context);
    guard_inside(v->guard);
    return more;
}

rm_status_t rm_heap_walk(rm_heap_t *heap, rm_walk_fn *visit, void *context) {
    struct access a;
    if (visit == NULL) return RM_EINVAL;
    rm_status_t status = call_enter_heap(heap, &a);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    heap_settle(a.heap);
    threads_inside++;
    struct visitor v = {a.guard, visit, context};
    if (a.how & ACCESS_GUARDED)
        status = walk_heap(a.heap, visit_outside, &v);
    else
        status = walk_heap(a.heap, visit, context);
    threads_inside--;
    return call_leave(&a, status);
}

/* A heap that is touched no more can be looked at. What has been found may be out of sight by now, or only told
   by its seal. */
static rm_status_t check_frozen(rm_heap_t *heap, rm_fault_t *fault) {
    struct access a;
    uint64_t tag;
    char *low;
    size_t bytes;
    call_tag(heap, &tag);
    registry_look(tag, &a);
    registry_region(&a, &low, &bytes);
    if (verify_heap(a.heap, registry_crowd(&a), low, bytes, fault) == RM_OK) {
        fault->invariant = 17;
        strcpy(fault->text,
               "Something was found to be damaged by the call that was made last.");
    }
    registry_look_away(&a);
    return RM_ECORRUPT;
}

rm_status_t rm_heap_check(rm_heap_t *heap, rm_fault_t *fault) {
    struct access a;
    rm_fault_t found;
    char *low;
    size_t bytes;
    rm_status_t status = call_enter_heap(heap, &a);
    if (fault == NULL) fault = &found;
    if (status == RM_ECORRUPT) return check_frozen(heap, fault);
    if (status != RM_OK) return status;
    if (registry_edge(&a)) return registry_freeze(&a);
    cache_halt(registry_crowd(&a));
    registry_region(&a, &low, &bytes);
    status = verify_heap(a.heap, registry_crowd(&a), low, bytes, fault);
    if (status == RM_OK)
        registry_leave(&a);
    else
        registry_leave_damaged(&a);
    return status;
}

const char *rm_strerror(rm_status_t status) {
    switch (status) {
    case RM_OK: return "No error.";
    case RM_ENOMEM: return "No block of that size can be made, by compacting or growing.";
    case RM_EINVAL: return "An argument is outside its domain.";
    case RM_EHANDLE: return "The handle names no live block.";
    case RM_ELOCKED: return "The block must be moved or released, and it is locked.";
    case RM_EUNLOCKED: return "The block is not locked.";
    case RM_EOVERFLOW: return "The lock count is at its limit, or a size overflows.";
    case RM_EPURGED: return "The content of the purgeable block has been discarded.";
    case RM_ECORRUPT: return "The heap's own data fails verification.";
    case RM_ESYSTEM: return "The operating system refused; errno says why.";
    }
    return "Not a status of rmalloc.";
}
