/* SPDX-License-Identifier: MIT */
#include "store.h"

unit_t store_span_of_many(const struct store *s, uint64_t e) {
    unit_t unit = (unit_t)((entry_place(e) - HEADER) >> UNIT_SHIFT);
    SOUND(unit < s->area.limit);
    unit_t at = area_start_near(&s->area, unit), next;
    while ((next = at + area_units(&s->area, at)) <= unit) at = next;
    return at;
}
