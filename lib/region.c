/* SPDX-License-Identifier: MIT */
#include "region.h"

#include <errno.h>

#include "os.h"

enum {
    END_WORD = 8,
    LINE = 64, /* what is read without a mutex lies in one, apart from what is written */
    ZONES_SPARE = 126,
    STEP_PAGES = 4,   /* the least the area grows by */
    GIVE_PAGES = 16,  /* the least that is given back at once, by steps */
    SLACK_PAGES = 16, /* what is kept beside 1/32 of what is used */
    SLACK_SHARE = 32,
    GAP_BYTES = 128 * 1024, /* a free span to have pages given back */
    RESERVE_LEAST = 64 * 1024 * 1024,
    HUGE_FROM = 64 * 1024 * 1024 /* bytes of area, of which a huge page is 1/32 */
};

/* Where there are pages, their first ones share one with what ends right below them. */
size_t region_zones(size_t bytes, bool pages) {
    size_t spare = pages ? ZONES_SPARE : 0;
    return ((bytes >> (ZONE_SHIFT + UNIT_SHIFT)) + 2 + spare) * sizeof(struct zone);
}

uintptr_t region_top(uintptr_t low, size_t bytes, bool pages, size_t structure) {
    uintptr_t end = round_down(low + bytes, sizeof(struct zone));
    return round_down(end - region_zones(bytes, pages) - structure, LINE);
}

/* --- making and unmaking --- */

static void *reserve(size_t *bytes) {
    if (*bytes != 0) return os_reserve(*bytes);
    /* Unlimited: as much as there may be, less where address space is rationed. */
    size_t most = HEAP_BYTES_MAX < OS_RESERVE_MOST ? HEAP_BYTES_MAX : OS_RESERVE_MOST;
    for (*bytes = round_down(most, os_page()); *bytes >= RESERVE_LEAST;
         *bytes = round_down(*bytes / 2, os_page())) {
        void *memory = os_reserve(*bytes);
        if (memory != NULL) return memory;
    }
    return NULL;
}

char *region_init(struct region *r, void *memory, size_t bytes, size_t structure,
                  bool *refused) {
    size_t page = os_page();
    *refused = false;
    *r = (struct region){.pages = memory == NULL};
    if (bytes > HEAP_BYTES_MAX) bytes = HEAP_BYTES_MAX;
    if (r->pages && bytes != 0) {
        bytes = round_down(bytes, page);
        if (bytes < 2 * page) return NULL;
    }
    if (!r->pages && (bytes < structure || (uintptr_t)memory > UINTPTR_MAX - bytes))
        return NULL;
    if (r->pages) {
        memory = reserve(&bytes);
        if (memory == NULL) {
            *refused = true;
            return NULL;
        }
    }
    r->low = memory;
    r->bytes = bytes;
    uintptr_t low = (uintptr_t)memory;
    uintptr_t top = region_top(low, bytes, r->pages, structure);
    uintptr_t table = top - 8 * TABLE_SLOTS_MIN;
    uintptr_t least = round_up(low, UNIT) + 8 + UNIT + END_WORD; /* one unit */
    if (region_zones(bytes, r->pages) + structure + 8 * TABLE_SLOTS_MIN + 2 * UNIT >
            bytes ||
        table < least) {
        if (r->pages) os_unreserve(r->low, r->bytes);
        return NULL;
    }
    r->area_end = r->table_end = (char *)table;
    if (!r->pages) return (char *)top;

    uintptr_t table_page = round_down(table, page);
    /* The first zones; that page is the region's, as ZONES_SPARE are in it too. */
    r->zones_end =
        (char *)round_up(top + structure + UNIT + sizeof(struct zone) * 2, page);
    bool committed =
        os_commit((char *)table_page, (size_t)(r->zones_end - (char *)table_page));
    if (table_page > low + page) {
        r->table_end = (char *)table_page;
        r->area_end = r->low + page;
    }
    /* Else the two meet at once: everything below the table is the area's. */
    size_t area_bytes = (size_t)(round_up((uintptr_t)r->area_end, page) - low);
    if (region_closed(r)) area_bytes = table_page - low;
    if (committed && area_bytes > 0) committed = os_commit(r->low, area_bytes);
    if (!committed) {
        *refused = true;
        os_unreserve(r->low, r->bytes);
        return NULL;
    }
    return (char *)top;
}

void region_open(struct region *r, struct store *s, char *top, uint32_t generation) {
    size_t zones = region_zones(r->bytes, r->pages);
    uintptr_t end = round_down((uintptr_t)r->low + r->bytes, sizeof(struct zone));
    char *base = (char *)round_up((uintptr_t)r->low, UNIT) + 8;
    area_init(&s->area, base, (struct zone *)(end - zones));
    table_init(&s->table, top, generation);
    s->table.base = base;
    table_set_room(&s->table, (uint32_t)((top - r->table_end) / 8));
    s->pages_state = r->pages ? PAGES_ASK : PAGES_STAY;
    s->pages_bytes = r->bytes;
    area_grow(&s->area, (unit_t)((r->area_end - END_WORD - base) >> UNIT_SHIFT));
    region_note_peak(r, s);
}

/* --- how much --- */

size_t region_capacity(const struct region *r, const struct store *s) {
    if (!r->pages) return r->bytes;
    size_t top = (size_t)(r->zones_end - r->table_end);
    return (size_t)(r->area_end - r->low) + top - units_bytes(s->area.released_units);
}

void region_note_peak(struct region *r, const struct store *s) {
    size_t capacity = region_capacity(r, s);
    if (capacity > r->peak) r->peak = capacity;
    r->released = s->area.released_units;
}

size_t region_reserve(const struct region *r, uint32_t slots) {
    size_t gap = region_gap(r), bytes = round_up((size_t)slots * 8, os_page());
    if (gap == 0) return 0;
    return bytes < gap ? gap - bytes
                       : gap - (size_t)slots * 8; /* else the region closes */
}

/* --- the border --- */

/* Before anything is asked of the system: do the parts end where pages do, in their region? That the area and
   the table end where this says is known (bounds.h). */
static void look_at_ends(const struct region *r, const struct store *s) {
    const struct table *t = &s->table;
    uintptr_t area_end = (uintptr_t)r->area_end, table_end = (uintptr_t)r->table_end;
    uintptr_t zones_end = (uintptr_t)r->zones_end, rest = os_page() - 1;
    SOUND(t->n_slots % 2 == 0 && (r->pages || region_closed(r)));
    if (!r->pages) return;
    SOUND((zones_end & rest) == 0 && zones_end <= (uintptr_t)r->low + r->bytes &&
          zones_end >= (uintptr_t)&s->area.zones[(s->area.limit >> ZONE_SHIFT) + 2]);
    SOUND((area_end == table_end || ((area_end | table_end) & rest) == 0) &&
          s->pages_bytes == r->bytes && t->reach >= t->room &&
          t->reach <= (size_t)(t->top - r->low) / 8);
}

static char *table_low(const struct store *s) {
    return table_slot(&s->table, s->table.n_slots - 1);
}

/* The zones of an area that ends at `end` must be there. */
static bool commit_zones(struct region *r, const struct store *s, const char *end) {
    size_t n = ((size_t)(end - s->area.base) >> (ZONE_SHIFT + UNIT_SHIFT)) + 2;
    char *need = (char *)(s->area.zones + n);
    char *all = r->low + r->bytes;
    if (need > all) need = all;
    if (need <= r->zones_end) return true;
    need = (char *)round_up((uintptr_t)need, os_page());
    if (!os_commit(r->zones_end, (size_t)(need - r->zones_end))) return false;
    r->zones_end = need;
    return true;
}

/* The zones of an area that ends at `end`, and the memory up to there: both, or neither. */
static bool commit_area(struct region *r, const struct store *s, char *end) {
    char *before = r->zones_end;
    if (!commit_zones(r, s, end)) return false;
    if (os_commit(r->area_end, (size_t)(end - r->area_end))) return true;
    int saved = errno;
    if (r->zones_end != before) os_uncommit(before, (size_t)(r->zones_end - before));
    r->zones_end = before; /* what is refused again stays, uncounted */
    errno = saved;
    return false;
}

/* Move the area's end up over memory that is there. */
static void move_area_end(struct region *r, struct store *s, char *end) {
    unit_t units = (unit_t)((end - r->area_end) >> UNIT_SHIFT);
    r->area_end = end;
    area_grow(&s->area, units);
    region_note_peak(r, s);
}

bool region_close(struct region *r, struct store *s) {
    if (region_closed(r)) return true;
    look_at_ends(r, s);
    if (!commit_area(r, s, r->table_end)) return false;
    table_set_room(&s->table, s->table.n_slots);
    r->table_end = table_low(s);
    move_area_end(r, s, r->table_end);
    return true;
}

/* The border of a closed region goes to the last slot. */
static void move_border(struct region *r, struct store *s) {
    SOUND(s->table.n_slots % 2 == 0);
    if (!region_closed(r) || s->table.room == s->table.n_slots) return;
    table_set_room(&s->table, s->table.n_slots);
    r->table_end = table_low(s);
    move_area_end(r, s, r->table_end);
}

void region_settle(struct region *r, struct store *s) {
    table_shrink(&s->table, false);
    move_border(r, s);
}

void region_settle_some(struct region *r, struct store *s, uint32_t slots) {
    table_shrink_some(&s->table, slots);
    move_border(r, s);
}

bool region_grow(struct region *r, struct store *s, unit_t units) {
    look_at_ends(r, s);
    size_t page = os_page(), gap = region_gap(r);
    unit_t there = area_free_at_end(&s->area);
    size_t need = units > there ? round_up(units_bytes(units - there), page) : page;
    size_t step = round_down((size_t)(r->area_end - r->low) / 64, page);
    if (step < STEP_PAGES * page) step = STEP_PAGES * page;
    if (step > gap) step = gap;
    if (need < step) need = step;
    if (need >= gap) {
        /* The very last pages: the table's spare room may be what is missing. */
        size_t spare = (size_t)(table_low(s) - r->table_end);
        if (units > there && units_bytes(units - there) > gap + spare) return false;
        return region_close(r, s);
    }
    char *begin = r->area_end, *end = begin + need;
    bool huge = (size_t)(begin - r->low) >= HUGE_FROM && end < r->table_end - OS_HUGE;
    if (huge) end = (char *)round_up((uintptr_t)end, OS_HUGE);
    if (!commit_area(r, s, end)) return false;
    if (huge) os_prefer_huge(begin, (size_t)(end - begin));
    move_area_end(r, s, end);
    return true;
}

bool region_room(struct region *r, struct store *s, uint32_t slots) {
    struct table *t = &s->table;
    look_at_ends(r, s);
    if (!region_closed(r)) {
        size_t bytes = round_up((size_t)slots * 8, os_page());
        if (bytes < region_gap(r)) {
            if (!os_commit(r->table_end - bytes, bytes)) return false;
            r->table_end -= bytes;
            table_set_room(t, t->room + (uint32_t)(bytes / 8));
            region_note_peak(r, s);
            return true;
        }
        if (!region_close(r, s)) return false;
    }
    unit_t units = slots / 2;
    if (area_free_at_end(&s->area) < units) return false;
    area_shrink(&s->area, units);
    table_set_room(t, t->room + slots);
    r->area_end = r->table_end = t->top - 8 * (size_t)t->room;
    return true;
}

/* --- giving back --- */

/* Pages at an end are given back. Where the table has ever been they stay readable: a stale handle may
   lead there. */
static bool uncommit(const struct store *s, char *begin, size_t bytes) {
    const char *reach = s->table.top - 8 * (size_t)s->table.reach;
    return begin + bytes > reach ? os_release(begin, bytes) : os_uncommit(begin, bytes);
}

/* The table has as much room again as it had, where it has grown by pages. */
static void give_room_back(struct region *r, struct store *s, uint32_t room) {
    struct table *t = &s->table;
    table_shrink(t, false);
    if (t->room <= room || t->n_slots > room) return;
    int saved = errno;
    char *end = r->table_end;
    r->table_end += 8 * (size_t)(t->room - room);
    table_set_room(t, room);
    uncommit(s, end, (size_t)(r->table_end - end));
    errno = saved;
}

void region_restore(struct region *r, struct store *s, uint32_t room) {
    if (!region_closed(r)) {
        give_room_back(r, s, room);
        return;
    }
    if (s->table.room > room) region_settle(r, s);
    if (s->table.room < room) region_room(r, s, room - s->table.room);
}

/* Of free bytes at an end, the pages above the slack; where they are few, none. */
static size_t pages_to_give(size_t free, size_t used, size_t most) {
    size_t page = os_page(), slack = used / SLACK_SHARE + SLACK_PAGES * page;
    if (free < slack + GIVE_PAGES * page) return 0;
    size_t pages = (free - slack) / page;
    return pages < most ? pages : most;
}

/* Behind the last block: the area gets shorter. */
static size_t give_area(struct region *r, struct store *s, size_t most) {
    struct area *a = &s->area;
    char *extent = area_at(a, area_extent(a)) + END_WORD, *end = r->area_end;
    char *table_page = (char *)round_down((uintptr_t)table_low(s), os_page());
    if (region_closed(r))
        end = table_page; /* from there on it is the table's, when it opens */
    if (end < extent) return 0;
    size_t pages = pages_to_give((size_t)(end - extent), (size_t)(extent - r->low), most);
    if (pages == 0) return 0;
    end -= pages * os_page();
    if (region_closed(r)) {
        r->table_end = table_page;
        table_set_room(&s->table, (uint32_t)((s->table.top - table_page) / 8));
    }
    area_shrink(a, (unit_t)((r->area_end - end) >> UNIT_SHIFT));
    r->area_end = end;
    return uncommit(s, end, pages * os_page()) ? pages : 0;
}

/* Behind the last slot: the table has less room. */
static size_t give_table(struct region *r, struct store *s, size_t most) {
    if (region_closed(r)) return 0;
    char *low = table_low(s), *end = r->table_end;
    size_t pages = pages_to_give((size_t)(low - end), (size_t)(s->table.top - low), most);
    if (pages == 0) return 0;
    r->table_end += pages * os_page();
    table_set_room(&s->table, (uint32_t)((s->table.top - r->table_end) / 8));
    return uncommit(s, end, pages * os_page()) ? pages : 0;
}

void region_give_back(struct region *r, struct store *s, size_t work, bool gaps) {
    if (!r->pages) return;
    look_at_ends(r, s);
    int saved = errno;
    region_note_peak(r, s);
    while (work >= WORK_CALL + WORK_PAGE) {
        size_t most = (work - WORK_CALL) / WORK_PAGE;
        size_t pages = give_area(r, s, most);
        if (pages == 0) pages = give_table(r, s, most);
        if (pages == 0 && gaps)
            pages =
                area_release_some(&s->area, GAP_BYTES >> UNIT_SHIFT,
                                  most < UINT32_MAX ? (uint32_t)most : UINT32_MAX, true);
        if (pages == 0) break;
        s->returned += pages * os_page();
        work -= store_gave_back(s, pages);
    }
    errno = saved; /* what is refused stays as it is */
    region_note_peak(r, s);
}

bool region_trim(struct region *r, struct store *s) {
    look_at_ends(r, s);
    region_note_peak(r, s);
    region_settle(r, s);
    if (!r->pages) return true;
    struct area *a = &s->area;
    size_t page = os_page();
    bool all = true;
    char *table_page = (char *)round_down((uintptr_t)table_low(s), page);
    char *area_page =
        (char *)round_up((uintptr_t)area_at(a, area_extent(a)) + END_WORD, page);
    if (area_page < table_page) {
        /* The area ends behind its last block, the table's room begins at its last slot. */
        char *old_area = r->area_end, *old_table = r->table_end;
        bool closed = region_closed(r);
        if (closed)
            old_area = old_table = table_page; /* all pages below are the area's */
        if (area_page < r->area_end) {
            area_shrink(a, (unit_t)((r->area_end - area_page) >> UNIT_SHIFT));
            r->area_end = area_page;
        }
        r->table_end = table_page;
        table_set_room(&s->table, (uint32_t)((s->table.top - table_page) / 8));
        if (r->area_end < old_area)
            all &= uncommit(s, r->area_end, (size_t)(old_area - r->area_end));
        if (old_table < table_page)
            all &= uncommit(s, old_table, (size_t)(table_page - old_table));
    }
    all &= area_release(a);
    region_note_peak(r, s);
    return all;
}
