/* SPDX-License-Identifier: MIT */
#include "ebb.h"

#include <errno.h>

#include "os.h"

/* Operations between two looks. What has been free all the time between them is given back, where it is
   above 1/16 of what is used and 128 KiB, down to 1/64, in spans that hold 128 KiB. */
enum {
    EBB_WINDOW = 128 * 1024,
    EBB_SHARE = 16,
    EBB_LEAST = 128 * 1024,
    EBB_KEEP = 64,
    EBB_SPAN = 128 * 1024
};
/* What a page takes, in ns, a call of the system, and a page that is needed again. */
enum { EBB_PAGE = 300, EBB_CALL = 1400, EBB_TOUCH = 1300 };
/* What may be spent: so many ps an operation, and so many ns a page that the area is longer than ever;
   that is a thirtieth of touching it for the first time, and an operation takes 10 ns or more. */
enum { EBB_EARNED = 200, EBB_GROWN = 40 };

static unit_t page_units(void) { return (unit_t)(os_page() >> UNIT_SHIFT); }

/* What has been earned since the last look; and what has gone in vain is a debt. */
static void settle(struct store *s) {
    struct ebb *e = &s->ebb;
    const struct area *a = &s->area;
    uint64_t now = ebb_operations(s);
    e->credit += (int64_t)((now - e->then) * EBB_EARNED / 1000);
    if (a->limit > e->highest) {
        e->credit += (int64_t)((a->limit - e->highest) / page_units()) * EBB_GROWN;
        e->highest = a->limit;
    }
    if (a->released_units < e->released) {
        unit_t again = e->released - a->released_units;
        e->credit -= (int64_t)(again / page_units()) * EBB_TOUCH;
    }
    e->then = now;
}

/* Give so many pages back, of the largest free spans, as far as there is credit. */
static void give(struct store *s, size_t pages, bool but_last) {
    struct ebb *e = &s->ebb;
    while (pages > 0 && e->credit > EBB_CALL + EBB_PAGE) {
        size_t most = (size_t)(e->credit - EBB_CALL) / EBB_PAGE;
        if (most > pages) most = pages;
        uint32_t n =
            area_release_some(&s->area, EBB_SPAN >> UNIT_SHIFT, (uint32_t)most, but_last);
        if (n == 0) break;
        e->credit -= EBB_CALL + (int64_t)n * EBB_PAGE;
        pages -= n;
    }
}

void ebb(struct store *s) {
    struct ebb *e = &s->ebb;
    const struct area *a = &s->area;
    int saved = errno;
    settle(s);
    unit_t used = a->limit - a->free_units;
    unit_t slack = used / EBB_SHARE + (EBB_LEAST >> UNIT_SHIFT);
    /* Behind the last block is what the area has grown by just now, as a rule. */
    bool but_last = area_free_at_end(a) < slack;
    if (e->low > slack) give(s, (e->low - used / EBB_KEEP) / page_units(), but_last);
    e->low = a->free_units - a->released_units;
    e->released = a->released_units;
    e->next = e->then + EBB_WINDOW;
    errno = saved; /* what is refused stays as it is */
}

void ebb_large(struct store *s, size_t size) {
    int saved = errno;
    s->ebb.large = size + size / 8;
    area_release_some(&s->area, EBB_SPAN >> UNIT_SHIFT, UINT32_MAX, false);
    errno = saved;
}

void ebb_init(struct store *s, bool pages) {
    s->ebb.next = pages ? 0 : UINT64_MAX;
    s->ebb.large = pages ? EBB_LEAST : SIZE_MAX;
}
