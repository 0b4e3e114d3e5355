/* SPDX-License-Identifier: MIT */
/*
 * The area: memory tiled by spans, each free or used, with the index of the free ones.
 *
 *      unit 0                                                        limit
 *      | hdr BLOCK ... | hdr RUN ... | hdr FREE ...     size | hdr ... | end word
 *
 * Used spans are opaque here but for their length. Also: the zones (where is the lowest free
 * span?), one stretch (a free span and the used one above it, joined while a slide is under
 * way), and pages given back inside free spans.
 *
 * Knows no handles and no policy. Invariants 1, 2, 3, 6, 12.
 */
#ifndef RM_AREA_H
#define RM_AREA_H

#include "base.h"
#include "buddy.h"
#include "class.h"
#include "zone.h"

/* The header word of a span: kind:2 prev:1, then by kind:
 *   FREE    size in units:30 next:30 released:1         (buddy.h)
 *   BLOCK   size in bytes:33 ref:28
 *   ALIGNED the same; log2 of the alignment in the span's last byte
 *   RUN     class:7 slots:6 mask of free slots:48 */
enum span_kind { SPAN_FREE = 0, SPAN_BLOCK = 1, SPAN_RUN = 2, SPAN_ALIGNED = 3 };
enum {
    SPAN_KIND_MASK = 3,
    SPAN_PREV_FREE = 4,
    HEADER = 8, /* bytes */
    BLOCK_SIZE_SHIFT = 3,
    BLOCK_REF_SHIFT = 36,
    RUN_CLASS_SHIFT = 3,
    RUN_SLOTS_SHIFT = 10,
    RUN_MASK_SHIFT = 16,
    BLOCK_SIZE_BITS = BLOCK_REF_SHIFT - BLOCK_SIZE_SHIFT
};

static inline enum span_kind header_kind(uint64_t h) { return (enum span_kind)(h & 3); }
static inline size_t block_size(uint64_t h) {
    return (size_t)(h >> BLOCK_SIZE_SHIFT & bit_mask(BLOCK_SIZE_BITS));
}
static inline uint32_t block_ref(uint64_t h) { return (uint32_t)(h >> BLOCK_REF_SHIFT); }
static inline unsigned run_class(uint64_t h) {
    return (unsigned)(h >> RUN_CLASS_SHIFT) & 127;
}
static inline unsigned run_slots(uint64_t h) {
    return (unsigned)(h >> RUN_SLOTS_SHIFT) & 63;
}
static inline uint64_t run_mask(uint64_t h) { return h >> RUN_MASK_SHIFT; }

/* Units of a block of so many bytes; an aligned one has one byte more. Size 0 has room for a
   byte, so that its pointer is inside its own span. */
static inline unit_t block_units(size_t size, bool aligned) {
    return bytes_units(HEADER + size + (size == 0) + aligned);
}

/* A range of whole pages, counted from the page that begins 8 bytes before unit 0 where that is one;
   none: both 0. */
struct pages {
    uint32_t first, n;
};

struct area {
    char *base; /* unit 0; 8 modulo 16 */
    unit_t limit;
    unit_t free_units;             /* in free spans, pages given back included */
    unit_t released_units;         /* in pages given back inside free spans */
    unit_t released;               /* the first of a list of spans with such pages */
    unit_t stretch, stretch_units; /* UNIT_NIL: none */
    struct pages
        stretch_empty[2]; /* pages given back that its gap had, and the free span above */
    struct zone *zones;   /* of [0, limit), and one more */
    struct buddy buddy;
};

static inline char *area_at(const struct area *a, unit_t unit) {
    return a->base + units_bytes(unit);
}
static inline uint64_t area_header(const struct area *a, unit_t span) {
    return load64(area_at(a, span));
}
/* Write a used span's header; whether the span below is free stays as it was. */
static inline void area_set_header(struct area *a, unit_t span, uint64_t header) {
    char *at = area_at(a, span);
    uint64_t prev = load64(at) & SPAN_PREV_FREE;
    store64(at, (header & ~(uint64_t)SPAN_PREV_FREE) | prev);
}

/* An area without memory; area_grow gives it some. Its end word is written. */
void area_init(struct area *a, char *base, struct zone *zones);

/* Units of a span of any kind, as its header says, which may be damaged: 0 for a run of a class, or a length, that is
   none. */
unit_t area_length(const struct area *a, unit_t span);
/* The same of one that is followed: at least 1, and all of it in the area. */
static inline unit_t area_units(const struct area *a, unit_t span) {
    SOUND(span < a->limit);
    unit_t units = area_length(a, span);
    SOUND(units - 1 < a->limit - span);
    return units;
}

/* Cut `units` out of the best free span that has them, at its low end, or where no page is needed
   that has been given back. The caller writes a header at once, with area_set_header. UNIT_NIL: there is none. O(orders). */
unit_t area_alloc(struct area *a, unit_t units);
/* The same, so that the byte behind the header is aligned (a power of two from 16). */
unit_t area_alloc_aligned(struct area *a, unit_t units, size_t alignment);
/* The first unit from `span` on whose header is followed by an aligned byte. */
unit_t area_aligned_unit(const struct area *a, unit_t span, size_t alignment);
/* Would area_alloc find so many units? O(orders). */
bool area_has(const struct area *a, unit_t units);
/* The largest free span, pages given back included; and the largest below the last one. O(orders),
   and the spans with such pages. */
unit_t area_largest(const struct area *a);
unit_t area_largest_but_last(struct area *a);
/* Cut [at, at + units) out of the free span it lies in. */
void area_cut(struct area *a, unit_t span, unit_t at, unit_t units);
/* Free `units` from `span` on; merges with both neighbours. Returns the free span. */
unit_t area_free(struct area *a, unit_t span, unit_t units);
/* The same where those pages of it hold nothing. */
unit_t area_free_empty(struct area *a, unit_t span, unit_t units, struct pages empty);
/* The pages of a free span that have been given back. */
struct pages area_given_back(const struct area *a, unit_t span);

/* --- area_pages.c, for area.c --- */

unit_t area_pages_units(uint32_t n);
/* The part of a range of pages that a free span [span, span + units) may give back: clear of its node and
   of its size word. */
struct pages area_pages_inside(struct pages p, unit_t span, unit_t units);
/* Of two ranges in one free span, the lower one first, what can be recorded as one: the larger, and the other
   counts as committed again; or both, where little lies between that can be given back. */
struct pages area_pages_join(const struct area *a, struct pages p, struct pages q);
/* The list of spans with such pages: first, next; one more, with those, one less. */
unit_t area_first_released(const struct area *a);
unit_t area_next_released(const struct area *a, unit_t span);
void area_released_link(struct area *a, unit_t span, struct pages p);
struct pages area_released_unlink(struct area *a, unit_t span);

/* The used span that covers `tail` is getting shorter: free its last `units`, from `tail` on. */
unit_t area_split_off(struct area *a, unit_t tail, unit_t units);
/* A used span grows over the used span `next` that begins where it ended. */
void area_absorb(struct area *a, unit_t next, unit_t units);

/* More memory at the end, or less; the zones for it must be there. For area_shrink the last
   span must be free and that large. */
void area_grow(struct area *a, unit_t units);
void area_shrink(struct area *a, unit_t units);
/* The free span at the end, or UNIT_NIL. */
unit_t area_last_free(const struct area *a);
/* Where the highest used span ends. */
unit_t area_extent(const struct area *a);
/* Units that are free behind it. */
static inline unit_t area_free_at_end(const struct area *a) {
    return a->limit - area_extent(a);
}

/* The lowest free span that begins at `from` or above, or UNIT_NIL. O(spans of a zone). */
unit_t area_lowest_free(const struct area *a, unit_t from);
/* The next free span above one. O(spans of a zone). */
unit_t area_next_free(const struct area *a, unit_t span);
/* A span's start near `unit`, at or below it: where a walk can begin. O(zones without one). */
unit_t area_start_near(const struct area *a, unit_t unit);

/* A free span out of the index, while used spans are moved down through it, one after another. */
struct area_gap {
    unit_t at, end;     /* it is [at, end) now */
    struct pages empty; /* given back inside it */
};
void area_gap_open(struct area *a, unit_t span, struct area_gap *gap);
/* The span at its end is free: it becomes part of it. */
void area_gap_widen(struct area *a, struct area_gap *gap);
/* A used span of `units` above it is to go down by so many, the next above the last for which that was
   said; and: all those, so many units, have been copied from its end to its beginning. */
static inline void area_gap_pass(struct area *a, unit_t span, unit_t units, unit_t by) {
    zones_vanishes(a->zones, span, span + units, a->limit);
    zones_begins(a->zones, span - by);
}
void area_gap_passed(struct area *a, struct area_gap *gap, unit_t units);
/* It is a free span again. */
void area_gap_close(struct area *a, const struct area_gap *gap);

/* Join the free span `gap`, from `at` on, with the used span right above it: from here on they
   are one span, whose header (that of the used one) stands in front. */
void area_stretch(struct area *a, unit_t gap, unit_t at);
/* Let the stretch go on over the free span right above it, if there is one. */
void area_stretch_up(struct area *a);
/* End the stretch: its first `units` are the used span, the rest becomes free. Of it, those pages
   hold nothing, and what is left of the free spans'. Returns the free span. */
unit_t area_settle(struct area *a, unit_t units, struct pages empty);
/* The other way up: the used span moves to the high end of the free span `gap` right above it,
   `by` units up; its bytes are moved here. Returns the free span below it then. */
unit_t area_raise(struct area *a, unit_t span, unit_t units, unit_t by);

/* Give up to `most` pages back inside the largest free span, or the largest but the last one, where it
   has `least` units that are not. Returns how many; 0: none has, or the system refuses. */
uint32_t area_release_some(struct area *a, unit_t least, uint32_t most, bool but_last);

/* Give the whole pages inside free spans back; memory must be page-backed and `base` 8 bytes
   past a page's start. False: the system refused some. */
bool area_release(struct area *a);

#endif
