/* SPDX-License-Identifier: MIT */
/*
 * Quick lists: blocks at rest, ready to be handed out as they are. Such a block was freed a moment ago,
 * or has been made together with one that was asked for. To every caller its handle is stale, or has
 * not been given yet; to the rooms below it is an unlocked block like any other, which moves when they
 * move it.
 *
 *      entry      place, slot in its run | LOCKS_FREE | the generation its next handle has
 *
 * A list for each class of small objects; and, where the heap has room for their tops, one for each
 * length in units of the larger blocks up to a page. A list is a stack of table slots in chunks of 64
 * bytes, out of a pool that the heap's structure ends with. Places in it count in bytes from the store:
 *
 *      a chunk    link | slot | slot | ... 15 of them
 *      link       QUICK_LINK | chunks up to here:11 | the top of the chunk below:20
 *      top        where the uppermost slot is; or the link, where a chunk is used up
 *      bottom     the last word of the pool's first 64 bytes: a link to nowhere
 *
 * So neither handing out a block nor laying it to rest reads or writes its memory. A top behind the pool, or a
 * slot behind the table, ends the quick way: damage (damage.h) leads no further than into the heap itself. Where the
 * pool ends, `last` below, is told by who calls, as nothing in the heap can be trusted yet (registry_quick_last).
 *
 * Where enough rests on its list, a block waits in a short queue to be freed for good: those of one run,
 * and of one group of the table, together. What rests is garbage that nobody has looked for yet: whoever
 * wants memory, or wants to know about it, calls quick_flush first. Invariant 13.
 */
#ifndef RM_QUICK_H
#define RM_QUICK_H

#include "block.h"
#include "run.h"

enum {
    QUICK_CHUNK = 64, /* bytes */
    QUICK_WORD = 4,   /* of them are a slot or a link */
    QUICK_SLOTS = QUICK_CHUNK / QUICK_WORD - 1,
    QUICK_CHUNKS_MAX = 256,
    QUICK_POOL_SHARE = 512, /* of a heap's memory */
    QUICK_SMALL_DEPTH = 69, /* chunks of one class */
    QUICK_BLOCKS_DEPTH = 5, /* and of one length of larger blocks */
    QUICK_LOW = 512,        /* so many slots more than there are in use */
    QUICK_TOP_BITS = 20     /* of a link */
};
#define QUICK_LINK UINT32_C(0x80000000)

/* Chunks of the pool of a heap of so many bytes (0: without a limit), the bottom's included. */
static inline uint32_t quick_chunks(size_t bytes) {
    size_t n = bytes / QUICK_POOL_SHARE / QUICK_CHUNK + 1;
    return bytes == 0 || n > QUICK_CHUNKS_MAX ? QUICK_CHUNKS_MAX : (uint32_t)n;
}
/* The bottom of every list. */
static inline uint32_t quick_bottom(const struct quick *q) {
    return q->pool + QUICK_CHUNK - QUICK_WORD;
}
/* The last word that can be a top: the pool's. */
static inline uint32_t quick_last(const struct quick *q) {
    return q->pool + q->n_chunks * QUICK_CHUNK - QUICK_WORD;
}
/* Is there no word above a top in its chunk? Nor is there above one that is none, between the last two words. */
static inline bool quick_is_full(uint32_t top) {
    return top % QUICK_CHUNK > QUICK_CHUNK - 2 * QUICK_WORD;
}
/* The word at a top. */
static inline char *quick_word(const struct store *s, uint32_t top) {
    return (char *)s + top;
}

/* Nothing rests. `tops` of the lists of larger blocks; or NULL: there are none. */
void quick_init(struct store *s, uint32_t pool, uint32_t n_chunks, uint32_t *tops);

/* From now on nothing rests for longer than it takes to free some together. */
void quick_disable(struct store *s);

/* Does anything? How much does it take? O(chunks in use). */
static inline bool quick_any(const struct store *s) {
    return s->quick.n_used + s->quick.n_queued > 0;
}
uint32_t quick_count(const struct store *s);
size_t quick_bytes(const struct store *s);

/* Free up to `most` of them, for good; true: none is left. */
bool quick_flush_some(struct store *s, uint32_t most);
static inline void quick_flush(struct store *s) {
    if (quick_any(s)) quick_flush_some(s, UINT32_MAX);
}

/* Free the memory that an entry names, which no entry needs any more. */
void quick_free_place(struct store *s, uint64_t e);

/* --- taking --- */

/* Take an object for `size` bytes, 1 to SMALL_MAX: its slot, live again, whose block is placed and
   named, and its entry. False: the uppermost chunk has none. */
static inline bool quick_take(struct store *s, uint32_t last, size_t size,
                              uint32_t *taken, uint64_t *entry) {
    uint32_t *list = &s->quick.small[class_of(size)], top = *list;
    if (unlikely(top > last)) return false;
    uint32_t slot = load32(quick_word(s, top));
    if (unlikely(slot - 1 >= QUICK_LINK - 1) || unlikely(slot >= s->table.n_slots))
        return false;
    *list = top - QUICK_WORD;
    char *at = store_slot(s, slot);
    *entry = word_load(at) + shape_to_live(size);
    word_store(at, *entry);
    *taken = slot;
    return true;
}
/* The same of any size up to SMALL_MAX, and from whatever rests there. */
uint32_t quick_take_any(struct store *s, size_t size);
/* The same for a medium block. */
uint32_t quick_take_block(struct store *s, size_t size);

/* Take up to `most` blocks for requests of `size` out to a thread's cache (cache.h): their entries say so,
   the last of `slots` is to be used first. Returns how many. And put some back: of a class; 0: larger ones. */
unsigned quick_take_some(struct store *s, size_t size, unsigned most, uint32_t *slots);
void quick_return(struct store *s, unsigned class_id, const uint32_t *slots, unsigned n);

/* Lay objects of a class to rest that have not been asked for yet, as many as one run and one group of
   the table have free slots for, without more memory than the next one would need. False: none. */
bool quick_refill(struct store *s, unsigned class_id);

/* Whom a request of `size` bytes, at the alignment rule, would be given without anything but the list and the
   slot's entry being changed; SLOT_NIL: it would take more. */
uint32_t quick_next(const struct store *s, size_t size);

/* --- putting --- */

/* Lay an unlocked plain object to rest, whose entry is `e`, at `at`. Its memory is not read. False: slowly, then. */
static inline bool quick_put(struct store *s, uint32_t last, uint32_t slot, char *at,
                             uint64_t e) {
    size_t size = shape_size(e);
    uint32_t *list = &s->quick.small[class_of(size)], top = *list;
    if (unlikely(slot >= s->quick.high) || unlikely(top > last) ||
        unlikely(entry_generation(e) == GENERATION_DROP_MAX - 1) ||
        unlikely(quick_is_full(top)))
        return false;
    s->requested -= size;
    *list = top + QUICK_WORD;
    store32(quick_word(s, top + QUICK_WORD), slot);
    word_store(at, shape_to_rest(e));
    return true;
}
/* The same of a block of either kind for which there is no chunk: it waits to be freed, with others. False: it does
   not, or the last of them has come. `tops` as below. */
bool quick_queue(struct store *s, uint32_t last, const uint32_t *tops, uint32_t slot,
                 char *at, uint64_t e);
/* Would laying it to rest change nothing but its list and its entry? */
bool quick_has_room(const struct store *s, uint32_t slot, uint64_t e);
/* The same, one way or the other. */
void quick_put_slowly(struct store *s, uint32_t slot, uint64_t e);
/* The same of a medium block, given the tops of their lists; and taking one: SLOT_NIL: slowly, then. */
static inline bool quick_put_medium(struct store *s, uint32_t last, uint32_t *tops,
                                    uint32_t slot, char *at, uint64_t e) {
    size_t size = shape_medium_size(e);
    if (size > QUICK_SIZE_MAX) return false;
    uint32_t *list = &tops[block_units(size, false) - QUICK_UNITS_MIN], top = *list;
    if (slot >= s->quick.high || top > last ||
        entry_generation(e) == GENERATION_DROP_MAX - 1 || quick_is_full(top))
        return false;
    s->requested -= size;
    *list = top + QUICK_WORD;
    store32(quick_word(s, top + QUICK_WORD), slot);
    word_store(at, entry_resting(e));
    return true;
}
static inline uint32_t quick_take_medium(struct store *s, uint32_t last, uint32_t *tops,
                                         size_t size, uint64_t *entry) {
    if (size <= SMALL_MAX || size > QUICK_SIZE_MAX) return SLOT_NIL;
    uint32_t *list = &tops[block_units(size, false) - QUICK_UNITS_MIN], top = *list;
    if (top > last) return SLOT_NIL;
    uint32_t slot = load32(quick_word(s, top));
    if (slot - 1 >= QUICK_LINK - 1 || slot >= s->table.n_slots) return SLOT_NIL;
    *list = top - QUICK_WORD;
    uint64_t e = word_load(store_slot(s, slot));
    e = entry_moved(e, entry_place(e), shape_of_block(size, false));
    *entry = e + LOCKS_NONE * ENTRY_LOCK_ONE;
    word_store(store_slot(s, slot), *entry);
    return slot;
}
/* The same of a medium block. False: there is no list for it. */
bool quick_put_block(struct store *s, uint32_t slot, uint64_t e);

#endif
