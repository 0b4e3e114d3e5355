/* SPDX-License-Identifier: MIT */
#include "merge.h"

#include "block.h"
#include "move.h"
#include "small.h"

/* The last run of a class that can be emptied, and one to take what is in it: a pinned one behind
   it, else the first. False: there are no two such. *pinned: there is a pinned one. */
static bool merge_pair(const struct store *s, unsigned class_id, unit_t *from, unit_t *to,
                       bool *pinned) {
    unit_t last = run_last(s, class_id);
    for (*from = last; *from != UNIT_NIL && move_pinned(s, *from);
         *from = run_before(s, *from))
        *pinned = true;
    *to = *from != last ? last : run_first(s, class_id);
    return *from != UNIT_NIL && *from != *to;
}

/* Move objects out of an unpinned run until it or the other one is done; at most a run's worth. */
static void merge_runs(struct store *s, unit_t from, unit_t to) {
    struct run source = run_at(s, from);
    unsigned room = bit_count(run_at(s, to).free);
    /* The last object takes its run along: from then on `source` is only a copy. */
    for (uint64_t live = run_live_mask(&source); live != 0 && room > 0;
         live &= live - 1) {
        small_shift(s, from, bit_lowest(live), to);
        room--;
    }
}

/* The only object of a run gets a block of its own, in what the run took. */
static void set_free(struct store *s, unit_t span) {
    struct run r = run_at(s, span);
    unsigned i = bit_lowest(run_live_mask(&r));
    uint32_t slot = ref_slot(run_ref(&r, i));
    size_t size = run_size(&r, i);
    char content[SMALL_MAX];
    memcpy(content, run_slot(&r, i), run_content(size));
    unit_t gap = small_free(s, span, i);
    area_cut(&s->area, gap, gap, block_units(size, false));
    block_write(s, gap, slot, size, 0);
    memcpy(area_at(&s->area, gap) + HEADER, content, run_content(size));
    store_moved(s, size, 1);
}

/* The one run with a free slot that is left of a class. */
static void finish_run(struct store *s, unit_t span) {
    struct run r = run_at(s, span);
    if (run_live(&r) == 1)
        set_free(s, span);
    else
        small_cut(s, span);
}

/* One action in a class; false: it is done. */
static bool merge_class(struct store *s, unsigned class_id) {
    uint64_t *loose = &s->loose[class_id / 64], *stuck = &s->stuck[class_id / 64];
    uint64_t bit = UINT64_C(1) << class_id % 64;
    unit_t from, to;
    bool pinned = false;
    if (merge_pair(s, class_id, &from, &to, &pinned)) {
        merge_runs(s, from, to);
        return true;
    }
    *loose &= ~bit;
    if (pinned) *stuck |= bit;
    size_t before = s->moved;
    if (from != UNIT_NIL) finish_run(s, from);
    return s->moved > before;
}

void merge_again(struct store *s) {
    if (s->stuck_at == s->changes) return;
    s->stuck_at = s->changes;
    for (unsigned word = 0; word < 2; word++) {
        s->loose[word] |= s->stuck[word];
        s->stuck[word] = 0;
    }
}

bool merge_step(struct store *s) {
    for (unsigned word = 0; word < 2; word++)
        while (s->loose[word] != 0)
            if (merge_class(s, 64 * word + bit_lowest(s->loose[word]))) return true;
    return false;
}
