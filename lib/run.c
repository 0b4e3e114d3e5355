/* SPDX-License-Identifier: MIT */
#include "run.h"

uint64_t run_header(unsigned class_id, unsigned slots, uint64_t free) {
    return SPAN_RUN | (uint64_t)class_id << RUN_CLASS_SHIFT |
           (uint64_t)slots << RUN_SLOTS_SHIFT | free << RUN_MASK_SHIFT;
}

/* --- sizes that references say --- */

static char *wide_slack(const struct run *r, unsigned i) {
    return run_slot(r, i) + r->class->capacity - 2;
}

void run_note_size(const struct run *r, unsigned i, size_t size, bool plain) {
    unsigned slack = r->class->capacity - (unsigned)size, noted = SLACK_NONE;
    if (!plain) noted = slack + 1 < SLACK_WIDE ? slack + 1 : SLACK_WIDE;
    if (noted == SLACK_WIDE) store16(wide_slack(r, i), (uint16_t)slack);
    run_put_ref(r, i, ref_slot(run_ref(r, i)) << SLACK_BITS | noted);
}

size_t run_size_noted(const struct run *r, unsigned i) {
    unsigned slack = (run_ref(r, i) & SLACK_WIDE) - 1;
    if (slack + 1 == SLACK_WIDE) slack = load16(wide_slack(r, i));
    return (size_t)r->class->capacity - slack;
}

/* --- lists: circular, the links in the highest free slot --- */

unit_t run_link(const struct store *s, unit_t span, unsigned which) {
    struct run r = run_at(s, span);
    return load32(run_links(&r) + 4 * which);
}

static void set_link(struct store *s, unit_t span, unsigned which, unit_t to) {
    struct run r = run_at(s, span);
    store32(run_links(&r) + 4 * which, to);
}

void run_list(struct store *s, const struct run *r) {
    unit_t *head = &s->runs[r->class_id].head[run_density(r)];
    char *links = run_links(r);
    if (*head == UNIT_NIL) {
        store32(links, r->span);
        store32(links + 4, r->span);
        *head = r->span;
        return;
    }
    unit_t last = run_link(s, *head, RUN_PREVIOUS);
    store32(links, *head);
    store32(links + 4, last);
    set_link(s, *head, RUN_PREVIOUS, r->span);
    set_link(s, last, RUN_NEXT, r->span);
    /* Low ones come first, to be filled; nothing goes behind a kept gap. */
    if (r->span < *head || run_slots(area_header(&s->area, last)) == 1) *head = r->span;
}

/* Takes a run out of the list of `density`, its links read where they are now. */
void run_unlist(struct store *s, const struct run *r, enum density density) {
    unit_t *head = &s->runs[r->class_id].head[density];
    unit_t next = load32(run_links(r)), previous = load32(run_links(r) + 4);
    if (next == r->span) {
        *head = UNIT_NIL;
        return;
    }
    set_link(s, previous, RUN_NEXT, next);
    set_link(s, next, RUN_PREVIOUS, previous);
    if (*head == r->span) *head = next;
}

void run_change_free(struct store *s, struct run *r, uint64_t free) {
    struct run after = *r;
    after.free = free;
    bool was = r->free != 0, is = free != 0;
    if (likely(was && is && run_density(&after) == run_density(r))) {
        uint64_t links = load64(run_links(r));
        run_set_free(s, r, free);
        store64(run_links(r), links); /* they are in the highest free slot */
        return;
    }
    if (was) run_unlist(s, r, run_density(r));
    run_set_free(s, r, free);
    if (is) run_list(s, r);
}

void run_relink(struct store *s, unit_t from, unit_t to) {
    struct run r = run_at(s, to);
    if (r.free == 0) return;
    unit_t next = load32(run_links(&r)), previous = load32(run_links(&r) + 4);
    if (next == from) { /* alone in its list */
        next = previous = to;
    }
    set_link(s, next, RUN_PREVIOUS, to);
    set_link(s, previous, RUN_NEXT, to);
    unit_t *head = &s->runs[r.class_id].head[run_density(&r)];
    if (*head == from) *head = to;
}
