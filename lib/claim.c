/* SPDX-License-Identifier: MIT */
#include "claim.h"

/* --- one block --- */

/* At rest on one of the heap's own lists. */
static bool rests(uint64_t e) { return entry_locks(e) == LOCKS_FREE; }

/* The half-moved block has been claimed already. */
static bool movable(const struct store *s, uint32_t slot, uint64_t e) {
    unsigned locks = entry_locks(e);
    return locks == LOCKS_NONE || rests(e) ||
           (locks == LOCKS_MOVING && slot == s->mover.slot);
}

bool claim_movable(struct store *s, uint32_t slot) {
    return movable(s, slot, many_end(s, slot));
}

bool claim_one_slowly(struct store *s, uint32_t slot, unsigned state, uint64_t *e) {
    *e = many_end(s, slot);
    if (entry_locks(*e) != LOCKS_NONE || !s->concurrent) return movable(s, slot, *e);
    uint64_t claimed = entry_with_locks(*e, state);
    if (!table_swap(&s->table, slot, e, claimed)) return false;
    *e = claimed;
    return true;
}

bool claim_publish_slowly(struct store *s, uint32_t slot, uint64_t e, uint64_t to) {
    if (rests(e)) {
        table_set(&s->table, slot, to);
        return true;
    }
    if (table_swap(&s->table, slot, &e, entry_with_locks(to, LOCKS_NONE))) return true;
    s->voided++;
    return false;
}

/* --- all of a span --- */

struct members claim_members(const struct store *s, unit_t span) {
    struct members m = {.block = SLOT_NIL, .table = &s->table};
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) != SPAN_RUN) {
        m.block = block_owner(s, h);
    } else {
        m.r = run_at_header(s, span, h);
        m.live = run_live_mask(&m.r);
    }
    return m;
}

bool claim_all_movable(struct store *s, unit_t span) {
    struct members m = claim_members(s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != SLOT_NIL;)
        if (!claim_movable(s, slot)) return false;
    return true;
}

/* A claim is given up. One that is waited for is ours until then; of the others some may have been taken. */
static void drop_one(struct store *s, uint32_t slot, unsigned state) {
    uint64_t e = table_entry(&s->table, slot);
    if (entry_locks(e) == state)
        table_swap(&s->table, slot, &e, entry_with_locks(e, LOCKS_NONE));
}

/* The claims on what comes before the member `end` are given up. What a cache has, which looks as if it were
   waited for, is not among those that have been claimed so. */
static void drop_until(struct store *s, unit_t span, uint32_t end, unsigned state) {
    struct members m = claim_members(s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != end;) drop_one(s, slot, state);
}

void claim_drop(struct store *s, unit_t span, unsigned state) {
    if (s->concurrent) drop_until(s, span, SLOT_NIL, state);
}

bool claim_span_slowly(struct store *s, unit_t span, unsigned state) {
    struct members m = claim_members(s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != SLOT_NIL;) {
        uint64_t e = table_entry(&s->table, slot);
        if (rests(e)) continue;
        if (entry_locks(e) == LOCKS_NONE &&
            table_swap(&s->table, slot, &e, entry_with_locks(e, state)))
            continue;
        drop_until(s, span, slot, state);
        return false;
    }
    return true;
}

bool claim_seal(struct store *s, unit_t span) {
    if (!s->concurrent) return true;
    struct members m = claim_members(s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != SLOT_NIL;) {
        uint64_t e = table_entry(&s->table, slot);
        if (rests(e)) continue;
        bool ours = entry_locks(e) == LOCKS_COPYING;
        if (ours && table_swap(&s->table, slot, &e, entry_with_locks(e, LOCKS_MOVING)))
            continue;
        s->voided++;
        drop_until(s, span, slot, LOCKS_MOVING);
        while ((slot = claim_next(&m)) != SLOT_NIL) drop_one(s, slot, LOCKS_COPYING);
        return false;
    }
    return true;
}

/* --- copying --- */

#if defined(__SANITIZE_THREAD__)
/* Word by word: the sanitizer would see memcpy whoever calls it. */
void claim_copy(void *to, const void *from, size_t bytes) {
    char *t = to;
    const char *f = from;
    for (; bytes >= 8; bytes -= 8, t += 8, f += 8)
        *(volatile uint64_t *)t = *(const volatile uint64_t *)f;
    for (; bytes > 0; bytes--) *(volatile char *)t++ = *(const volatile char *)f++;
}
#endif
