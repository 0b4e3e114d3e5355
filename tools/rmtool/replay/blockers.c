/* SPDX-License-Identifier: MIT */
#include "replay/blockers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/say.h"

/* A table that cannot grow leaves the entry out, and whoever adds it looks for it. */
#define HASH_NONFATAL_OOM 1
/* All keys are block numbers: the upper half of a product with 2^64 / the golden ratio (Knuth,
   The Art of Computer Programming, 6.4) depends on each of their bits. */
#define HASH_FUNCTION(key_address, key_size, hash)                                       \
    (hash) = (unsigned)(*(key_address)*UINT64_C(0x9e3779b97f4a7c15) >> 32)
#include <uthash.h>

enum { LOOKS = 1000, SPANS = 1 << 25 }; /* before the interval doubles */

struct blocker_lock {
    uint64_t block, since, size;
    bool met; /* it has held something back */
    UT_hash_handle hh;
};

struct blocker_entry {
    struct blocker counts;
    UT_hash_handle hh;
};

void blockers_init(struct blockers *blockers) {
    *blockers =
        (struct blockers){.interval = 1, .looks_left = LOOKS, .spans_left = SPANS};
}

/* ----------------------------------------------------------------------- locks */

int blockers_lock(struct blockers *blockers, uint64_t block, uint64_t size,
                  uint64_t event) {
    struct blocker_lock *lock = calloc(1, sizeof(*lock)), *added = NULL;

    if (lock) {
        *lock = (struct blocker_lock){.block = block, .since = event, .size = size};
        HASH_ADD(hh, blockers->locked, block, sizeof(block), lock);
        HASH_FIND(hh, blockers->locked, &block, sizeof(block), added);
    }
    if (added) return STATUS_OK;
    free(lock);
    return complain(STATUS_IO, "no memory for the blocks that are locked");
}

static void end_lock(struct blockers *blockers, struct blocker_lock *lock,
                     uint64_t event) {
    struct blocker_entry *entry = NULL;

    if (lock->met)
        HASH_FIND(hh, blockers->found, &lock->block, sizeof(lock->block), entry);
    if (entry) entry->counts.events += event - lock->since;
    HASH_DEL(blockers->locked, lock);
    free(lock);
}

void blockers_unlock(struct blockers *blockers, uint64_t block, uint64_t event) {
    struct blocker_lock *lock = NULL;

    HASH_FIND(hh, blockers->locked, &block, sizeof(block), lock);
    if (lock) end_lock(blockers, lock, event);
}

void blockers_end(struct blockers *blockers, uint64_t event) {
    struct blocker_lock *lock, *next;

    HASH_ITER(hh, blockers->locked, lock, next) end_lock(blockers, lock, event);
}

/* ----------------------------------------------------------------------- looks */

/* A locked block by its handle, as the walk knows it. */
struct known {
    const rm_memory_t *handle;
    struct blocker_lock *lock;
};

struct look {
    struct blockers *blockers;
    struct known *known; /* by handle */
    size_t n;
    uint64_t weight, spans, gap, held;
    bool failed;
};

static int by_handle(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const struct known *)a)->handle;
    uintptr_t y = (uintptr_t)((const struct known *)b)->handle;

    return (x > y) - (x < y);
}

static struct blocker_entry *entry_of(struct blockers *blockers,
                                      const struct blocker_lock *lock) {
    struct blocker_entry *entry = NULL, *added;

    HASH_FIND(hh, blockers->found, &lock->block, sizeof(lock->block), entry);
    if (entry) return entry;
    entry = calloc(1, sizeof(*entry));
    if (!entry) return NULL;
    entry->counts.block = lock->block;
    HASH_ADD(hh, blockers->found, counts.block, sizeof(lock->block), entry);
    HASH_FIND(hh, blockers->found, &lock->block, sizeof(lock->block), added);
    if (!added) free(entry);
    return added;
}

static void blame(struct look *look, const rm_span_t *span) {
    const struct known key = {span->handle, NULL};
    struct known *known =
        bsearch(&key, look->known, look->n, sizeof(*look->known), by_handle);
    struct blocker_entry *entry;

    if (!known) return;
    entry = entry_of(look->blockers, known->lock);
    if (!entry) {
        look->failed = true;
        return;
    }
    known->lock->met = true;
    entry->counts.size = known->lock->size;
    entry->counts.compactions += look->weight;
    entry->counts.held += look->gap * look->weight;
    if (look->gap > entry->counts.most) entry->counts.most = look->gap;
}

static bool visit(const rm_span_t *span, void *context) {
    struct look *look = context;

    look->spans++;
    if (span->kind == RM_SPAN_FREE) look->gap += span->size;
    if (span->kind != RM_SPAN_BLOCK || span->locks == 0 || look->gap == 0) return true;
    blame(look, span);
    look->held += look->gap;
    look->gap = 0;
    return !look->failed;
}

/* Half as often from here on, where this has taken enough. */
static void slow_down(struct blockers *blockers, uint64_t spans) {
    blockers->looks++;
    blockers->looks_left--;
    blockers->spans_left -= spans < blockers->spans_left ? spans : blockers->spans_left;
    if (blockers->looks_left > 0 && blockers->spans_left > 0) return;
    blockers->interval *= 2;
    blockers->looks_left = LOOKS;
    blockers->spans_left = SPANS;
}

int blockers_look(struct blockers *blockers, rm_heap_t *heap, rm_memory_t *const *handles,
                  uint64_t *held) {
    struct look look = {.blockers = blockers};
    struct blocker_lock *lock, *next;
    rm_status_t status;

    *held = UINT64_MAX;
    blockers->complete++;
    if (++blockers->since < blockers->interval) return STATUS_OK;
    look.weight = blockers->since;
    blockers->since = 0;
    *held = 0;
    if (!blockers->locked) { /* nothing is locked: nothing is held back */
        blockers->looks++;
        return STATUS_OK;
    }
    look.known = calloc(HASH_COUNT(blockers->locked), sizeof(*look.known));
    if (!look.known) return complain(STATUS_IO, "no memory to look at locked blocks");
    HASH_ITER(hh, blockers->locked, lock, next)
    look.known[look.n++] = (struct known){handles[lock->block], lock};
    qsort(look.known, look.n, sizeof(*look.known), by_handle);
    status = rm_heap_walk(heap, visit, &look);
    free(look.known);
    if (look.failed) return complain(STATUS_IO, "no memory for blocks that block");
    if (status != RM_OK)
        return complain(STATUS_FOUND, "rm_heap_walk: %s", rm_strerror(status));
    *held = look.held;
    blockers->held_up += look.held > 0 ? look.weight : 0;
    blockers->held += look.held * look.weight;
    if (look.held > blockers->most) blockers->most = look.held;
    slow_down(blockers, look.spans);
    return STATUS_OK;
}

/* --------------------------------------------------------------------- results */

size_t blockers_count(const struct blockers *blockers) {
    return HASH_COUNT(blockers->found);
}

static int by_held(const void *a, const void *b) {
    const struct blocker *x = a, *y = b;

    if (x->held != y->held) return x->held < y->held ? 1 : -1;
    return (x->block > y->block) - (x->block < y->block);
}

/* All of them in order; NULL where memory is out, or there are none. */
static struct blocker *in_order(const struct blockers *blockers) {
    struct blocker *rows = calloc(blockers_count(blockers), sizeof(*rows));
    struct blocker_entry *entry, *next;
    size_t n = 0;

    if (!rows) return NULL;
    HASH_ITER(hh, blockers->found, entry, next) rows[n++] = entry->counts;
    qsort(rows, n, sizeof(*rows), by_held);
    return rows;
}

size_t blockers_worst(const struct blockers *blockers, struct blocker *rows, size_t n) {
    size_t count = blockers_count(blockers);
    struct blocker *all = count > 0 ? in_order(blockers) : NULL;

    if (!all) return 0;
    if (n > count) n = count;
    for (size_t i = 0; i < n; i++) rows[i] = all[i];
    free(all);
    return n;
}

int blockers_write(const struct blockers *blockers, struct output *output) {
    size_t n = blockers_count(blockers);
    struct blocker *rows = NULL;

    if (!output->file) return STATUS_OK;
    if (n > 0 && !(rows = in_order(blockers)))
        return complain(STATUS_IO, "no memory for a list of blocks");
    fprintf(output->file,
            "# compactions: %" PRIu64 " complete, %" PRIu64 " looked at, %" PRIu64
            " with something held back\n"
            "block,size,compactions,held_back_times_compactions,most_held_back,"
            "locked_events\n",
            blockers->complete, blockers->looks, blockers->held_up);
    for (size_t i = 0; i < n; i++)
        fprintf(output->file,
                "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                "\n",
                rows[i].block + 1, rows[i].size, rows[i].compactions, rows[i].held,
                rows[i].most, rows[i].events);
    free(rows);
    return STATUS_OK;
}

void blockers_finish(struct blockers *blockers) {
    struct blocker_entry *entry, *next;

    blockers_end(blockers, 0);
    HASH_ITER(hh, blockers->found, entry, next) {
        HASH_DEL(blockers->found, entry);
        free(entry);
    }
}
