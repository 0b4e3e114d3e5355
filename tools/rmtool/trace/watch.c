/* SPDX-License-Identifier: MIT */
#include "trace/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/say.h"

void watcher_schedule(struct watcher *watcher, uint64_t wanted, uint64_t expected) {
    watcher->wanted = wanted;
    watcher->taken = 0;
    watcher->interval = expected > wanted ? expected / wanted : 1;
    watcher->due = 0;
    watcher->last = UINT64_MAX;
}

int watcher_look(struct watcher *watcher, const struct moment *moment, bool now) {
    int status;

    if (moment->events < watcher->due && (!now || moment->events == watcher->last))
        return STATUS_OK;
    watcher->last = moment->events;
    status = watcher->look(watcher->context, moment);
    watcher->taken++;
    if (watcher->taken >= watcher->wanted + watcher->wanted / 3 + 1) {
        watcher->interval *= 2;
        watcher->taken = (watcher->taken + 1) / 2;
        if (watcher->thin) watcher->thin(watcher->context, watcher->interval);
    }
    watcher->due = (moment->events / watcher->interval + 1) * watcher->interval;
    return status;
}

size_t watch_thin_items(void *items, size_t n, size_t size, uint64_t interval) {
    unsigned char *bytes = items;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t event;
        memcpy(&event, bytes + i * size, sizeof(event));
        if (event % interval != 0) continue;
        if (kept != i) memcpy(bytes + kept * size, bytes + i * size, size);
        kept++;
    }
    return kept;
}

void *watch_room(void *items, size_t n, size_t *capacity, size_t size) {
    size_t larger = *capacity ? *capacity * 2 : 64;

    if (n < *capacity) return items;
    items = realloc(items, larger * size);
    if (items) *capacity = larger;
    return items;
}
