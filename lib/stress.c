/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "many.h"
#include "motion.h"
#include "move.h"
#include "os.h"

/* Bytes beside a block that may have been meant for it; and bytes that are shown. */
enum { NEAR = 64, SHOWN = 16 };

static size_t stress_bytes(void) { return round_up(sizeof(struct stress), os_page()); }

struct stress *stress_create(struct heap *h, size_t bytes,
                             const struct settings *settings,
                             const struct origins *origins, bool watched) {
    struct stress *t = os_reserve(stress_bytes());
    if (t == NULL) return NULL;
    if (!os_commit(t, stress_bytes())) {
        os_unreserve(t, stress_bytes());
        return NULL;
    }
    *t =
        (struct stress){.when = settings->stress, .origins = origins, .watched = watched};
    t->seed = settings->stress_seed;
    if (t->seed == 0) t->seed = os_now_ns() ^ (uint64_t)getpid() << 32;
    t->scramble.random = t->seed;
    if (!trail_init(&t->trail, bytes) || !mirror_init(&t->mirror, bytes)) {
        stress_destroy(t);
        return NULL;
    }
    /* What is given back, or moved by its pages, cannot be filled. */
    h->store.pages_state = PAGES_STAY;
    h->store.ebb.next = UINT64_MAX;
    h->store.ebb.large = SIZE_MAX;
    return t;
}

void stress_destroy(struct stress *t) {
    trail_finish(&t->trail);
    mirror_finish(&t->mirror);
    os_unreserve(t, stress_bytes());
}

/* --- telling --- */

/* A live block by its slot, where it is now. */
static void tell_block(const struct stress *t, const struct heap *h, uint32_t slot) {
    uint64_t e = table_entry(&h->store.table, slot);
    origin_say("  block    handle %p, %zu bytes, at %p now, %u locks",
               (void *)heap_handle(h, slot), many_size(&h->store, e),
               (void *)(h->store.area.base + entry_place(e)), entry_count(e));
    origin_say("  made at");
    origin_print(t->origins, origin_of(t->origins, slot));
}

/* Is the block of a departure still live? */
static bool lives(const struct heap *h, const struct departure *d) {
    uint32_t slot = handle_slot(d->handle);
    return table_live(&h->store.table, slot) &&
           (uint64_t)(uintptr_t)heap_handle(h, slot) == d->handle;
}

static void tell_departure(const struct stress *t, const struct heap *h,
                           const struct departure *d, size_t place) {
    uint32_t slot = handle_slot(d->handle);
    origin_say("  offset   %zu in the place of a block of %zu bytes, %s",
               place - d->place, d->size,
               d->freed ? "until it was freed" : "from where it has moved");
    if (lives(h, d)) {
        tell_block(t, h, slot);
        return;
    }
    origin_say("  block    handle %p, %zu bytes, freed", (void *)(uintptr_t)d->handle,
               d->size);
    origin_say("  made at");
    bool reused = table_live(&h->store.table, slot);
    origin_print(t->origins, reused ? ORIGIN_NONE : origin_of(t->origins, slot));
}

/* The live block that a place is in, or nearest to; SLOT_NIL: none is near. `*offset` is from its beginning. */
static uint32_t block_near(const struct heap *h, size_t place, ptrdiff_t *offset) {
    const struct store *s = &h->store;
    uint32_t nearest = SLOT_NIL;
    size_t least = NEAR;
    for (uint32_t slot = 0; slot < s->table.n_slots; slot++) {
        if (!table_live(&s->table, slot)) continue;
        uint64_t e = table_entry(&s->table, slot);
        size_t begin = entry_place(e), end = begin + many_size(s, e), away = 0;
        if (place < begin)
            away = begin - place;
        else if (place >= end)
            away = place - end + 1;
        if (away >= least) continue;
        least = away;
        nearest = slot;
        *offset = (ptrdiff_t)(place - begin);
    }
    return nearest;
}

static void show(const struct store *s, const struct mirror_difference *d) {
    char hex[3 * SHOWN + 1] = "";
    size_t n = d->bytes < SHOWN ? d->bytes : SHOWN;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = (unsigned char)s->area.base[d->place + i];
        hex[3 * i] = ' ';
        hex[3 * i + 1] = "0123456789abcdef"[byte >> 4];
        hex[3 * i + 2] = "0123456789abcdef"[byte & 15];
        hex[3 * i + 3] = '\0';
    }
    origin_say("  bytes   %s%s", hex, d->bytes > n ? " ..." : "");
}

static _Noreturn void found(const struct stress *t, const struct heap *h,
                            const struct mirror_difference *d) {
    const struct store *s = &h->store;
    ptrdiff_t offset = 0;
    uint32_t slot = block_near(h, d->place, &offset);
    size_t size = slot != SLOT_NIL ? many_size(s, table_entry(&s->table, slot)) : 0;
    bool within = (size_t)offset < size; /* before it that is more than any */
    const struct departure *left = trail_find(&t->trail, d->place);
    const char *what = "to memory that is nobody's";
    if (within)
        what = "to a block that is not locked";
    else if (left != NULL)
        what = left->freed ? "to a block after it was freed"
                           : "to a block after its last unlock";
    else if (slot != SLOT_NIL)
        what =
            offset < 0 ? "before the beginning of a block" : "behind the end of a block";
    origin_say("rmalloc: %zu bytes at %p have been written %s", d->bytes,
               (void *)(s->area.base + d->place), what);
    show(s, d);
    if (slot != SLOT_NIL && (within || left == NULL)) {
        origin_say("  offset   %td of the block", offset);
        tell_block(t, h, slot);
    }
    if (left != NULL) tell_departure(t, h, left, d->place);
    origin_say(
        "  found at the first call since; the same moves again: RMALLOC_STRESS=%s:%llu",
        t->when == STRESS_ON_ALL ? "onall" : "onchange", (unsigned long long)t->seed);
    abort();
}

/* --- calls --- */

void stress_begin(struct stress *t, struct heap *h) {
    struct mirror_difference d;
    t->mirror.reading = motion_is_held(&h->store);
    if (mirror_find(&t->mirror, &h->store, &d)) found(t, h, &d);
    t->changed = t->same = t->spared = false;
}

void stress_move(struct stress *t, struct heap *h) {
    struct store *s = &h->store;
    int saved = errno;
    if (t->when == STRESS_ON_ALL && !t->spared) t->changed = true;
    if (t->changed) scramble(h, &t->scramble, &t->trail);
    motion_end(s);
    if (s->mover.slot != SLOT_NIL) move_finish(s);
    errno = saved;
}

void stress_end(struct stress *t, struct heap *h, bool noted) {
    int saved = errno;
    if (t->watched || (t->same && !t->changed && !noted)) return;
    mirror_take(&t->mirror, &h->store);
    errno = saved;
}

bool stress_make_room(struct stress *t, struct heap *h) {
    (void)t;
    if (!motion_begin(&h->store)) return false;
    h->store.failures--; /* it is asked again */
    heap_compact(h, 0, 0, NULL);
    return true;
}

void stress_fresh(struct stress *t, const struct heap *h, const char *address,
                  size_t size) {
    size_t place = (size_t)(address - h->store.area.base);
    if (!t->watched) mirror_fill_fresh(&h->store, place, size);
}

void stress_freed(struct stress *t, const struct heap *h, uint64_t handle,
                  const char *address, size_t size) {
    trail_left(&t->trail, handle, (size_t)(address - h->store.area.base), size, true);
    t->changed = true;
}

void stress_locked(struct stress *t, const struct heap *h, uint32_t slot,
                   unsigned locks) {
    if (locks == LOCKS_FEW + 1)
        mirror_note(&t->mirror, &h->store, table_entry(&h->store.table, slot));
    t->same = true;
}
