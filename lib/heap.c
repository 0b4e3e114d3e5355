/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>

#include "bytes.h"
#include "compact.h"
#include "ebb.h"
#include "lock.h"
#include "many.h"
#include "motion.h"
#include "move.h"
#include "os.h"
#include "small.h"

_Static_assert(HEAP_STRUCTURE + QUICK_CHUNK + 8 * TABLE_SLOTS_MIN +
                       3 * sizeof(struct zone) + 64 <=
                   RM_HEAP_SIZE_MIN,
               "the header's promise for an empty heap");
_Static_assert(CACHE_LEAST *CACHE_SHARE >= HEAP_QUICK_MIN,
               "caches have larger blocks from lists");
_Static_assert(RM_LOCKS_MAX<1 << 15 && RM_LOCKS_MAX> LOCKS_FEW, "lock counts");
_Static_assert(RM_HEAP_SIZE_MAX == HEAP_BYTES_MAX && RM_REUSES_MAX < GENERATIONS &&
                   RM_HANDLES_MAX <= TABLE_SLOTS_MAX / 64 * 62,
               "the limits in the header");

/* Work that a step may spend on giving pages back, however small its budget. */
enum { STEP_RETURN = 32 * 1024 };
/* A step makes so much of free slots at the table's end; frees so many that rest, for so many looks. */
enum { STEP_SLOTS = 1024, STEP_FLUSH = 64, FLUSH_LOOKS = 2 };
/* And has so many bytes out of caches. */
enum { STEP_GATHER = 8 * 1024 };
/* The background thread leaves them alone for so many ns. */
enum { SPARED_NS = 50 * 1000 * 1000 };
/* What rests and what threads keep may come anew all the time: it is had so often. */
enum { ROUNDS = 16 };

void heap_init(struct heap *h, size_t bytes) {
    size_t pool = HEAP_STRUCTURE + heap_tops(bytes);
    h->asked = bytes;
    h->cache = cache_most(bytes);
    small_init(&h->store);
    ebb_init(&h->store, h->region.pages);
    quick_init(&h->store, (uint32_t)pool, quick_chunks(bytes),
               pool > HEAP_STRUCTURE ? (uint32_t *)((char *)h + HEAP_STRUCTURE) : NULL);
}

/* --- requests --- */

/* A block has been made. */
static void count_in(struct store *s, uint32_t slot, size_t size, unsigned flags) {
    store_count_new(s, size);
    if (flags & RM_ZERO)
        bytes_fill(store_content(s, table_entry(&s->table, slot), size), 0, size);
}

/* A slot for a new block, of which there are some: of the thread's, or of the table's. Its entry says that
   there is a block. */
static uint32_t take_slot(struct store *s, struct cache *c) {
    if (c == NULL) return table_take(&s->table);
    uint32_t slot = cache_slot(c);
    table_set(&s->table, slot, table_entry(&s->table, slot) + ENTRY_LOCK_ONE);
    return slot;
}

rm_status_t heap_alloc(struct heap *h, struct cache *c, size_t size, size_t alignment,
                       unsigned flags, uint32_t *slot) {
    struct store *s = &h->store;
    struct request q = {.size = size, .alignment = alignment > 8 ? alignment : 0};
    q.flags = flags;
    int saved = errno;
    uint32_t room = s->table.room;
    if (size > RM_BLOCK_MAX) {
        s->failures++;
        return RM_ENOMEM;
    }
    if (q.alignment == 0) {
        *slot = place_is_small(&q) ? quick_take_any(s, size) : quick_take_block(s, size);
        if (*slot != SLOT_NIL) {
            count_in(s, *slot, size, flags);
            return RM_OK;
        }
    }
    /* Where memory is the caller's and scarce, the table should grow for what is live alone. */
    if (unlikely(s->table.n_free <= 1) && !h->region.pages) quick_flush(s);
    if (c == NULL && place_is_small(&q) && quick_refill(s, class_of(size))) {
        *slot = quick_take_any(s, size);
        count_in(s, *slot, size, flags);
        place_steady(h, flags);
        return RM_OK;
    }
    if (unlikely(table_wants(&s->table) != 0) && (c == NULL || c->n_spare == 0)) {
        errno = 0;
        if (!place_slot(h, flags)) return place_failed(h, room, saved);
        errno = saved;
    }
    q.slot = take_slot(s, c);
    if (unlikely(!place(h, &q, false))) {
        errno = 0;
        if (quick_any(s) && region_closed(&h->region)) {
            /* A lower slot may be free then, which lets the table shrink. */
            table_untake(&s->table, q.slot);
            quick_flush(s);
            q.slot = table_take(&s->table);
        }
        if (!place_slowly(h, &q)) {
            table_untake(&s->table, q.slot);
            return place_failed(h, room, saved);
        }
        errno = saved;
    }
    table_set(&s->table, q.slot, q.entry);
    count_in(s, q.slot, size, flags);
    region_note_regained(&h->region, s);
    place_steady(h, flags);
    *slot = q.slot;
    return RM_OK;
}

/* --- using a block --- */

size_t heap_size(const struct heap *h, uint32_t slot) {
    return many_size(&h->store, table_entry(&h->store.table, slot));
}

unsigned heap_locks(const struct heap *h, uint32_t slot) {
    return entry_count(table_entry(&h->store.table, slot));
}

struct heap_block heap_look(const struct heap *h, uint32_t slot) {
    const struct store *s = &h->store;
    size_t size = heap_size(h, slot);
    return (struct heap_block){
        .handle = (uint64_t)(uintptr_t)heap_handle(h, slot),
        .slot = slot,
        .locks = heap_locks(h, slot),
        .size = size,
        .address = store_content(s, table_entry(&s->table, slot), size),
    };
}

bool heap_make_lockable(struct heap *h, uint64_t handle, uint32_t slot) {
    struct store *s = &h->store;
    uint64_t e = table_entry(&s->table, slot);
    if (!heap_live(h, handle, slot)) return false;
    if (slot == s->mover.slot)
        move_finish(s);
    else if (entry_locks(e) == LOCKS_NONE + LOCKS_FEW)
        many_begin(s, slot, &e);
    return true;
}

/* An unlocked block is about to be freed: nobody else has it from here on. `*e` is its entry, as if nobody
   had claimed it. */
static rm_status_t claim_for_good(struct store *s, uint64_t handle, uint32_t slot,
                                  uint64_t *e) {
    for (;;) {
        if (!lock_look(&s->table, handle, slot, e)) return RM_EHANDLE;
        if (slot == s->mover.slot) {
            move_abandon(s);
            continue;
        }
        if (entry_locks(*e) == LOCKS_MOVING) return RM_EHANDLE; /* a cache's */
        if (entry_locks(*e) == LOCKS_MANY) *e = many_end(s, slot);
        if (entry_locks(*e) != LOCKS_NONE) return RM_ELOCKED;
        uint64_t was = *e;
        if (!s->concurrent ||
            table_swap(&s->table, slot, &was, entry_with_locks(was, LOCKS_MOVING)))
            return RM_OK;
    }
}

rm_status_t heap_free(struct heap *h, uint64_t handle, uint32_t slot) {
    struct store *s = &h->store;
    struct table *t = &s->table;
    uint64_t e;
    rm_status_t status = claim_for_good(s, handle, slot, &e);
    if (unlikely(status != RM_OK)) return status;
    if (shape_is_plain(e)) {
        if (!quick_put(s, quick_last(&s->quick), slot, table_slot(t, slot), e))
            quick_put_slowly(s, slot, e);
        return RM_OK;
    }
    if (shape_is_medium(e) && quick_put_block(s, slot, e)) return RM_OK;
    size_t size = many_size(s, e);
    s->requested -= size;
    quick_free_place(s, e);
    table_put(t, slot);
    ebb_freed(s, size);
    if (ebb_due(s)) ebb(s);
    if (unlikely(t->n_taken == 0))
        while (small_drop_kept(s)) continue;
    if (unlikely(slot + 64 >= t->n_slots) && table_shrink(t, true) &&
        region_closed(&h->region))
        region_settle(&h->region, s);
    return RM_OK;
}

/* --- the heap as a whole --- */

/* Free some of what rests, at the price of so many looks each; false: there is more. */
static bool flush_step(struct store *s) {
    uint32_t before = s->table.n_taken;
    bool all = quick_flush_some(s, STEP_FLUSH);
    s->looked += FLUSH_LOOKS * (size_t)(before - s->table.n_taken);
    return all;
}

/* A free page costs less to give back than anything to move: that comes first, and takes up to three
   quarters of a step. What lies in gaps may be filled yet, unless compaction is done. */
static void return_step(struct heap *h, size_t bytes) {
    size_t work = bytes / 4 * 3;
    if (work < STEP_RETURN) work = STEP_RETURN;
    region_give_back(&h->region, &h->store, work, h->store.pass.phase == PASS_DONE);
}

/* What threads keep is in the way: it is had at the beginning of a pass, in steps a little at a time, and where
   nothing else is left to do; by the background thread, which makes pass after pass, not so often that they would
   come for the mutex all the time. False: there is nothing of it. */
static bool gather(struct heap *h, bool limited) {
    struct store *s = &h->store;
    struct crowd *crowd = s->crowd;
    if (h->sparing && os_now_ns() < crowd->not_before) return false;
    size_t had = cache_gather(s, limited ? STEP_GATHER : SIZE_MAX);
    if (had > 0) s->changes++;
    crowd->wanted -= had < crowd->wanted ? had : crowd->wanted;
    if (h->sparing && crowd->wanted == 0) crowd->not_before = os_now_ns() + SPARED_NS;
    return had > 0;
}

bool heap_compact(struct heap *h, size_t bytes, uint64_t nanoseconds,
                  const _Atomic unsigned *waiting) {
    struct store *s = &h->store;
    struct compact_goal goal = {.bytes = bytes, .waiting = waiting};
    if (nanoseconds != 0) goal.until_ns = os_now_ns() + nanoseconds;
    bool limited = bytes != 0 || nanoseconds != 0, flushed, done;
    size_t before = store_work(s), moved = s->moved;
    unsigned rounds = 0;
    if (!motion_begin(s)) return false;
    bool begins = s->pass.phase == PASS_NONE || s->pass.phase >= PASS_KEEP;
    if (!limited || begins) s->crowd->wanted = cache_sum(s);
    if (s->crowd->wanted > 0 && !gather(h, limited)) s->crowd->wanted = 0;
    if (limited)
        return_step(h, bytes);
    else
        quick_flush(s);
    do {
        flushed = flush_step(s);
        /* Every handle's slot that is free at the table's end is memory too. */
        region_settle_some(&h->region, s, limited ? STEP_SLOTS : UINT32_MAX);
        goal.spent = store_work(s) - before;
        done = compact(s, &goal);
        if (done && flushed && gather(h, limited)) flushed = false;
    } while (done && !flushed && (s->moved == moved || !limited) && rounds++ < ROUNDS);
    return done && flushed;
}

bool heap_trim(struct heap *h) {
    cache_stop(&h->store);
    quick_flush(&h->store);
    return region_trim(&h->region, &h->store);
}

void heap_settle(struct heap *h) {
    cache_stop(&h->store);
    quick_flush(&h->store);
}
