/* SPDX-License-Identifier: MIT */
#include "quick.h"

#include "ebb.h"
#include "small.h"

/* --- stacks in chunks --- */

static uint32_t *block_list(struct store *s, unit_t units) {
    return &s->quick.blocks[units - QUICK_UNITS_MIN];
}

/* A top, or the vacant chunk, that lies in the pool. Of one that does not, nothing is read. */
static uint32_t in_pool(const struct quick *q, uint32_t top) {
    SOUND(top - q->pool < q->n_chunks * QUICK_CHUNK && top % QUICK_WORD == 0);
    return top;
}

/* The chunk of a top, and the top of the chunk below its link. */
static uint32_t chunk_of(uint32_t top) { return top & ~(uint32_t)(QUICK_CHUNK - 1); }
static uint32_t link_top(uint32_t link) {
    return link & (uint32_t)bit_mask(QUICK_TOP_BITS);
}
static uint32_t link_depth(uint32_t link) {
    return (link & ~QUICK_LINK) >> QUICK_TOP_BITS;
}

void quick_init(struct store *s, uint32_t pool, uint32_t n_chunks, uint32_t *tops) {
    struct quick *q = &s->quick;
    *q = (struct quick){.pool = pool, .n_chunks = n_chunks, .fresh = 1, .blocks = tops};
    store32(quick_word(s, pool), QUICK_LINK);
    store32(quick_word(s, quick_bottom(q)), QUICK_LINK);
    for (unsigned c = 0; c < CLASSES; c++) q->small[c] = quick_bottom(q);
    for (unsigned i = 0; tops != NULL && i < QUICK_BLOCKS; i++) tops[i] = quick_bottom(q);
}

/* A chunk on top of a stack, whose uppermost is full; false: that has `depth`, or the pool none left. */
static bool add_chunk(struct store *s, uint32_t *list, unsigned depth) {
    struct quick *q = &s->quick;
    uint32_t chunk = q->vacant;
    uint32_t has = link_depth(load32(quick_word(s, chunk_of(in_pool(q, *list)))));
    if (has == depth || q->off) return false;
    if (chunk != 0)
        q->vacant = load32(quick_word(s, in_pool(q, chunk)));
    else if (q->fresh < q->n_chunks)
        chunk = q->pool + (q->n_chunks - q->fresh++) * QUICK_CHUNK; /* as in store.h */
    else
        return false;
    store32(quick_word(s, chunk), QUICK_LINK | (has + 1) << QUICK_TOP_BITS | *list);
    q->n_used++;
    *list = chunk;
    return true;
}

static void push(struct store *s, uint32_t *list, uint32_t slot) {
    SOUND(in_pool(&s->quick, *list) % QUICK_CHUNK != QUICK_CHUNK - QUICK_WORD);
    *list += QUICK_WORD;
    store32(quick_word(s, *list), slot);
}

/* The uppermost slot, taken; used up chunks on the way are given back. SLOT_NIL: there is none. */
static uint32_t pop(struct store *s, uint32_t *list) {
    struct quick *q = &s->quick;
    uint32_t word;
    while ((word = load32(quick_word(s, in_pool(q, *list)))) >= QUICK_LINK) {
        if (*list == quick_bottom(q)) return SLOT_NIL;
        SOUND(*list % QUICK_CHUNK == 0);
        store32(quick_word(s, *list), q->vacant);
        q->vacant = *list;
        q->n_used--;
        *list = link_top(word);
    }
    *list -= QUICK_WORD;
    return table_named(&s->table, word);
}

static uint32_t count(const struct store *s, uint32_t list) {
    uint32_t n = 0, chunks = 0;
    while (list != quick_bottom(&s->quick)) {
        in_pool(&s->quick, list);
        SOUND(chunks++ < s->quick.n_chunks);
        n += list % QUICK_CHUNK / QUICK_WORD;
        list = link_top(load32(quick_word(s, chunk_of(list))));
    }
    return n;
}

uint32_t quick_count(const struct store *s) {
    const struct quick *q = &s->quick;
    uint32_t n = q->n_queued;
    for (unsigned c = 1; c < CLASSES; c++) n += count(s, q->small[c]);
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++)
        n += count(s, q->blocks[i]);
    return n;
}

size_t quick_bytes(const struct store *s) {
    const struct quick *q = &s->quick;
    size_t bytes = 0;
    if (q->n_used == 0) return 0;
    for (unsigned c = 1; c < CLASSES; c++)
        bytes += (size_t)count(s, q->small[c]) * size_classes[c].stride;
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++)
        bytes += count(s, q->blocks[i]) * units_bytes(QUICK_UNITS_MIN + i);
    return bytes;
}

/* --- for good --- */

void quick_free_place(struct store *s, uint64_t e) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) != SPAN_RUN) {
        block_free(s, span);
        return;
    }
    struct run r = run_at_header(s, span, header);
    small_free_some(s, &r, UINT64_C(1) << run_index(s, &r, e));
}

/* Slots from here on do not rest, or the table could not shrink. */
static void note_high(struct store *s) {
    if (unlikely(s->quick.off)) return;
    s->quick.high = s->table.n_taken + s->table.n_taken / 32 + QUICK_LOW;
}

void quick_disable(struct store *s) {
    quick_flush(s);
    s->quick.off = true;
    s->quick.high = 0;
}

/* Blocks on their way out, which are on no list any more. */
enum { BATCH = QUICK_QUEUE };
struct leaving {
    uint64_t entry;
    uint32_t slot;
    unit_t span;
};

/* Free their memory, those of one run that stand together at once. */
static void free_places(struct store *s, struct leaving *batch, unsigned n) {
    for (unsigned i = 0; i < n;) {
        unit_t span = batch[i].span;
        uint64_t header = area_header(&s->area, span), objects = 0;
        if (header_kind(header) != SPAN_RUN) {
            block_free(s, span);
            i++;
            continue;
        }
        for (; i < n && batch[i].span == span; i++)
            objects |= UINT64_C(1) << shape_index(batch[i].entry);
        struct run r = run_at_header(s, span, header);
        small_free_some(s, &r, objects);
    }
}

/* The same of their slots, by groups. */
static void free_slots(struct store *s, struct leaving *batch, unsigned n) {
    for (unsigned i = 0; i < n;) {
        uint32_t group = batch[i].slot & ~63u;
        uint64_t slots = 0;
        for (; i < n && (batch[i].slot & ~63u) == group; i++) {
            uint64_t generation = entry_generation(batch[i].entry);
            table_set(&s->table, batch[i].slot, generation << ENTRY_GENERATION_SHIFT);
            slots |= UINT64_C(1) << (batch[i].slot & 63);
        }
        table_give_some(&s->table, group, slots);
    }
}

/* The span of an object at rest of a class, which its entry does not say. */
static unit_t resting_span(const struct store *s, uint64_t e, unsigned class_id) {
    if (class_id == 0) return entry_span(s, e);
    unit_t span = object_span(e, slot_offset(&size_classes[class_id], shape_slot(e)));
    SOUND(span < s->area.limit);
    return span;
}

/* Free blocks at rest that are on no list any more: objects of a class; 0: whose entries say theirs, or
   larger blocks. What each needs is asked for before the first is freed. */
static void free_batch(struct store *s, const uint32_t *slots, unsigned n,
                       unsigned class_id) {
    struct leaving batch[BATCH];
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(table_slot(&s->table, slots[i]), 1);
    for (unsigned i = 0; i < n; i++) {
        uint64_t e = table_entry(&s->table, slots[i]);
        batch[i] = (struct leaving){e, slots[i], resting_span(s, e, class_id)};
        __builtin_prefetch(area_at(&s->area, batch[i].span), 1);
        __builtin_prefetch(table_slot(&s->table, slots[i] & ~63u), 1);
    }
    free_places(s, batch, n);
    free_slots(s, batch, n);
    note_high(s);
}

static void drain(struct store *s) {
    struct quick *q = &s->quick;
    uint32_t n = q->n_queued;
    SOUND(n <= QUICK_QUEUE);
    for (unsigned i = 0; i < n; i++) table_named(&s->table, q->queue[i]);
    q->n_queued = 0;
    free_batch(s, q->queue, n, 0);
    if (ebb_due(s)) ebb(s);
}

/* Free what one list holds, the last laid to rest first; returns how many more may go. */
static uint32_t flush_list(struct store *s, uint32_t *list, unsigned class_id,
                           uint32_t most) {
    uint32_t slots[BATCH];
    unsigned n = 0;
    while (most > 0 && (slots[n] = pop(s, list)) != SLOT_NIL) {
        most--;
        if (++n < BATCH) continue;
        free_batch(s, slots, n, class_id);
        n = 0;
    }
    free_batch(s, slots, n, class_id);
    return most;
}

bool quick_flush_some(struct store *s, uint32_t most) {
    struct quick *q = &s->quick;
    drain(s);
    for (unsigned c = 1; c < CLASSES && q->n_used > 0; c++)
        most = flush_list(s, &q->small[c], c, most);
    for (unsigned i = 0; q->blocks != NULL && q->n_used > 0 && i < QUICK_BLOCKS; i++)
        most = flush_list(s, &q->blocks[i], 0, most);
    SOUND(most == 0 ||
          q->n_used == 0); /* else whoever flushes until nothing rests does so for ever */
    while (s->table.n_taken == 0 && small_drop_kept(s)) continue;
    return !quick_any(s);
}

/* --- to rest --- */

/* Is a slot's next handle better another's? Where lower ones are free, so that the table can shrink;
   and where a high one has been used so often that after the next time it could not be given back. */
static bool is_high(struct store *s, uint32_t slot, uint64_t e) {
    note_high(s);
    return slot >= s->quick.high || (entry_generation(e) == GENERATION_DROP_MAX - 1 &&
                                     slot > QUICK_LOW && slot > s->table.n_slots / 2);
}

bool quick_queue(struct store *s, uint32_t last, const uint32_t *tops, uint32_t slot,
                 char *at, uint64_t e) {
    struct quick *q = &s->quick;
    bool plain = shape_is_plain(e);
    size_t size = plain ? shape_size(e) : shape_medium_size(e);
    if (q->n_queued >= QUICK_QUEUE - 1 || (!plain && size > QUICK_SIZE_MAX)) return false;
    uint32_t top = plain ? q->small[class_of(size)]
                         : tops[block_units(size, false) - QUICK_UNITS_MIN];
    if (top > last) return false;
    if (!is_high(s, slot, e)) {
        uint32_t link = load32(quick_word(s, chunk_of(top)));
        unsigned depth = plain ? QUICK_SMALL_DEPTH : QUICK_BLOCKS_DEPTH;
        if (!quick_is_full(top) || link_depth(link) != depth) return false;
    }
    s->requested -= size;
    word_store(at, entry_resting(e)); /* with its size, so with its class */
    q->queue[q->n_queued++] = slot;
    return true;
}

static void put(struct store *s, uint32_t slot, uint64_t e, uint32_t *list,
                unsigned depth) {
    struct quick *q = &s->quick;
    if (!is_high(s, slot, e) && (!quick_is_full(*list) || add_chunk(s, list, depth))) {
        push(s, list, slot);
        table_set(&s->table, slot,
                  shape_is_plain(e) ? shape_to_rest(e) : entry_resting(e));
        return;
    }
    SOUND(q->n_queued < QUICK_QUEUE);
    table_set(&s->table, slot, entry_resting(e)); /* with its size, so with its class */
    q->queue[q->n_queued++] = slot;
    if (q->n_queued == QUICK_QUEUE) drain(s);
}

bool quick_has_room(const struct store *s, uint32_t slot, uint64_t e) {
    const struct quick *q = &s->quick;
    return shape_is_plain(e) && entry_locks(e) == LOCKS_NONE && slot < q->high &&
           entry_generation(e) != GENERATION_DROP_MAX - 1 &&
           !quick_is_full(q->small[class_of(shape_size(e))]);
}

void quick_put_slowly(struct store *s, uint32_t slot, uint64_t e) {
    size_t size = shape_size(e);
    s->requested -= size;
    put(s, slot, e, &s->quick.small[class_of(size)], QUICK_SMALL_DEPTH);
}

bool quick_put_block(struct store *s, uint32_t slot, uint64_t e) {
    size_t size = shape_medium_size(e);
    if (size > QUICK_SIZE_MAX || s->quick.blocks == NULL) return false;
    s->requested -= size;
    put(s, slot, e, block_list(s, block_units(size, false)), QUICK_BLOCKS_DEPTH);
    return true;
}

bool quick_refill(struct store *s, unsigned class_id) {
    uint32_t *list = &s->quick.small[class_id], slots[QUICK_SLOTS], group;
    if (!add_chunk(s, list, 1)) return false;
    table_extend(&s->table, QUICK_SLOTS);
    if (s->table.n_free == 0) return false;
    unsigned most = small_free_slots(s, class_id), n = 0;
    if (most == 0) return false;
    if (most > QUICK_SLOTS) most = QUICK_SLOTS;
    for (uint64_t bits = table_take_some(&s->table, most, false, &group); bits;
         bits &= bits - 1)
        slots[n++] = group + bit_lowest(bits);
    small_take_some(s, class_id, n, slots);
    s->changes += n; /* as n_taken grows, or store_stamp would not */
    while (n-- > 0) push(s, list, slots[n]); /* the lowest on top */
    note_high(s);
    return true;
}

/* --- from rest --- */

uint32_t quick_take_any(struct store *s, size_t size) {
    unsigned class_id = class_of(size);
    uint32_t slot = pop(s, &s->quick.small[class_id]);
    if (slot == SLOT_NIL) return SLOT_NIL;
    uint64_t e = table_entry(&s->table, slot);
    unsigned i = shape_slot(e);
    if (unlikely(size == 0)) {
        struct run r = run_at(s, resting_span(s, e, class_id));
        e = entry_moved(e, entry_place(e), shape_make(class_id, i, size));
        run_note_size(&r, i, size, false);
        e += LOCKS_NONE * ENTRY_LOCK_ONE;
    } else {
        e += shape_to_live(size);
    }
    table_set(&s->table, slot, e);
    return slot;
}

uint32_t quick_take_block(struct store *s, size_t size) {
    if (size <= SMALL_MAX || size > QUICK_SIZE_MAX || s->quick.blocks == NULL)
        return SLOT_NIL;
    uint32_t slot = pop(s, block_list(s, block_units(size, false)));
    if (slot == SLOT_NIL) return SLOT_NIL;
    uint64_t e = table_entry(&s->table, slot);
    e = entry_moved(e, entry_place(e), shape_of_block(size, false));
    table_set(&s->table, slot, e + LOCKS_NONE * ENTRY_LOCK_ONE);
    return slot;
}

uint32_t quick_next(const struct store *s, size_t size) {
    const struct quick *q = &s->quick;
    if (size - 1 >= QUICK_SIZE_MAX || (size > SMALL_MAX && q->blocks == NULL))
        return SLOT_NIL;
    uint32_t top = size <= SMALL_MAX
                       ? q->small[class_of(size)]
                       : q->blocks[block_units(size, false) - QUICK_UNITS_MIN];
    uint32_t slot = load32(quick_word(s, in_pool(q, top)));
    return slot < QUICK_LINK ? table_named(&s->table, slot) : SLOT_NIL;
}

/* --- out to caches, and back --- */

unsigned quick_take_some(struct store *s, size_t size, unsigned most, uint32_t *slots) {
    uint32_t *list = size <= SMALL_MAX ? &s->quick.small[class_of(size)]
                                       : block_list(s, block_units(size, false));
    uint32_t taken[BATCH];
    unsigned n = 0;
    if (most > BATCH) most = BATCH;
    while (n < most && (taken[n] = pop(s, list)) != SLOT_NIL) n++;
    for (unsigned i = 0; i < n; i++) {
        uint32_t slot = slots[n - 1 - i] = taken[i];
        table_set(&s->table, slot, table_entry(&s->table, slot) + ENTRY_LOCK_ONE);
    }
    return n;
}

/* The entry of an object at rest that is queued: it says its class. */
static uint64_t with_class(uint64_t e, unsigned class_id) {
    uint64_t size = size_classes[class_id].capacity - 1u;
    return e | size << SHAPE_SIZE_SHIFT;
}

void quick_return(struct store *s, unsigned class_id, const uint32_t *slots, unsigned n) {
    struct quick *q = &s->quick;
    note_high(s);
    for (unsigned i = 0; i < n; i++) {
        uint64_t e = table_entry(&s->table, slots[i]) - ENTRY_LOCK_ONE;
        uint32_t *list = &q->small[class_id];
        unsigned depth = QUICK_SMALL_DEPTH;
        if (class_id == 0) {
            SOUND(shape_is_medium(e) && shape_medium_size(e) <= QUICK_SIZE_MAX);
            list = block_list(s, block_units(shape_medium_size(e), false));
            depth = QUICK_BLOCKS_DEPTH;
        }
        bool full = *list % QUICK_CHUNK == QUICK_CHUNK - QUICK_WORD;
        if (slots[i] < q->high && (!full || add_chunk(s, list, depth))) {
            push(s, list, slots[i]);
            table_set(&s->table, slots[i], e);
            continue;
        }
        SOUND(q->n_queued < QUICK_QUEUE);
        table_set(&s->table, slots[i], class_id != 0 ? with_class(e, class_id) : e);
        q->queue[q->n_queued++] = slots[i];
        if (q->n_queued == QUICK_QUEUE) drain(s);
    }
}
