/* SPDX-License-Identifier: MIT */
#include "quick.h"

#include "small.h"

/* What rests is at most 1/16 of the area, within these. A burst of frees should find room, and
   a flush should not take long: the limit is some thousands of blocks. */
enum { SHARE = 16, LIMIT_LEAST = 64 * 1024, LIMIT_MOST = 512 * 1024 };

bool quick_room_slowly(struct store *s) {
    size_t share = units_bytes(s->area.limit) / SHARE;
    if (share < LIMIT_LEAST) share = LIMIT_LEAST;
    s->quick.limit = share < LIMIT_MOST ? share : LIMIT_MOST;
    return s->quick.bytes < s->quick.limit;
}

/* Free a block that was taken off its list. */
static void free_resting(struct store *s, uint32_t slot) {
    uint64_t e = table_entry(&s->table, slot);
    unit_t span = entry_span(e);
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) == SPAN_RUN) {
        struct run r = run_at_header(s, span, header);
        small_free_slot(s, &r, run_index(s, &r, entry_place(e)));
    } else {
        block_free(s, span);
    }
    table_untake(&s->table, slot);
}

/* Its class is right, so a slot of a run is; a block that compaction made of it has its length
   by the size it had. */
bool quick_refit(struct store *s, uint32_t slot, size_t size) {
    uint64_t e = table_entry(&s->table, slot);
    unit_t span = entry_span(e);
    uint64_t header = area_header(&s->area, span);
    if (likely(header_kind(header) == SPAN_RUN)) {
        struct run r = run_at_header(s, span, header);
        run_set_ref(&r, run_index(s, &r, entry_place(e)), slot, size);
        return true;
    }
    if (block_units(size, false) == block_units(block_size(header), false)) {
        block_set_size(s, span, slot, size);
        return true;
    }
    free_resting(s, slot);
    return false;
}

/* Free what one list holds, the last laid to rest first. */
static unsigned flush_list(struct store *s, uint32_t *head, unsigned shift, size_t bytes,
                           unsigned most) {
    struct quick *q = &s->quick;
    unsigned n = 0;
    for (; *head != 0 && n < most; n++) {
        uint32_t slot = *head >> shift;
        *head = load32(s->area.base + entry_place(table_entry(&s->table, slot)));
        q->n--;
        q->bytes -= bytes;
        free_resting(s, slot);
    }
    return n;
}

void quick_flush_some(struct store *s, unsigned most) {
    struct quick *q = &s->quick;
    for (unsigned c = 1; c < CLASSES && most > 0 && q->n > 0; c++)
        most -= flush_list(s, &q->small[c], SLACK_BITS, size_classes[c].capacity, most);
    for (unsigned i = 0; i < QUICK_BLOCKS && most > 0 && q->n > 0; i++)
        most -= flush_list(s, &q->blocks[i], 0, units_bytes(QUICK_UNITS_MIN + i), most);
    if (s->table.n_taken == 0) small_drop_kept(s);
}
