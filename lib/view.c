/* SPDX-License-Identifier: MIT */
#include "view.h"

#include "os.h"
#include "stats.h"
#include "walk.h"

struct rm_view {
    struct image_source source;
    uint64_t address;
    struct registry_sign sign;
    struct image image;
};

/* --- the registry --- */

static rm_view_status_t read_sign(struct image_source *source, uint64_t address,
                                  struct registry_sign *sign) {
    memset(sign, 0, sizeof *sign);
    if (!image_read(source, address, sign, sizeof *sign)) return RM_VIEW_UNREADABLE;
    if (memcmp(sign->magic, REGISTRY_MAGIC, sizeof sign->magic) != 0) return RM_VIEW_NONE;
    /* Whose size is another may have its own address elsewhere. */
    if (sign->bytes != sizeof *sign)
        return sign->bytes > sizeof *sign && sign->bytes < 4096 ? RM_VIEW_FOREIGN
                                                                : RM_VIEW_NONE;
    if ((uintptr_t)sign->self != address) return RM_VIEW_NONE; /* a copy of one */
    if (strncmp(sign->version, registry_sign.version, sizeof sign->version) != 0 ||
        memcmp(sign->sizes, registry_sign.sizes, sizeof sign->sizes) != 0)
        return RM_VIEW_FOREIGN;
    return sign->n_fresh <= PLACES ? RM_VIEW_OK : RM_VIEW_NONE;
}

rm_view_status_t rm_view_open(rm_view_t **out, uint64_t address, rm_view_read_fn *read,
                              void *context, char version[20]) {
    struct image_source source = {.read = read, .context = context};
    struct registry_sign sign;
    if (version != NULL) version[0] = '\0';
    if (out == NULL || read == NULL) return RM_VIEW_EINVAL;
    *out = NULL;
    rm_view_status_t status = read_sign(&source, address, &sign);
    if (version != NULL && (status == RM_VIEW_OK || status == RM_VIEW_FOREIGN)) {
        memcpy(version, sign.version, sizeof sign.version);
        version[sizeof sign.version - 1] = '\0';
    }
    if (status != RM_VIEW_OK) return status;
    struct rm_view *view = os_reserve(sizeof *view);
    if (view == NULL) return RM_VIEW_NO_MEMORY;
    if (!os_commit(view, sizeof *view)) {
        os_unreserve(view, sizeof *view);
        return RM_VIEW_NO_MEMORY;
    }
    view->source = source;
    view->address = address;
    view->sign = sign;
    *out = view;
    return RM_VIEW_OK;
}

void rm_view_close(rm_view_t *view) {
    if (view == NULL) return;
    image_drop(&view->image);
    os_unreserve(view, sizeof *view);
}

/* --- the heaps --- */

static uint64_t token_of(uint64_t tag) { return tag << 4 | 8; }

/* The heap in a place; RM_VIEW_NONE: there is none. */
static rm_view_status_t read_place(rm_view_t *view, uint32_t i, struct rm_gate *gate,
                                   struct place *place) {
    const struct registry_sign *sign = &view->sign;
    uint64_t place_at = (uintptr_t)sign->places + i * sizeof *place;
    memset(gate, 0, sizeof *gate);
    memset(place, 0, sizeof *place);
    if (!image_read(&view->source, place_at, place, sizeof *place))
        return RM_VIEW_UNREADABLE;
    *gate = place->gate;
    if ((gate->tag & RM_GATE_LIVE) == 0 || gate->tag >= 2 * RM_GATE_LIVE ||
        registry_place(gate->tag) != i || (uintptr_t)gate->heap % 8 != 0)
        return RM_VIEW_NONE;
    return RM_VIEW_OK;
}

static void describe(const struct rm_gate *gate, const struct place *place,
                     const struct heap *h, rm_view_heap_t *is) {
    const struct area *a = &h->store.area;
    struct region region = {.low = place->low, .bytes = place->bytes};
    memset(is, 0, sizeof *is);
    unsigned char pages;
    memcpy(&pages, &place->pages, 1);
    region.pages = pages != 0;
    region.area_end = h->region.area_end;
    region.table_end = h->region.table_end;
    region.zones_end = h->region.zones_end;
    is->heap = (rm_heap_t *)(uintptr_t)token_of(gate->tag % RM_GATE_LIVE);
    is->address = (uintptr_t)place->low;
    is->grows = region.pages;
    is->threads = registry_shared(gate) ? RM_THREADS_SAFE : RM_THREADS_NONE;
    if ((unsigned)h->compaction <= RM_COMPACT_BACKGROUND) is->compaction = h->compaction;
    is->limit = place->bytes;
    is->capacity = region_capacity(&region, &h->store);
    is->used = units_bytes(a->limit - a->free_units);
    is->live_blocks = h->store.table.n_taken;
}

rm_view_status_t rm_view_heaps(rm_view_t *view, rm_view_heap_t *heaps, size_t most,
                               size_t *n) {
    uint32_t first = 0;
    struct heap h;
    if (view == NULL || n == NULL || (heaps == NULL && most > 0)) return RM_VIEW_EINVAL;
    *n = 0;
    rm_view_status_t status = read_sign(&view->source, view->address, &view->sign);
    if (status != RM_VIEW_OK) return status == RM_VIEW_FOREIGN ? RM_VIEW_NONE : status;
    if (!image_read(&view->source, (uintptr_t)view->sign.default_state, &first,
                    sizeof first))
        return RM_VIEW_UNREADABLE;
    for (uint32_t i = 0; i < view->sign.n_fresh; i++) {
        struct rm_gate gate;
        struct place place;
        status = read_place(view, i, &gate, &place);
        if (status == RM_VIEW_UNREADABLE) return status;
        if (status != RM_VIEW_OK) continue;
        memset(&h, 0, sizeof h);
        /* One that is just being destroyed may be gone. */
        if (!image_read(&view->source, (uintptr_t)gate.heap, &h, sizeof h)) continue;
        if (*n < most) {
            describe(&gate, &place, &h, &heaps[*n]);
            heaps[*n].is_default = gate.tag == first;
        }
        ++*n;
    }
    return RM_VIEW_OK;
}

/* --- a copy of one --- */

/* A mutex that nobody holds begins with so many zeros, with glibc (lock, count, owner, users) and with musl (type,
   lock, waiters). The copy is not to be tried: it may be anything. */
enum { MUTEX_WORDS = 4 };
_Static_assert(sizeof(pthread_mutex_t) >= MUTEX_WORDS * sizeof(uint32_t), "a mutex");

static bool is_held(const struct place *place) {
    static const uint32_t none[MUTEX_WORDS];
    return memcmp(&place->mutex, none, sizeof none) != 0;
}

rm_view_status_t rm_view_copy(rm_view_t *view, rm_heap_t *heap, size_t *bytes) {
    struct rm_gate gate;
    struct place place;
    uint64_t token = (uint64_t)(uintptr_t)heap, tag = token >> 4;
    if (bytes != NULL) *bytes = 0;
    if (view == NULL || (token & 15) != 8 || tag >= RM_GATE_LIVE) return RM_VIEW_EINVAL;
    view->source.bytes = 0;
    rm_view_status_t status = read_sign(&view->source, view->address, &view->sign);
    if (status == RM_VIEW_OK && registry_place(tag) >= view->sign.n_fresh)
        status = RM_VIEW_NONE;
    if (status == RM_VIEW_OK)
        status = read_place(view, registry_place(tag), &gate, &place);
    if (status != RM_VIEW_OK) return status == RM_VIEW_FOREIGN ? RM_VIEW_NONE : status;
    if (gate.tag % RM_GATE_LIVE != tag) return RM_VIEW_NONE;
    if (is_held(&place)) return RM_VIEW_BUSY;
    status = image_copy(&view->image, &view->source, &place, (uintptr_t)gate.heap, tag);
    if (bytes != NULL) *bytes = view->source.bytes;
    return status;
}

rm_view_status_t rm_view_settle(rm_view_t *view, rm_fault_t *fault) {
    return view == NULL ? RM_VIEW_EINVAL : image_settle(&view->image, fault);
}

rm_view_status_t rm_view_stats(rm_view_t *view, rm_stats_t *stats) {
    if (view == NULL || stats == NULL || !view->image.settled) return RM_VIEW_EINVAL;
    stats_quick(view->image.heap, stats);
    stats_watch(view->image.watched ? &view->image.watch : NULL, stats);
    stats_locked(view->image.heap, stats);
    return RM_VIEW_OK;
}

rm_view_status_t rm_view_walk(rm_view_t *view, rm_walk_fn *visit, void *context) {
    if (view == NULL || visit == NULL || !view->image.settled) return RM_VIEW_EINVAL;
    walk_heap(view->image.heap, visit, context); /* which has been proven */
    return RM_VIEW_OK;
}

void rm_view_forget(rm_view_t *view) {
    if (view != NULL) image_drop(&view->image);
}

const char *rm_view_strerror(rm_view_status_t status) {
    switch (status) {
    case RM_VIEW_OK: return "No error.";
    case RM_VIEW_NONE: return "There is no registry of rmalloc, or no such heap.";
    case RM_VIEW_FOREIGN: return "The library there is of another version or layout.";
    case RM_VIEW_BUSY: return "A call is going on in the heap.";
    case RM_VIEW_DAMAGED: return "The heap's copy fails verification.";
    case RM_VIEW_UNREADABLE: return "Memory of the other process cannot be read.";
    case RM_VIEW_NO_MEMORY: return "There is no memory for a copy of the heap.";
    case RM_VIEW_EINVAL: return "An argument is outside its domain.";
    }
    return "Not a status of a view.";
}
