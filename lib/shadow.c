/* SPDX-License-Identifier: MIT */
#include "shadow.h"

#include <inttypes.h>
#include <stdio.h>

#include "bytes.h"
#include "move.h"
#include "tool.h"

/* Bytes from a block that an overrun may be meant for it; and how many blocks are named that had an address. */
enum { NEAR = 64, REPORT_MOST = 3 };
enum { POOL_SLOTS = 64 };
/* It has stacks of its own: here so many frames are enough to get out of the library. */
enum { MADE_FRAMES = 9 };

static struct shadow *all; /* changed while the registry is locked alone */

static bool memcheck(void) { return tool_watching() == TOOL_MEMCHECK; }

/* --- bits that are not defined --- */

static void forget_bits(struct shadow *sh, struct note *note) {
    aside_free(sh->aside, note->bits, note->bits_size);
    note->bits = NULL;
    note->bits_size = 0;
    note->undefined = false;
}

/* Room for the bits of so many bytes; what there were of them stay, and none of the rest is defined. */
static void make_bits(struct shadow *sh, struct note *note, size_t bytes) {
    size_t kept = note->bits_size < bytes ? note->bits_size : bytes;
    unsigned char *bits = aside_alloc(sh->aside, bytes);
    if (bits != NULL) {
        if (kept > 0) memcpy(bits, note->bits, kept);
        memset(bits + kept, 0xff, bytes - kept);
    }
    forget_bits(sh, note); /* without memory they count as defined */
    note->bits = bits;
    note->bits_size = bits != NULL ? bytes : 0;
}

/* A shown block is about to be hidden. */
static void save_bits(struct shadow *sh, const struct heap_block *b) {
    struct note *note = notes_of(sh->notes, b->slot);
    if (note == NULL) return;
    forget_bits(sh, note);
    if (b->size == 0 || tool_defined(b->address, b->size)) return;
    make_bits(sh, note, b->size);
    if (note->bits == NULL || !tool_get_bits(b->address, note->bits, b->size))
        forget_bits(sh, note); /* its user has hidden some of it */
}

/* A block that is not shown has another size. */
static void resize_bits(struct shadow *sh, uint32_t slot, size_t before, size_t after) {
    struct note *note = notes_of(sh->notes, slot);
    if (note == NULL || note->undefined) return;
    if (note->bits == NULL) {
        if (after <= before) return;
        make_bits(sh, note, after);
        if (note->bits != NULL) memset(note->bits, 0, before);
    } else {
        make_bits(sh, note, after);
    }
}

/* --- hiding and showing --- */

static void hide(struct shadow *sh, const struct heap_block *b) {
    if (memcheck()) save_bits(sh, b);
    tool_hide(b->address, round_up(b->size, 8));
}

/* What memcheck knows of these bytes is not so any more. Returns which has room for something else then. */
static unsigned drop_said(struct shadow *sh, const char *low, const char *end) {
    unsigned room = SHADOW_SAID;
    for (unsigned i = 0; i < SHADOW_SAID; i++) {
        if (!sh->said[i].used || sh->said[i].low >= end || sh->said[i].end <= low)
            continue;
        tool_note_drop(sh->said[i].note);
        sh->said[i].used = false;
        room = i;
    }
    return room;
}

static void show(struct shadow *sh, const struct heap_block *b) {
    const struct note *note = notes_of(sh->notes, b->slot);
    if (!memcheck()) {
        tool_show(b->address, b->size);
        return;
    }
    drop_said(sh, b->address, b->address + b->size);
    if (note == NULL || (note->bits == NULL && !note->undefined)) {
        tool_show(b->address, b->size);
        return;
    }
    tool_undefine(b->address, b->size);
    if (note->bits != NULL)
        tool_set_bits(b->address, note->bits,
                      b->size < note->bits_size ? b->size : note->bits_size);
}

/* From now on somebody reads, or nobody does any more: blocks that are not locked are shown, or hidden. */
static void turn_all(struct shadow *sh) {
    const struct table *t = &sh->heap->store.table;
    for (uint32_t slot = 0; slot < t->n_slots; slot++) {
        if (!table_live(t, slot)) continue;
        struct heap_block b = heap_look(sh->heap, slot);
        if (b.locks > 0) continue;
        if (sh->held)
            show(sh, &b);
        else
            hide(sh, &b);
    }
}

static bool somebody_reads(const struct crowd *crowd) {
    if (crowd->held > 0) return true;
    for (const struct cache *c = crowd->caches; c != NULL; c = c->next)
        if (__atomic_load_n(&c->holds, __ATOMIC_ACQUIRE) != 0) return true;
    return false;
}

/* --- names --- */

/* The pool of a slot, and of those beside it: memcheck sorts a whole pool when it renames a block. */
static struct note *pool(const struct shadow *sh, uint32_t slot) {
    return notes_of(sh->notes, slot - slot % POOL_SLOTS);
}

/* What is shown of the bytes beside a block that is about to be named; and show it again. */
struct beside {
    char *at[2];
    bool shown[2][TOOL_BESIDE];
    unsigned char bits[2][TOOL_BESIDE];
};
static void look_beside(struct beside *is, const struct heap_block *b) {
    is->at[0] = b->address - TOOL_BESIDE;
    is->at[1] = b->address + b->size;
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < TOOL_BESIDE; i++)
            is->shown[side][i] = tool_get_bits(is->at[side] + i, &is->bits[side][i], 1);
}
static void show_beside(const struct beside *is) {
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < TOOL_BESIDE; i++) {
            if (!is->shown[side][i]) continue;
            tool_show(is->at[side] + i, 1);
            tool_set_bits(is->at[side] + i, &is->bits[side][i], 1);
        }
}

static void name(struct shadow *sh, const struct heap_block *b) {
    struct note *note = notes_of(sh->notes, b->slot), *first = pool(sh, b->slot);
    struct beside beside;
    if (!first->pool) tool_pool_open(first);
    first->pool = true;
    look_beside(&beside, b);
    tool_named(first, b->address, b->size);
    show_beside(&beside);
    note->named = b->address;
    note->named_size = b->size;
}

static void unname(struct shadow *sh, uint32_t slot) {
    struct note *note = notes_of(sh->notes, slot);
    if (note->named == NULL) return;
    /* Elsewhere: what lies beside a block that is freed is hidden as well. */
    tool_renamed(pool(sh, slot), note->named, sh->grave + sizeof sh->grave / 2, 1);
    tool_unnamed(pool(sh, slot), sh->grave + sizeof sh->grave / 2);
    note->named = NULL;
}

static void rename_to(struct shadow *sh, uint32_t slot, char *to, size_t size) {
    struct note *note = notes_of(sh->notes, slot);
    if (note == NULL || note->named == NULL) return;
    tool_renamed(pool(sh, slot), note->named, to, size);
    note->named = to;
    note->named_size = size;
}

/* What lies there was this block, to memcheck. */
static void say(struct shadow *sh, struct note *note, const char *is) {
    char what[256];
    if (!memcheck() || note == NULL || note->given == NULL || note->given_size == 0)
        return;
    unsigned i = drop_said(sh, note->given, note->given + note->given_size);
    if (i == SHADOW_SAID) i = sh->n_said++ % SHADOW_SAID;
    if (sh->said[i].used) tool_note_drop(sh->said[i].note);
    snprintf(what, sizeof what,
             "block that is %s (handle 0x%" PRIx64 ", allocated at %s)", is, note->handle,
             notes_where(sh->notes, note));
    sh->said[i].low = note->given;
    sh->said[i].end = note->given + note->given_size;
    sh->said[i].note = tool_note(note->given, note->given_size, what);
    sh->said[i].used = true;
}

static void name_aside(struct shadow *sh, uint32_t slot) {
    rename_to(sh, slot, (char *)notes_of(sh->notes, slot),
              1); /* where no other name is */
}

static void name_again(struct shadow *sh, uint32_t slot) {
    struct heap_block b = heap_look(sh->heap, slot);
    rename_to(sh, slot, b.address, b.size);
}

static void each_moved(struct shadow *sh, void (*rename)(struct shadow *, uint32_t)) {
    const struct table *t = &sh->heap->store.table;
    bool some = sh->moves.n <= MOVES_MOST;
    uint32_t n = some ? sh->moves.n : t->n_slots;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = some ? sh->moves.slots[i] : i;
        if (table_live(t, slot)) rename(sh, slot);
    }
}

/* The names of blocks that have moved follow. Where one goes another's name may still be: so all are taken away
   first. */
static void follow(struct shadow *sh) {
    if (sh->moves.n == 0) return;
    each_moved(sh, name_aside);
    each_moved(sh, name_again);
    sh->moves.n = 0;
}

/* --- reports of ASan's --- */

/* The live block that an address lies in, or, if it is none's, beside. */
static uint32_t find_live(const struct shadow *sh, const char *address,
                          struct heap_block *found) {
    const struct table *t = &sh->heap->store.table;
    uint32_t beside = SLOT_NIL;
    for (uint32_t slot = 0; slot < t->n_slots; slot++) {
        if (!table_live(t, slot)) continue;
        struct heap_block b = heap_look(sh->heap, slot);
        bool inside = address >= b.address && address < b.address + b.size;
        bool close = b.locks > 0 && address + NEAR >= b.address &&
                     address < b.address + b.size + NEAR;
        if (!inside && (!close || beside != SLOT_NIL)) continue;
        *found = b;
        beside = slot;
        if (inside) return slot;
    }
    return beside;
}

/* Whose it was, the last one first, and whose it is. */
static void report_in(const struct shadow *sh, const char *address) {
    struct heap_block b = {.slot = SLOT_NIL};
    uint32_t slot = find_live(sh, address, &b);
    const struct note *has = slot != SLOT_NIL ? notes_of(sh->notes, slot) : NULL;
    const struct note *had = notes_who_had(sh->notes, address, UINT64_MAX);
    if (had == NULL && has == NULL)
        notes_print("rmalloc: %p is in a heap, in no block that was locked there\n",
                    (const void *)address);
    for (unsigned i = 0; had != NULL && i < REPORT_MOST; i++) {
        notes_say(had, address, had->given);
        if (had == has) has = NULL;
        had = notes_who_had(sh->notes, address, had->when);
    }
    if (has != NULL) notes_say(has, address, b.address);
}

static void report(const char *address) {
    for (const struct shadow *sh = all; sh != NULL; sh = sh->next)
        if (address >= sh->low - NEAR && address < sh->end) report_in(sh, address);
}

/* --- the heap --- */

static const char *area_end(const struct shadow *sh) {
    const struct area *a = &sh->heap->store.area;
    return area_at(a, a->limit);
}

/* The border has moved. */
static void follow_border(struct shadow *sh) {
    const char *end = area_end(sh);
    if (end > sh->end) tool_hide(sh->end, (size_t)(end - sh->end));
    if (end < sh->end) tool_show(end, (size_t)(sh->end - end));
    sh->end = end;
}

void shadow_open(struct shadow *sh, struct heap *h, struct notes *notes,
                 struct aside *aside, const char *low, size_t bytes) {
    *sh = (struct shadow){.heap = h, .notes = notes, .aside = aside};
    sh->low = sh->end = h->store.area.base;
    sh->root = low;
    sh->root_bytes = bytes;
    sh->next = all;
    all = sh;
    if (memcheck()) {
        h->store.moves = &sh->moves;
        notes->n_made = MADE_FRAMES;
        notes->n_last = 0;
    } else {
        bytes_unseen = true;
        tool_on_report(report);
        tool_root(low, bytes);
    }
    follow_border(sh);
}

static void close_pools(const struct shadow *sh) {
    for (uint32_t slot = 0; slot < sh->n_slots; slot += POOL_SLOTS) {
        struct note *first = notes_of(sh->notes, slot);
        if (first != NULL && first->pool) tool_pool_close(first);
    }
}

void shadow_close(struct shadow *sh) {
    struct shadow **link = &all;
    while (*link != sh) link = &(*link)->next;
    *link = sh->next;
    for (unsigned i = 0; i < SHADOW_SAID; i++)
        if (sh->said[i].used) tool_note_drop(sh->said[i].note);
    if (memcheck())
        close_pools(sh);
    else
        tool_unroot(sh->root, sh->root_bytes);
    tool_show(sh->low,
              (size_t)(sh->end + HEADER - sh->low)); /* and beside the last block */
}

void shadow_begin(struct shadow *sh) {
    (void)sh;
    if (memcheck()) tool_begin();
}

void shadow_settle(struct shadow *sh) {
    struct store *s = &sh->heap->store;
    if (s->mover.slot != SLOT_NIL && somebody_reads(s->crowd)) move_finish(s);
}

void shadow_end(struct shadow *sh) {
    follow(sh);
    bool held = somebody_reads(sh->heap->store.crowd);
    follow_border(sh);
    if (held != sh->held) {
        sh->held = held;
        turn_all(sh);
    }
    if (memcheck()) tool_end();
}

void shadow_outside(void) {
    if (memcheck()) tool_end();
}

void shadow_inside(void) {
    if (memcheck()) tool_begin();
}

/* --- blocks --- */

void shadow_made(struct shadow *sh, const struct heap_block *b, bool zero) {
    struct note *note = notes_made(sh->notes, b->slot, b->handle, b->size);
    follow(sh);
    follow_border(sh);
    if (memcheck() && note != NULL) {
        if (b->slot >= sh->n_slots) sh->n_slots = b->slot + 1;
        name(sh, b);
        tool_hide(b->address, b->size);
        note->undefined = !zero;
    }
    if (sh->held) show(sh, b);
}

/* Of a word that is shown in part memcheck takes the rest to be undefined: the library must not find its own there. */
void shadow_lessens(struct shadow *sh, const struct heap_block *b, size_t size) {
    if (b->locks == 0 && !sh->held) return;
    tool_hide(b->address + size, round_up(b->size, 8) - size);
}

void shadow_freed(struct shadow *sh, const struct heap_block *b) {
    notes_freed(sh->notes, b->slot);
    struct note *note = notes_of(sh->notes, b->slot);
    follow(sh);
    if (note != NULL) {
        forget_bits(sh, note);
        unname(sh, b->slot);
        say(sh, note, "freed");
    }
}

void shadow_locked(struct shadow *sh, const struct heap_block *b) {
    notes_locked(sh->notes, b->slot, b->address, b->locks);
    if (b->locks == 1 && !sh->held) show(sh, b);
}

void shadow_unlocked(struct shadow *sh, const struct heap_block *b) {
    notes_unlocked(sh->notes, b->slot, b->locks);
    if (b->locks > 0 || sh->held) return;
    hide(sh, b);
    say(sh, notes_of(sh->notes, b->slot), "not locked");
}

void shadow_resized(struct shadow *sh, const struct heap_block *before,
                    const struct heap_block *after) {
    notes_resized(sh->notes, after->slot, after->size);
    follow(sh);
    follow_border(sh);
    if (after->locks == 0 && !sh->held) {
        if (memcheck()) resize_bits(sh, after->slot, before->size, after->size);
    } else if (memcheck()) {
        if (after->size > before->size)
            tool_undefine(after->address + before->size, after->size - before->size);
    } else {
        tool_show(after->address, after->size);
    }
    rename_to(sh, after->slot, after->address, after->size);
}
