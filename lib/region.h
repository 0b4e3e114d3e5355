/* SPDX-License-Identifier: MIT */
/*
 * The memory under a heap, and the border between its area and its handle table.
 *
 *      low                                                                  low + bytes
 *      | area ...      |end| reserved |       <- table | struct heap | zones | reserved |
 *                       area_end      table_end        top
 *
 * Open: there are reserved pages between the two, either end takes some as it grows. Closed
 * (a caller's region always is): the two meet, and the border moves by units.
 */
#ifndef RM_REGION_H
#define RM_REGION_H

#include "store.h"

struct region {
    char *low;
    size_t bytes;
    char *area_end;  /* behind the area's end word */
    char *table_end; /* the table's room begins here; area_end == table_end: closed */
    char *zones_end; /* committed so far */
    flag_t pages;    /* reserved by us, not the caller's */
    size_t peak;     /* of region_capacity */
    unit_t released; /* the area's released_units when the peak was noted */
};

/* Where a structure of so many bytes lies at the top of a region, below the zones; NULL: the
   region is too small. Reserves and commits where `memory` is NULL: *refused says that the
   system would not. */
char *region_init(struct region *r, void *memory, size_t bytes, size_t structure,
                  bool *refused);
/* The heap's parts in it. The region, like the store, must lie in that structure by now. */
void region_open(struct region *r, struct store *s, char *top, uint32_t generation);

static inline bool region_closed(const struct region *r) {
    return r->area_end == r->table_end;
}

/* Bytes from the heap's low end to unit 0: a caller's region begins where the caller said, a growing
   heap where its blocks do. */
static inline size_t region_lead(const struct region *r, const struct store *s) {
    return r->pages ? 0 : (size_t)(s->area.base - r->low);
}
/* Bytes held now: committed pages less those given back, or the caller's bytes. */
size_t region_capacity(const struct region *r, const struct store *s);
/* Note a peak of it; to be called after pages may have been regained from free spans. */
void region_note_peak(struct region *r, const struct store *s);
static inline void region_note_regained(struct region *r, const struct store *s) {
    if (unlikely(s->area.released_units < r->released)) region_note_peak(r, s);
}

/* An open region: more units for the area, at least so many at its end; false: there are no pages for them. */
bool region_grow(struct region *r, struct store *s, unit_t units);
/* Close the region: the last reserved pages go to the area, and so does the room that the table
   does not use. False: the system refuses. */
bool region_close(struct region *r, struct store *s);
/* Room for so many more slots. False: the last free span is too small, or the system refuses. */
bool region_room(struct region *r, struct store *s, uint32_t slots);
/* A closed region: what the table has to spare goes to the area; or no more than so many slots. */
void region_settle(struct region *r, struct store *s);
void region_settle_some(struct region *r, struct store *s, uint32_t slots);
/* Bytes of the zones of a region, which it ends with; and where a structure of so many bytes lies below them. */
size_t region_zones(size_t bytes, bool pages);
uintptr_t region_top(uintptr_t low, size_t bytes, bool pages, size_t structure);

/* The bytes of reserved pages between the two; and what is left of them for the area when the
   table has taken room for so many slots. */
static inline size_t region_gap(const struct region *r) {
    return (size_t)(r->table_end - r->area_end);
}
size_t region_reserve(const struct region *r, uint32_t slots);

/* Give the table such a room again as it had before: what it has more, or, in a closed region, if the area has it
   to give, less. */
void region_restore(struct region *r, struct store *s, uint32_t room);

/* Give pages back that are not likely to be needed soon, within so much work (store_work): behind the
   last block and the table's last slot, above a slack; `gaps`: inside large free spans too. */
void region_give_back(struct region *r, struct store *s, size_t work, bool gaps);

/* Give every page that holds nothing back. False: the system refused some. */
bool region_trim(struct region *r, struct store *s);

#endif
