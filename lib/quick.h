/* SPDX-License-Identifier: MIT */
/*
 * Quick lists: blocks freed a moment ago, as they were, for the next request alike. Such a block
 * *rests*: to every caller its handle is stale, to the rooms below it is an unlocked block like
 * any other, which moves when they move it.
 *
 *      entry      place and shape stay | LOCKS_FREE | the generation its next handle has
 *      content    the first 4 bytes link to the one below it on its list
 *
 * A list for each class of small objects; and, where the heap has room for their heads, one for
 * each length in units of the larger blocks up to a page. A link is a reference as in run.h (slot
 * and slack), so that one word tells whether an object comes back at the size it had.
 *
 * Where enough rests on its list, a block waits in a short queue to be freed for good: by the time
 * that is full, what freeing needs of each has come in from memory.
 *
 * What rests is garbage that nobody has looked for yet: whoever wants memory, or wants to know
 * about it, calls quick_flush first. Invariant 13.
 */
#ifndef RM_QUICK_H
#define RM_QUICK_H

#include "block.h"
#include "run.h"

/* The most that rest on a list. */
enum { QUICK_SMALL_MOST = 1024, QUICK_BLOCKS_MOST = 64 };

/* How many rest, and how much they take. O(lists). */
uint32_t quick_count(const struct store *s);
size_t quick_bytes(const struct store *s);

/* Free up to `most` of them, for good; true: none is left. */
bool quick_flush_some(struct store *s, uint32_t most);
static inline void quick_flush(struct store *s) {
    if (s->quick.any) quick_flush_some(s, UINT32_MAX);
}

/* Free the memory that an entry names, which no entry needs any more. */
void quick_free_place(struct store *s, uint64_t e);

/* The list of larger blocks of so many units. */
static inline struct quick_list *quick_blocks(struct store *s, unit_t units) {
    return &s->quick.blocks[units - QUICK_UNITS_MIN];
}

/* Take an object for `size` bytes, at most SMALL_MAX: its slot, live again, whose block is placed and
   named, and its entry. SLOT_NIL: none rests there, or compaction has made it a block; or, where
   `same`, the next one had another size. */
static inline uint32_t quick_take(struct store *s, size_t size, bool same,
                                  uint64_t *entry) {
    unsigned class_id = class_of(size);
    const struct size_class *class = &size_classes[class_id];
    struct quick_list *list = &s->quick.small[class_id];
    uint32_t link = list->head, slot = ref_slot(link);
    unsigned slack = class->capacity - (unsigned)size;
    bool fits = (link & bit_mask(SLACK_BITS)) == slack;
    if (unlikely(link == 0) || (same && !fits)) return SLOT_NIL;
    char *word = table_slot(&s->table, slot);
    uint64_t e = load64(word);
    char *at = s->area.base + entry_place(e);
    if (!same && unlikely(entry_class(e) != class_id)) return SLOT_NIL;
    list->head = load32(at);
    list->n--;
    if (!fits) {
        store32(at + slot_to_ref(class, entry_index(e)), slot << SLACK_BITS | slack);
        e = entry_with_slack(e, slack_code(class, slack));
    }
    e += LOCKS_NONE * ENTRY_LOCK_ONE;
    store64(word, e);
    *entry = e;
    return slot;
}
/* The same where a block has taken the place of an object. */
uint32_t quick_take_any(struct store *s, size_t size);
/* The same for a larger block. */
uint32_t quick_take_block(struct store *s, size_t size);

/* Is a slot's next handle better another's? Where lower ones are free, so that the table can shrink;
   and where a high one has been used so often that soon it could not be given back. */
enum { QUICK_LOW = 512 };
static inline bool quick_high(const struct store *s, uint32_t slot, uint64_t e) {
    uint32_t taken = s->table.n_taken;
    return unlikely(slot > taken + taken / 32 + QUICK_LOW) ||
           (unlikely(entry_generation(e) >= GENERATION_DROP_MAX) && slot > QUICK_LOW &&
            slot > s->table.n_slots / 2);
}

/* Lay an unlocked object of a run to rest, whose entry is `e`; false: the entry does not say its
   size (`odd`: nor does the reference), or enough rests already (`odd`: it is queued). As a rule the
   reference is not read, which may not be at hand. */
void quick_enqueue(struct store *s, uint32_t slot, uint64_t e);
static inline bool quick_put(struct store *s, uint32_t slot, uint64_t e, bool odd) {
    unsigned class_id = entry_class(e), code = entry_slack(e);
    struct quick_list *list = &s->quick.small[class_id];
    const struct size_class *class = &size_classes[class_id];
    char *at = s->area.base + entry_place(e);
    unsigned slack = code << class->slack_shift;
    bool enough = unlikely(list->n >= QUICK_SMALL_MOST) || quick_high(s, slot, e);
    if (!odd && (enough || unlikely(code == SLACK_ODD))) return false;
    if (odd && code == SLACK_ODD) {
        slack = load32(at + slot_to_ref(class, entry_index(e))) & SLACK_WIDE;
        if (unlikely(slack == SLACK_WIDE)) return false;
    }
    s->requested -= class->capacity - slack;
    if (odd && enough) {
        quick_enqueue(s, slot, e);
        return true;
    }
    store32(at, list->head);
    list->head = slot << SLACK_BITS | slack;
    list->n++;
    s->quick.any = true;
    table_set(&s->table, slot, entry_resting(e));
    return true;
}
/* The same of a block with a span of its own, whose header is `h`. */
bool quick_put_block(struct store *s, uint32_t slot, uint64_t e, uint64_t h);

#endif
