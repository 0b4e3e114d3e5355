/* SPDX-License-Identifier: MIT */
#include "motion.h"

#include "os.h"

bool motion_is_held(const struct store *s) {
    if (s->crowd->held > 0) return true;
    for (const struct cache *c = s->crowd->caches; c != NULL; c = c->next)
        if (__atomic_load_n(&c->holds, __ATOMIC_ACQUIRE) != 0) return true;
    return false;
}

bool motion_begin(struct store *s) {
    if (s->crowd->held > 0) return false;
    if (s->crowd->holders == 0 || s->table.motion != 0) return true;
    __atomic_store_n(&s->table.motion, 1, __ATOMIC_RELAXED);
    os_barrier_seldom();
    for (struct cache *c = s->crowd->caches; c != NULL; c = c->next) {
        if (__atomic_load_n(&c->holds, __ATOMIC_ACQUIRE) == 0) continue;
        motion_end(s);
        return false;
    }
    return true;
}
