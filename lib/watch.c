/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "os.h"

/* Less garbage than this is not worth the while. And ns until what was in vain is tried again. */
enum { GARBAGE_LEAST = 16 * 1024, STOOD_NS = 1000 * 1000 };
/* So many passes without a gain of this share are in vain. */
enum { PASSES_MOST = 4, GAIN_LEAST = 16 };
#define BACKOFF_LEAST (UINT64_C(10) * 1000 * 1000)
#define BACKOFF_MOST (UINT64_C(2) * 1000 * 1000 * 1000)

/* What a complete compaction might gain. A block on its way counts as used with its old place and its new one,
   or with the gap that it is carried across: that is still to be gained. */
static size_t garbage_of(const struct heap *h) {
    const struct mover *m = &h->store.mover;
    unit_t held = m->slot == SLOT_NIL ? 0 : m->slide ? m->from - m->to : m->units;
    return place_garbage(h) + units_bytes(held);
}

/* Is more of the memory below the last block's end than this share unused? */
static bool is_above(const struct heap *h, double share) {
    size_t garbage = garbage_of(h);
    size_t extent = units_bytes(area_extent(&h->store.area));
    return garbage >= GARBAGE_LEAST && (double)garbage > share * (double)extent;
}

/* Is less than this free at the end, and could `wanted` be? */
static bool is_short(const struct heap *h, size_t bytes, size_t wanted) {
    size_t end = units_bytes(area_free_at_end(&h->store.area)) + region_gap(&h->region);
    return end < bytes && end + garbage_of(h) >= wanted;
}

static bool is_bad(const struct heap *h, const rm_watermarks_t *m) {
    return is_above(h, m->fragmentation_high) || is_short(h, m->free_low, m->free_high);
}

static bool is_good(const struct heap *h, const rm_watermarks_t *m) {
    return !is_above(h, m->fragmentation_low) && !is_short(h, m->free_high, m->free_high);
}

bool watch_wakes(const struct heap *h, struct watch *w) {
    if (w->awake || w->paused > 0 || !is_bad(h, &w->marks)) return false;
    if (w->not_before != 0 && os_now_ns() < w->not_before) return false;
    w->awake = true;
    w->passes = h->store.passes;
    w->garbage = garbage_of(h);
    return true;
}

/* Have some passes come and gone that it has not got better by? Where others are at work one may never be
   complete. */
static bool is_in_vain(const struct heap *h, struct watch *w) {
    size_t garbage = garbage_of(h);
    if (garbage < w->garbage - w->garbage / GAIN_LEAST) {
        w->passes = h->store.passes;
        w->garbage = garbage;
    }
    return h->store.passes - w->passes > PASSES_MOST;
}

static void back_off(struct watch *w, uint64_t now) {
    w->awake = false;
    w->backoffs++;
    w->backoff = w->backoff == 0 ? BACKOFF_LEAST : 2 * w->backoff;
    if (w->backoff > BACKOFF_MOST) w->backoff = BACKOFF_MOST;
    w->not_before = now + w->backoff;
}

void watch_put_off(struct watch *w, uint64_t now) {
    if (w->awake) back_off(w, now);
}

bool watch_goes_on(const struct heap *h, struct watch *w, bool complete, bool stood,
                   uint64_t now) {
    w->not_before = 0;
    if (is_good(h, &w->marks)) {
        w->awake = false;
        w->backoff = 0;
    } else if (complete || is_in_vain(h, w)) {
        back_off(w, now);
    } else if (stood) {
        w->awake = false;
        w->not_before = now + STOOD_NS;
    }
    return w->awake;
}

uint64_t watch_again(const struct watch *w) {
    return w->awake || w->not_before == 0 || w->paused > 0 ? UINT64_MAX : w->not_before;
}
