/* SPDX-License-Identifier: MIT */
/*
 * The bitmaps. Level 0: slot 64g has bit i set where slot 64g + i is free; its bit 0 is never
 * set. Level k >= 1: the word at slot k of each 64 * 32^k slots has bit i set where the i-th
 * of the 32 words of level k - 1 below it is not zero; its lock field is 0, which reads "free",
 * so that a forged handle that names it is refused like one that names any free slot.
 *
 *      slots    0 [map] 1 [level 1] 2 [level 2] 3 [level 3] 4 [level 4] 5 6 ... 63
 *              64 [map] 65 66 ...
 *            2048 [map] 2049 [level 1] 2050 ...
 */
#include "table.h"

enum { LEVELS = 5 }; /* 64 * 32^4 = 2^26 slots below each word of the highest */

/* log2 of the slots below one word of a level. */
static unsigned level_shift(unsigned level) { return 6 + 5 * level; }

/* The slot of the word of `level` that covers `slot`. */
static uint32_t level_word(unsigned level, uint32_t slot) {
    unsigned shift = level_shift(level);
    return (slot >> shift << shift) + level;
}

bool table_is_bitmap(uint32_t slot) {
    unsigned level = slot & 63;
    return level < LEVELS && (slot & (uint32_t)bit_mask(level_shift(level))) == level;
}

/* Slots of one group are free, one of which is `slot`. */
static void mark(struct table *t, uint32_t slot, uint64_t slots) {
    uint32_t word = level_word(0, slot);
    uint64_t bits = table_entry(t, word);
    table_set(t, word, bits | slots);
    for (unsigned level = 1; bits == 0 && level < LEVELS; level++) {
        word = level_word(level, slot);
        bits = table_entry(t, word);
        uint64_t bit = UINT64_C(1) << (slot >> level_shift(level - 1) & 31);
        table_set(t, word, bits | bit);
    }
    if (slot >> 6 < t->hint) t->hint = slot >> 6;
    t->n_free += bit_count(slots);
}

/* And free no more. */
static void unmark(struct table *t, uint32_t slot, uint64_t slots) {
    uint32_t word = level_word(0, slot);
    uint64_t bits = table_entry(t, word) & ~slots;
    table_set(t, word, bits);
    for (unsigned level = 1; bits == 0 && level < LEVELS; level++) {
        word = level_word(level, slot);
        uint64_t bit = UINT64_C(1) << (slot >> level_shift(level - 1) & 31);
        bits = table_entry(t, word) & ~bit;
        table_set(t, word, bits);
    }
    t->n_free -= bit_count(slots);
}

static uint64_t slot_bit(uint32_t slot) { return UINT64_C(1) << (slot & 63); }

/* The first group of 64 with a free slot; there is one. */
static uint32_t first_group(const struct table *t) {
    uint32_t at =
        0; /* a word's first slot, level by level; the highest are tried in turn */
    while (table_entry(t, at + LEVELS - 1) == 0) {
        at += 1u << level_shift(LEVELS - 1);
        SOUND(at + LEVELS <= t->n_slots);
    }
    for (unsigned level = LEVELS - 1; level > 0; level--) {
        uint64_t bits = table_entry(t, at + level);
        SOUND((uint32_t)bits != 0);
        at += bit_lowest(bits) << level_shift(level - 1);
        SOUND(at + level <= t->n_slots);
    }
    return at >> 6;
}

/* Slots that the next handle in a new slot takes: bitmaps first, then itself. */
static uint32_t fresh_slots(uint32_t n_slots) {
    uint32_t n = 1;
    while (table_is_bitmap(n_slots + n - 1)) n++;
    return n;
}

uint32_t table_wants_slowly(const struct table *t) {
    uint32_t need = t->n_slots + fresh_slots(t->n_slots);
    if (need > TABLE_SLOTS_MAX) return UINT32_MAX;
    return need <= t->room ? 0 : (need - t->room + 1) & ~1u;
}

/* Whoever has no mutex looks at this after a slot's word: what it has read was one then. */
static void set_n_slots(struct table *t, uint32_t n) {
    __atomic_store_n(&t->n_slots, n, __ATOMIC_RELEASE);
}

/* Make the next pairs of slots, up to `n` of them in one group. A pair, so that the table's low end
   stays 16-aligned. */
static void make_pairs(struct table *t, uint32_t n) {
    uint32_t first = t->n_slots, end = (first & ~63u) + 64;
    uint64_t made = 0;
    if (end > first + 2 * n) end = first + 2 * n;
    for (uint32_t slot = first; slot < end; slot++) {
        bool bitmap = slot % 64 < LEVELS && table_is_bitmap(slot);
        table_set(t, slot,
                  bitmap ? 0 : (uint64_t)t->generation << ENTRY_GENERATION_SHIFT);
        if (!bitmap) made |= slot_bit(slot);
    }
    set_n_slots(t, end);
    if (made != 0) mark(t, first, made);
}

void table_set_room(struct table *t, uint32_t room) {
    t->room = room;
    if (room > t->reach) t->reach = room;
}

void table_init(struct table *t, char *top, uint32_t generation) {
    memset(t, 0, sizeof *t);
    t->top = top;
    t->generation = generation;
    table_set_room(t, TABLE_SLOTS_MIN);
    make_pairs(t, TABLE_SLOTS_MIN / 2);
}

/* The free slots of the group nearest the top that has any; `hint` names it then. */
static uint64_t lowest_free(struct table *t) {
    uint64_t bits = t->hint << 6 < t->n_slots ? table_entry(t, t->hint << 6) : 0;
    if (unlikely(bits == 0)) {
        t->hint = first_group(t);
        bits = table_entry(t, t->hint << 6);
    }
    SOUND(bits != 0 && (t->hint << 6) + bit_highest(bits) < t->n_slots);
    return bits;
}

uint32_t table_take_slowly(struct table *t) {
    if (t->n_free == 0 && table_wants(t) != 0) return SLOT_NIL;
    while (t->n_free == 0) make_pairs(t, 1);
    uint64_t bits = lowest_free(t);
    uint32_t slot = (t->hint << 6) + bit_lowest(bits);
    SOUND(entry_is_free(table_entry(t, slot)));
    unmark(t, slot, slot_bit(slot));
    table_set(t, slot, entry_with_locks(table_entry(t, slot), LOCKS_NONE));
    t->n_taken++;
    return slot;
}

void table_extend(struct table *t, unsigned most) {
    uint32_t end = t->room < TABLE_SLOTS_MAX ? t->room : TABLE_SLOTS_MAX;
    while (t->n_free < most && t->n_slots + 2 <= end) {
        uint32_t pairs = (most - t->n_free + 1) / 2, room = (end - t->n_slots) / 2;
        make_pairs(t, pairs < room ? pairs : room);
    }
}

/* Of the free slots of a group those that fill cache lines of their own, up to `most`; none: 0. */
static uint64_t whole_lines(uint32_t group, uint64_t bits, unsigned most) {
    uint64_t taken = 0;
    unsigned bitmaps = 1;
    while (table_is_bitmap(group + bitmaps)) bitmaps++;
    uint64_t there = bits | bit_mask(bitmaps);
    for (uint64_t line = 0xff; line != 0; line <<= 8)
        if ((there & line) == line && bit_count((taken | line) & bits) <= most)
            taken |= line & bits;
    return taken;
}

uint64_t table_take_some(struct table *t, unsigned most, bool apart, uint32_t *group) {
    if (t->n_free == 0) return 0;
    uint64_t bits = lowest_free(t), taken = 0;
    *group = t->hint << 6;
    if (apart) taken = whole_lines(*group, bits, most);
    if (taken == 0) taken = bit_first(bits, most);
    unmark(t, *group, taken);
    t->n_taken += bit_count(taken);
    return taken;
}

void table_give_some(struct table *t, uint32_t group, uint64_t slots) {
    mark(t, group, slots);
    t->n_taken -= bit_count(slots);
}

void table_mark_slowly(struct table *t, uint32_t slot) { mark(t, slot, slot_bit(slot)); }

/* May a slot be given back? It is a bitmap, or free and not so old that the generations of slots
   made anew would come near their end: such a one stays until it has come round. */
static bool may_drop(const struct table *t, uint32_t slot) {
    if (table_is_bitmap(slot)) return true;
    uint64_t e = table_entry(t, slot);
    return entry_is_free(e) && entry_generation(e) <= GENERATION_DROP_MAX;
}

/* The same of everything from `first` to before `end`. */
static bool may_drop_all(const struct table *t, uint32_t first, uint32_t end) {
    while (first < end && may_drop(t, first)) first++;
    return first == end;
}

/* Give the last pair of slots back; both are free or bitmaps. */
static void drop_pair(struct table *t) {
    for (unsigned i = 0; i < 2; i++) {
        uint32_t slot = t->n_slots - 1;
        if (!table_is_bitmap(slot)) {
            unsigned generation = entry_generation(table_entry(t, slot));
            if (generation > t->generation) t->generation = generation;
            unmark(t, slot, slot_bit(slot));
        }
        set_n_slots(t, slot);
    }
}

/* The slots that are left are seen by everyone before anything else is in the others' memory. */
static void slots_dropped(void) {
#ifndef __SANITIZE_THREAD__ /* which knows no fences */
    __atomic_thread_fence(__ATOMIC_RELEASE);
#endif
}

bool table_shrink(struct table *t, bool groups) {
    uint32_t before = t->n_slots;
    while (t->n_slots > TABLE_SLOTS_MIN) {
        uint32_t first = groups ? (t->n_slots - 1) & ~63u : t->n_slots - 2;
        if (groups && (first == 0 || !may_drop_all(t, first - 64, first))) break;
        if (!may_drop_all(t, first, t->n_slots)) break;
        while (t->n_slots > first) drop_pair(t);
    }
    slots_dropped();
    return t->n_slots < before;
}

void table_shrink_some(struct table *t, uint32_t most) {
    for (; most >= 2 && t->n_slots > TABLE_SLOTS_MIN; most -= 2) {
        if (!may_drop_all(t, t->n_slots - 2, t->n_slots)) break;
        drop_pair(t);
    }
    slots_dropped();
}

bool table_any_locked(const struct table *t) {
    for (uint32_t slot = 0; slot < t->n_slots; slot++)
        if (table_live(t, slot) && entry_count(table_entry(t, slot)) > 0) return true;
    return false;
}

uint32_t table_verify(const struct table *t) {
    uint32_t n_free = 0, n_taken = 0;
    for (uint32_t slot = 0; slot < t->n_slots; slot++) {
        if (table_is_bitmap(slot)) {
            unsigned level = slot & 63;
            uint64_t bits = table_entry(t, slot), expected = 0;
            if (level == 0) {
                for (uint32_t i = 1; i < 64 && slot + i < t->n_slots; i++)
                    if (!table_is_bitmap(slot + i) &&
                        entry_is_free(table_entry(t, slot + i)))
                        expected |= UINT64_C(1) << i;
                n_free += bit_count(expected);
                if (expected != 0 && slot >> 6 < t->hint) return slot;
            } else {
                uint32_t first = slot - level;
                for (uint32_t i = 0; i < 32; i++) {
                    uint64_t word =
                        first + ((uint64_t)i << level_shift(level - 1)) + level - 1;
                    if (word < t->n_slots && table_entry(t, (uint32_t)word) != 0)
                        expected |= UINT64_C(1) << i;
                }
            }
            if (bits != expected) return slot;
        } else if (!entry_is_free(table_entry(t, slot))) {
            n_taken++;
        }
    }
    if (n_free != t->n_free || n_taken != t->n_taken) return t->n_slots;
    return TABLE_SOUND;
}
