/* SPDX-License-Identifier: MIT */
#include "aside.h"

#include "os.h"

enum { CHUNK = 1024 * 1024, LEAST = 1 << ASIDE_LEAST_SHIFT };

struct chunk {
    struct chunk *next;
    size_t bytes;
};
_Static_assert(sizeof(struct chunk) <= LEAST, "a chunk's first piece is its own");

static unsigned size_of(size_t bytes) {
    if (bytes <= LEAST) return 0;
    return bit_highest(bytes - 1) + 1 - ASIDE_LEAST_SHIFT;
}

static bool add_chunk(struct aside *a, size_t bytes) {
    bytes = round_up(bytes + LEAST, CHUNK);
    char *memory = os_reserve(bytes);
    if (memory == NULL) return false;
    if (!os_commit(memory, bytes)) {
        os_unreserve(memory, bytes);
        return false;
    }
    struct chunk *c = (struct chunk *)memory;
    *c = (struct chunk){a->chunks, bytes};
    a->chunks = c;
    a->at = memory + LEAST;
    a->end = memory + bytes;
    return true;
}

void *aside_alloc(struct aside *a, size_t bytes) {
    unsigned size = size_of(bytes);
    if (size >= ASIDE_SIZES) return NULL;
    size_t piece = (size_t)LEAST << size;
    void *taken = a->free[size];
    if (taken != NULL) {
        memcpy(&a->free[size], taken, sizeof(void *));
        memset(taken, 0, piece);
        return taken;
    }
    if ((size_t)(a->end - a->at) < piece && !add_chunk(a, piece)) return NULL;
    taken = a->at;
    a->at += piece;
    return taken;
}

void aside_free(struct aside *a, void *piece, size_t bytes) {
    if (piece == NULL) return;
    memcpy(piece, &a->free[size_of(bytes)], sizeof(void *));
    a->free[size_of(bytes)] = piece;
}

void aside_finish(struct aside *a) {
    struct chunk *next;
    for (struct chunk *c = a->chunks; c != NULL; c = next) {
        next = c->next;
        os_unreserve(c, c->bytes);
    }
    *a = (struct aside){.chunks = NULL};
}
