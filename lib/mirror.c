/* SPDX-License-Identifier: MIT */
#include "mirror.h"

#include "block.h"
#include "many.h"
#include "os.h"
#include "run.h"

enum {
    STEP = 1 << 20, /* bytes of copy that get memory at once */
    NEAR = 64, /* bytes that are the same, between two differences that are told as one */
    FAR = 8,   /* times what is used now, above which what was used once is given up, */
    FAR_MORE = 4096, /* and so many units */
    NOTE_BYTES = 2,  /* of a slot, where its object's size may stand, */
    LINKS = 8        /* and where its run's links may (run.h) */
};

bool mirror_init(struct mirror *m, size_t bytes) {
    *m = (struct mirror){.reserved = round_up(bytes, STEP)};
    m->copy = os_reserve(m->reserved);
    return m->copy != NULL;
}

void mirror_finish(struct mirror *m) {
    if (m->copy != NULL) os_unreserve(m->copy, m->reserved);
    *m = (struct mirror){.copy = NULL};
}

/* There is memory for so many bytes of copy. */
static bool reach(struct mirror *m, size_t bytes) {
    if (bytes <= m->bytes) return true;
    bytes = round_up(bytes, STEP);
    if (bytes > m->reserved) bytes = m->reserved;
    if (!os_commit(m->copy + m->bytes, bytes - m->bytes)) return false;
    m->bytes = bytes;
    return true;
}

/* --- what is in the area, stretch by stretch --- */

/* What a stretch of bytes is. */
enum what {
    OWN,     /* the library's own: headers, references, links */
    CONTENT, /* of a block without a lock */
    LOCKED,  /* of one with */
    REST,    /* behind a block's content */
    FREE     /* nobody's */
};
struct visit;
typedef bool visit_fn(const struct visit *v, size_t from, size_t to, enum what what);

struct visit {
    const struct store *s;
    visit_fn *fn;
    const struct mirror *mirror;
    const char *heap; /* where it is, if the copy is walked */
    struct mirror_difference *found;
};

static bool tell(const struct visit *v, size_t from, size_t to, enum what what) {
    return from >= to || v->fn(v, from, to, what);
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* What a free span says of itself. */
enum { FREE_LINKS = 16, FREE_NODE = 64, FREE_SIZE = 4 };
static size_t node_bytes(unit_t units) {
    return units < BUDDY_BINS ? FREE_LINKS : FREE_NODE;
}

/* The bytes of a free span that its index does not use. Pages that have been given back are passed over. */
static bool visit_free(const struct visit *v, unit_t span, unit_t units) {
    const struct area *a = &v->s->area;
    unit_t whole = free_size(area_header(a, span)); /* more, above what is copied */
    size_t from = units_bytes(span), to = from + units_bytes(units);
    size_t body = from + node_bytes(whole), end = to - FREE_SIZE;
    if (body > end) body = end;
    struct pages given = area_given_back(a, span);
    size_t gone = end, back = end;
    if (given.n > 0) {
        gone = least((size_t)given.first * os_page() - HEADER, end);
        back = least(gone + (size_t)given.n * os_page(), end);
    }
    return tell(v, from, body, OWN) && tell(v, body, gone, FREE) &&
           tell(v, back, end, FREE) && tell(v, end, to, OWN);
}

static enum what content_of(uint64_t e) { return entry_count(e) > 0 ? LOCKED : CONTENT; }

static bool visit_run(const struct visit *v, unit_t span, unit_t units, uint64_t h) {
    const struct store *s = v->s;
    struct run r = run_at_header(s, span, h);
    size_t at = units_bytes(span), end = at + units_bytes(units);
    unsigned links = r.free != 0 ? bit_highest(r.free) : RUN_SLOTS_MAX;
    for (unsigned i = 0; i < r.slots; i++) {
        size_t place = (size_t)(run_slot(&r, i) - s->area.base), rest = place;
        size_t behind = place + r.class->capacity;
        if (!tell(v, at, place, OWN)) return false;
        at = behind;
        if (r.free >> i & 1) {
            size_t body = i == links ? least(place + LINKS, behind) : place;
            if (!tell(v, place, body, OWN) || !tell(v, body, behind, FREE)) return false;
            continue;
        }
        uint32_t ref = run_ref(&r, i);
        uint64_t e = table_entry(&s->table, ref_slot(ref));
        if (entry_locks(e) != LOCKS_FREE) rest = place + many_size(s, e);
        if ((ref & SLACK_WIDE) == SLACK_WIDE) behind -= NOTE_BYTES;
        if (!tell(v, place, rest, content_of(e)) || !tell(v, rest, behind, REST) ||
            !tell(v, behind, at, OWN))
            return false;
    }
    return tell(v, at, end, OWN);
}

static bool visit_block(const struct visit *v, unit_t span, unit_t units, uint64_t h) {
    const struct store *s = v->s;
    size_t from = units_bytes(span), to = from + units_bytes(units),
           place = from + HEADER;
    uint64_t e = table_entry(&s->table, block_ref(h));
    size_t end = header_kind(h) == SPAN_ALIGNED ? to - 1 : to, rest = place;
    if (entry_locks(e) != LOCKS_FREE) rest = place + many_size(s, e);
    return tell(v, from, place, OWN) && tell(v, place, rest, content_of(e)) &&
           tell(v, rest, end, REST) && tell(v, end, to, OWN);
}

/* So much of a free span as is below `high`, and all that it says of itself in any case. */
static unit_t cut(unit_t span, unit_t units, unit_t high) {
    unit_t below = high - span, node = (unit_t)(node_bytes(units) / UNIT);
    if (below < node) below = node;
    return below < units ? below : units;
}

/* All of the area below `high`, where a span begins or it ends. False: so says the visitor. */
static bool visit_all(const struct visit *v, unit_t high) {
    const struct area *a = &v->s->area;
    for (unit_t at = 0, units; at < high; at += units) {
        uint64_t h = area_header(a, at);
        bool go_on = true;
        units = area_units(a, at);
        if (header_kind(h) == SPAN_FREE) {
            units = cut(at, units, high);
            go_on = visit_free(v, at, units);
        } else if (header_kind(h) == SPAN_RUN) {
            go_on = visit_run(v, at, units, h);
        } else {
            go_on = visit_block(v, at, units, h);
        }
        if (!go_on) return false;
    }
    return true;
}

/* --- filling and copying --- */

static bool fill_and_copy(const struct visit *v, size_t from, size_t to, enum what what) {
    const struct mirror *m = v->mirror;
    char *at = v->s->area.base + from;
    if (what == LOCKED) return true;
    if (what == FREE) memset(at, MIRROR_FREE, to - from);
    if (what == REST) memset(at, MIRROR_REST, to - from);
    memcpy(m->copy + from, at, to - from);
    return true;
}

void mirror_take(struct mirror *m, const struct store *s) {
    unit_t extent = area_extent(&s->area);
    if (extent > m->high || m->high / FAR > extent + FAR_MORE) m->high = extent;
    if (m->high > s->area.limit) m->high = s->area.limit;
    m->known = reach(m, units_bytes(m->high) + FREE_NODE);
    struct visit v = {.s = s, .fn = fill_and_copy, .mirror = m};
    if (m->known) visit_all(&v, m->high);
}

void mirror_fill_fresh(const struct store *s, size_t place, size_t size) {
    memset(s->area.base + place, MIRROR_FRESH, size);
}

/* Copy the library's own bytes of the span of a block. */
static bool copy_own(const struct visit *v, size_t from, size_t to, enum what what) {
    if (what == OWN) memcpy(v->mirror->copy + from, v->s->area.base + from, to - from);
    return true;
}

void mirror_note(struct mirror *m, const struct store *s, uint64_t e) {
    unit_t span = entry_span(s, e);
    uint64_t h = area_header(&s->area, span);
    struct visit v = {.s = s, .fn = copy_own, .mirror = m};
    if (!m->known || span >= m->high) return;
    if (header_kind(h) == SPAN_RUN)
        visit_run(&v, span, area_units(&s->area, span), h);
    else
        visit_block(&v, span, area_units(&s->area, span), h);
}

/* --- finding --- */

/* The first byte that is another than in the copy; `to`: none. */
static size_t differs(const struct visit *v, size_t from, size_t to) {
    const char *a = v->heap + from, *b = v->mirror->copy + from;
    if (memcmp(a, b, to - from) == 0) return to;
    while (*a == *b) a++, b++;
    return (size_t)(a - v->heap);
}

static bool compare(const struct visit *v, size_t from, size_t to, enum what what) {
    struct mirror_difference *d = v->found;
    if (what == LOCKED || (what == CONTENT && v->mirror->reading)) return true;
    for (size_t at = from; (at = differs(v, at, to)) < to; at++) {
        if (d->bytes == 0) d->place = at;
        if (at >= d->place + d->bytes + NEAR) return false;
        d->bytes = at + 1 - d->place;
    }
    return d->bytes == 0 || to < d->place + d->bytes + NEAR;
}

/* What the heap says of itself may be what has been written over: so the copy is walked. */
bool mirror_find(const struct mirror *m, const struct store *s,
                 struct mirror_difference *d) {
    struct store copy = *s;
    struct visit v = {.s = &copy, .fn = compare, .mirror = m, .heap = s->area.base};
    v.found = d;
    d->bytes = 0;
    if (!m->known) return false;
    copy.area.base = m->copy;
    visit_all(&v, m->high);
    return d->bytes > 0;
}
