/* SPDX-License-Identifier: MIT */
#include "locks/access.h"

#include <stdlib.h>

bool access_slots_take(struct access_slots *slots, uint32_t *slot) {
    if (slots->n_freed > 0) {
        *slot = slots->freed[--slots->n_freed];
        return true;
    }
    if (slots->n == ACCESS_SLOTS_MAX) return false;
    *slot = slots->n++;
    return true;
}

bool access_slots_give(struct access_slots *slots, uint32_t slot) {
    if (slots->n_freed == slots->capacity) {
        size_t capacity = slots->capacity ? slots->capacity * 2 : 1024;
        uint32_t *freed = realloc(slots->freed, capacity * sizeof(*freed));
        if (!freed) return false;
        slots->freed = freed;
        slots->capacity = capacity;
    }
    slots->freed[slots->n_freed++] = slot;
    return true;
}

void access_slots_finish(struct access_slots *slots) {
    free(slots->freed);
    *slots = (struct access_slots){0};
}
