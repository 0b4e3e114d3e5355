/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/say.h"
#include "store/inside.h"
#include "store/memory.h"

static struct store *oldest;
static uint64_t longest_ns;
static uint64_t moved_before; /* in stores that have been closed */

store_t *store_open(const char *name, compaction_t compaction) {
    struct store *store = calloc(1, sizeof(*store)), **last = &oldest;

    if (!store) return NULL;
    store->name = name;
    store->compaction = compaction;
    if (!kind_open(store)) {
        free(store);
        return NULL;
    }
    while (*last) last = &(*last)->next;
    *last = store;
    return store;
}

size_t store_close(store_t *store) {
    struct store_figures left;
    struct store **at = &oldest;

    if (!store) return 0;
    kind_look(store, &left);
    if (left.objects > 0)
        complain(STATUS_OK, "store '%s': %zu objects of %zu bytes are left", store->name,
                 left.objects, left.requested);
    while (*at != store) at = &(*at)->next;
    *at = store->next;
    moved_before += kind_moved(store);
    kind_close(store);
    free(store);
    return left.objects;
}

store_t *store_first(void) { return oldest; }
store_t *store_next(const store_t *store) { return store->next; }
const char *store_name(const store_t *store) { return store->name; }

uint64_t store_moved(void) {
    uint64_t moved = moved_before;

    for (struct store *store = oldest; store; store = store->next)
        moved += kind_moved(store);
    return moved;
}

void store_misused(const char *call, const char *what) {
    complain(STATUS_FOUND, "%s: %s", call, what);
    abort();
}

size_t stores_occupied(void) {
    size_t occupied = 0;

    for (struct store *store = oldest; store; store = store->next)
        occupied += store->occupied;
    return occupied;
}

/* ----------------------------------------------------------------- objects */

/* A new object, or another size of one that had `before` bytes. Its reference is kept where the caller has it at each
   moment, as those that are asked to shed something may use the object. */
struct request {
    struct store *store;
    ref_t *object;
    size_t bytes, before;
    bool resize, zeroed;
};

static bool request_try(struct request *request) {
    if (request->resize)
        return kind_resize(request->store, request->object, request->bytes);
    *request->object = kind_new(request->store, request->bytes, request->zeroed);
    return *request->object != NO_REF;
}

static void request_undo(struct request *request) {
    if (!request->resize) {
        kind_free(request->store, *request->object);
        *request->object = NO_REF;
    } else if (!kind_resize(request->store, request->object, request->before)) {
        store_misused("store_resize", "an object cannot have its old size again");
    }
}

/*
 * Room is made only if the system has no more memory, or if the limit is exceeded by what this request takes: not where
 * it makes do with memory that the process has.
 */
static bool request_serve(struct request *request) {
    size_t taken = request->bytes - request->before;
    bool beyond = memory_is_beyond();
    size_t first = beyond ? memory_footprint() : SIZE_MAX;
    bool done = request_try(request);
    unsigned way = 0;

    if (done && !memory_due(taken)) return true;
    if (done) {
        size_t now = memory_footprint();
        if (!memory_exceeded(now) || (beyond && now <= first)) return true;
    }
    for (;;) {
        if (done) request_undo(request);
        if (!memory_make_room(&way, taken)) break;

        size_t before = memory_footprint();
        done = request_try(request);
        size_t after = memory_footprint();
        if (done && (!memory_exceeded(after) || (after <= before && after <= first)))
            return true;
    }
    stores_shrink(false, false, NULL); /* the last try may have taken pages */
    memory_refused();
    return false;
}

/* The clock is read twice for each: 40 ns, for the longest of them to be known. */
static bool request_timed(struct request *request) {
    uint64_t began = clock_wall_ns(), took;
    bool done = request_serve(request);

    took = clock_wall_ns() - began;
    if (took > longest_ns) longest_ns = took;
    return done;
}

uint64_t store_longest_allocation(void) {
    uint64_t longest = longest_ns;

    longest_ns = 0;
    return longest;
}

static ref_t make(store_t *store, size_t bytes, bool zeroed) {
    ref_t object = NO_REF;
    struct request request = {
        .store = store, .object = &object, .bytes = bytes, .zeroed = zeroed};

    request_timed(&request);
    return object;
}

ref_t store_new(store_t *store, size_t bytes) { return make(store, bytes, false); }
ref_t store_new_zeroed(store_t *store, size_t bytes) { return make(store, bytes, true); }

ref_t store_copy(store_t *store, const void *from, size_t bytes) {
    ref_t object = store_new(store, bytes);

    if (object == NO_REF) return NO_REF;
    if (bytes > 0) {
        memcpy(store_lock(object), from, bytes);
        store_unlock(object);
    }
    return object;
}

bool store_resize(store_t *store, ref_t *object, size_t bytes) {
    struct request request = {.store = store,
                              .object = object,
                              .bytes = bytes,
                              .before = store_size(*object),
                              .resize = true};

    if (store->held > 0) store_misused("store_resize", "the store is held");
    if (bytes <= request.before) return kind_resize(store, object, bytes);
    return request_timed(&request);
}

void store_free(store_t *store, ref_t object) {
    if (object != NO_REF) kind_free(store, object);
}

/* -------------------------------------------------------------- compaction */

#define STEP_NS UINT64_C(1000000)
/* Steps that end sooner than this and move nothing had nothing to do that could be done in time. */
#define STEP_LEAST_NS UINT64_C(50000)

/* Adds a step to what is told. Returns: whether it came any further. */
static bool account(struct store_work *work, uint64_t began, uint64_t moved) {
    uint64_t took = clock_wall_ns() - began;

    if (work && (moved > 0 || took >= STEP_LEAST_NS)) work->steps++;
    if (work) {
        work->ns += took;
        work->moved += moved;
        if (took > work->longest_ns) work->longest_ns = took;
    }
    return moved > 0 || took >= STEP_LEAST_NS;
}

bool store_idle(uint64_t deadline_ns, struct store_work *work) {
    bool left, further;

    do {
        left = further = false;
        for (struct store *store = oldest; store; store = store->next) {
            uint64_t now = clock_wall_ns(), moved;
            struct store_work *told = store->compaction == COMPACT_OFF ? NULL : work;
            bool more;

            if (store->held > 0) continue;
            if (now >= deadline_ns) return true;
            moved = kind_moved(store);
            more = kind_idle(store,
                             deadline_ns - now < STEP_NS ? deadline_ns : now + STEP_NS);
            left |= more;
            further |= account(told, now, kind_moved(store) - moved) && more;
        }
    } while (further);
    return left;
}

void stores_shrink(bool compact, bool all, struct store_work *work) {
    for (struct store *store = oldest; store; store = store->next) {
        bool more =
            compact && (all || store->compaction != COMPACT_OFF) && store->held == 0;

        while (more) {
            uint64_t began = clock_wall_ns(), moved = kind_moved(store);

            more = kind_step(store);
            account(work, began, kind_moved(store) - moved);
        }
        kind_trim(store);
    }
    memory_trim();
}

void store_compact_all(struct store_work *work) { stores_shrink(true, true, work); }
