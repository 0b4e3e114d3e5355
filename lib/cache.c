/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include "small.h"

/* --- one list --- */

/* The lists by number: classes, then larger blocks by length. */
static unsigned list_of_units(unit_t units) { return CLASSES + units - QUICK_UNITS_MIN; }

static bool is_blocks(unsigned list) { return list >= CLASSES; }

static uint32_t *slots_of(struct cache *c, unsigned list) {
    return is_blocks(list) ? c->blocks[list - CLASSES] : c->small[list];
}
static size_t bytes_of(unsigned list) {
    return is_blocks(list) ? units_bytes(list - CLASSES + QUICK_UNITS_MIN)
                           : size_classes[list].stride;
}
static unsigned room_of(unsigned list) {
    return is_blocks(list) ? CACHE_BLOCKS : CACHE_SMALL;
}
/* So many come from the heap at once; what goes to it is half of what there is. */
static unsigned batch_of(unsigned list) {
    size_t n = CACHE_BATCH / bytes_of(list);
    return n == 0 ? 1 : n < QUICK_SLOTS ? (unsigned)n : QUICK_SLOTS;
}

/* That of a size of up to QUICK_SIZE_MAX. */
static unsigned list_of_size(size_t size) {
    return size <= SMALL_MAX ? class_of(size) : list_of_units(block_units(size, false));
}
/* That of the entry of a block that is about to be put; CACHE_LISTS: there is none. */
static unsigned list_of_entry(uint64_t e) {
    if (shape_is_plain(e)) return shape_plain_class(e);
    if (!shape_is_medium(e) || shape_medium_size(e) > QUICK_SIZE_MAX) return CACHE_LISTS;
    return list_of_size(shape_medium_size(e));
}

/* --- larger blocks --- */

uint32_t cache_take_block(struct cache *c, size_t size, uint64_t *entry) {
    unsigned list = list_of_size(size);
    if (c->n[list] == 0) return SLOT_NIL;
    uint32_t slot = slots_of(c, list)[--c->n[list]];
    char *at = store_slot(c->store, slot);
    uint64_t e = word_load(at) + ENTRY_LOCK_ONE;
    *entry = entry_moved(e, entry_place(e), shape_of_block(size, false));
    word_store(at, *entry);
    cache_set_bytes(c, cache_bytes(c) - bytes_of(list));
    c->allocations++;
    c->requested += size;
    return slot;
}

bool cache_put_block(struct cache *c, uint32_t slot, uint64_t e) {
    unsigned list = list_of_entry(e);
    if (list == CACHE_LISTS || c->n[list] == room_of(list)) return false;
    size_t bytes = cache_bytes(c) + bytes_of(list);
    if (bytes > c->most || entry_generation(e) == GENERATION_DROP_MAX - 1) return false;
    size_t size = shape_medium_size(e);
    uint64_t rest = entry_resting(entry_with_locks(e, LOCKS_NONE)) + ENTRY_LOCK_ONE;
    if (!word_swap(store_slot(c->store, slot), &e, rest)) return false;
    slots_of(c, list)[c->n[list]++] = slot;
    cache_set_bytes(c, bytes);
    c->requested -= size;
    return true;
}

/* --- between a cache and the heap's own lists --- */

/* The last `n` of a list go to the heap's. */
static void give(struct cache *c, unsigned list, unsigned n) {
    uint32_t *slots = slots_of(c, list) + c->n[list] - n;
    quick_return(c->store, is_blocks(list) ? 0 : list, slots, n);
    c->n[list] = (uint8_t)(c->n[list] - n);
    cache_set_bytes(c, cache_bytes(c) - n * bytes_of(list));
}

static void count(struct cache *c) {
    struct store *s = c->store;
    s->allocations += c->allocations;
    store_count(s, c->requested);
    c->requested = 0, c->allocations = 0;
}

/* --- slots --- */

/* There are some, if the table has any. */
static void take_slots(struct cache *c) {
    struct table *t = &c->store->table;
    uint32_t group;
    if (c->n_spare > 0) return;
    table_extend(t, CACHE_SPARE);
    while (c->n_spare < CACHE_SPARE) {
        uint64_t bits = table_take_some(t, CACHE_SPARE - c->n_spare, true, &group);
        if (bits == 0) break;
        for (; bits != 0; bits &= bits - 1) {
            uint32_t slot = group + bit_lowest(bits);
            table_set(t, slot, table_entry(t, slot) + LOCKS_MOVING * ENTRY_LOCK_ONE);
            c->spare[c->n_spare++] = slot;
            c->store->changes++; /* as n_taken grows, or store_stamp would not */
        }
    }
}

static void give_slots(struct cache *c) {
    struct table *t = &c->store->table;
    while (c->n_spare > 0) table_untake(t, c->spare[--c->n_spare]);
}

uint32_t cache_slot(struct cache *c) {
    take_slots(c);
    return c->n_spare > 0 ? c->spare[--c->n_spare] : SLOT_NIL;
}

/* Objects that nobody has had yet, for up to `most` of the slots. Returns how many. */
static unsigned make_objects(struct cache *c, unsigned class_id, unsigned most,
                             uint32_t *slots) {
    take_slots(c);
    unsigned n = c->n_spare < most ? c->n_spare : most;
    if (n == 0) return 0;
    unsigned there = small_free_slots(c->store, class_id);
    if (n > there) n = there;
    if (n == 0) return 0;
    c->n_spare -= n;
    memcpy(slots, c->spare + c->n_spare, n * sizeof *slots);
    return small_take_some(c->store, class_id, n, slots);
}

/* --- more and less --- */

void cache_fill(struct cache *c, size_t size) {
    unsigned list = list_of_size(size);
    if (list == CACHE_LISTS) return;
    unsigned room = room_of(list) - c->n[list];
    size_t bytes = bytes_of(list), left = c->most - cache_bytes(c);
    unsigned most = batch_of(list);
    if (most > room) most = room;
    if (most > left / bytes) most = (unsigned)(left / bytes);
    count(c);
    uint32_t *slots = slots_of(c, list) + c->n[list];
    unsigned n = quick_take_some(c->store, size, most, slots);
    if (n == 0 && !is_blocks(list)) n = make_objects(c, list, most, slots);
    c->n[list] = (uint8_t)(c->n[list] + n);
    cache_set_bytes(c, cache_bytes(c) + n * bytes);
}

/* Half of each list goes, the larger half of one. */
static void halve(struct cache *c) {
    for (unsigned list = 1; list < CACHE_LISTS; list++)
        if (c->n[list] > 0) give(c, list, (c->n[list] + 1u) / 2);
}

/* Lists of a cache go, until it has so few bytes. */
static void empty_to(struct cache *c, size_t bytes) {
    for (unsigned list = 1; list < CACHE_LISTS && cache_bytes(c) > bytes; list++)
        if (c->n[list] > 0) give(c, list, c->n[list]);
    count(c);
}
static void empty(struct cache *c) {
    empty_to(c, 0);
    give_slots(c);
    c->most = c->limit < CACHE_FIRST ? c->limit : CACHE_FIRST;
}

/* A thread that has much to do may keep more, if all together do not keep too much; until somebody else wants
   it. */
static void allow_more(struct cache *c) {
    const struct area *a = &c->store->area;
    size_t used = units_bytes(a->limit - a->free_units);
    if (c->most == c->limit || cache_sum(c->store) > CACHE_ALL + used / CACHE_USED)
        return;
    c->most = 2 * c->most < c->limit ? 2 * c->most : c->limit;
}

void cache_spill(struct cache *c, uint64_t e) {
    unsigned list = list_of_entry(e);
    count(c);
    if (list == CACHE_LISTS) return;
    if (c->n[list] == room_of(list)) give(c, list, room_of(list) / 2);
    if (cache_bytes(c) + bytes_of(list) > c->most) allow_more(c);
    if (cache_bytes(c) + bytes_of(list) > c->most) halve(c);
    if (cache_bytes(c) + bytes_of(list) > c->most) empty(c);
}

/* --- the caches of a heap --- */

void cache_open(struct cache *c, struct store *s, uint32_t live, size_t most) {
    c->store = s;
    c->limit = most;
    c->most = most < CACHE_FIRST ? most : CACHE_FIRST;
    c->previous = NULL;
    c->next = s->crowd->caches;
    if (c->next != NULL) c->next->previous = c;
    s->crowd->caches = c;
    __atomic_store_n(&c->live, live, __ATOMIC_RELAXED);
}

/* It is none of the heap's any more. Its owner may unmap it as soon as it sees that. */
static void unlink_cache(struct crowd *crowd, struct cache *c) {
    if (c->holder) crowd->holders--;
    c->holder = false;
    c->depth = 0;
    __atomic_store_n(&c->holds, 0, __ATOMIC_RELAXED);
    if (c->next != NULL) c->next->previous = c->previous;
    *(c->previous != NULL ? &c->previous->next : &crowd->caches) = c->next;
    c->store = NULL;
    __atomic_store_n(&c->stop, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&c->live, 0, __ATOMIC_RELEASE);
}

void cache_close(struct cache *c) {
    empty(c);
    unlink_cache(c->store->crowd, c);
}

void cache_discard(struct crowd *crowd, struct cache *c) {
    memset(c->n, 0, sizeof c->n);
    c->n_spare = 0;
    c->requested = 0, c->allocations = 0;
    cache_set_bytes(c, 0);
    unlink_cache(crowd, c);
}

void cache_forget(struct crowd *crowd) {
    cache_halt(crowd);
    while (crowd->caches != NULL) cache_discard(crowd, crowd->caches);
}

size_t cache_sum(const struct store *s) {
    size_t bytes = 0;
    for (const struct cache *c = s->crowd->caches; c != NULL; c = c->next)
        bytes += cache_bytes(c) + c->n_spare * sizeof(uint64_t);
    return bytes;
}

void cache_halt(struct crowd *crowd) {
    if (crowd->caches == NULL || crowd->stopped) return;
    crowd->stopped = true;
    for (struct cache *c = crowd->caches; c != NULL; c = c->next)
        __atomic_store_n(&c->stop, 1, __ATOMIC_RELAXED);
    os_barrier_seldom();
    for (struct cache *c = crowd->caches; c != NULL; c = c->next)
        for (unsigned n = 0; __atomic_load_n(&c->busy, __ATOMIC_ACQUIRE) != 0; n++)
            os_wait(n);
}

void cache_go(struct crowd *crowd) {
    if (likely(!crowd->stopped)) return;
    crowd->stopped = false;
    for (struct cache *c = crowd->caches; c != NULL; c = c->next)
        __atomic_store_n(&c->stop, 0, __ATOMIC_RELEASE);
}

void cache_stop(struct store *s) {
    cache_halt(s->crowd);
    for (struct cache *c = s->crowd->caches; c != NULL; c = c->next) empty(c);
}

size_t cache_gather(struct store *s, size_t most) {
    size_t before = cache_sum(s), left = most;
    if (before == 0) return 0;
    cache_halt(s->crowd);
    for (struct cache *c = s->crowd->caches; c != NULL && left > 0; c = c->next) {
        size_t bytes = cache_bytes(c);
        empty_to(c, bytes > left ? bytes - left : 0);
        if (cache_bytes(c) == 0) give_slots(c);
        bytes -= cache_bytes(c);
        left -= bytes < left ? bytes : left;
    }
    cache_go(s->crowd);
    return before - cache_sum(s);
}

void cache_look(const struct cache *c, void (*visit)(void *, uint32_t, unsigned),
                void *context) {
    for (unsigned list = 1; list < CACHE_LISTS; list++) {
        const uint32_t *slots =
            is_blocks(list) ? c->blocks[list - CLASSES] : c->small[list];
        for (unsigned i = 0; i < c->n[list]; i++) visit(context, slots[i], list);
    }
}
