/* SPDX-License-Identifier: MIT */
#include "trail.h"

#include "os.h"

/* Slots that get memory at once; and the least of the table that a slot takes, so that a region bounds them. */
enum { STEP = 1 << 16, SLOT_BYTES = 8 };

static size_t log_bytes(void) {
    return round_up(TRAIL_LOG * sizeof(struct departure), os_page());
}
static size_t slots_bytes(const struct trail *t) {
    return round_up((size_t)t->most * sizeof(struct trail_slot), os_page());
}

bool trail_init(struct trail *t, size_t bytes) {
    *t = (struct trail){.most = (uint32_t)(bytes / SLOT_BYTES < 1u << 28
                                               ? bytes / SLOT_BYTES + 1
                                               : 1u << 28)};
    char *memory = os_reserve(log_bytes() + slots_bytes(t));
    if (memory == NULL) return false;
    if (!os_commit(memory, log_bytes())) {
        os_unreserve(memory, log_bytes() + slots_bytes(t));
        return false;
    }
    t->log = (struct departure *)memory;
    t->slots = (struct trail_slot *)(memory + log_bytes());
    return true;
}

void trail_finish(struct trail *t) {
    if (t->log != NULL) os_unreserve(t->log, log_bytes() + slots_bytes(t));
    *t = (struct trail){.log = NULL};
}

bool trail_reach(struct trail *t, uint32_t n_slots) {
    if (n_slots <= t->n_slots) return true;
    size_t end = round_up(n_slots, STEP);
    if (end > t->most) end = t->most;
    char *from = (char *)round_down((uintptr_t)(t->slots + t->n_slots), os_page());
    char *to = (char *)round_up((uintptr_t)(t->slots + end), os_page());
    if (!os_commit(from, (size_t)(to - from))) return false;
    t->n_slots = (uint32_t)end;
    return true;
}

const struct departure *trail_find(const struct trail *t, size_t place) {
    for (size_t i = 1; i <= TRAIL_LOG; i++) { /* those of nobody so far have no size */
        const struct departure *d = &t->log[(t->n_left - i) % TRAIL_LOG];
        if (place - d->place < d->size) return d; /* below it that is more than any */
    }
    return NULL;
}
