/* SPDX-License-Identifier: MIT */
/*
 * Allocating and freeing 64 bytes, in batches and as hot pairs, beside the malloc of the
 * process and those of other libraries where they are installed. All are in this process;
 * a library opened so does not take over the process's own calls.
 */
#include "micro/micro.h"

#include <stdlib.h>
#include <string.h>

#include "compare/library.h"
#include "base/say.h"

enum { SIZE = 64, BATCH = 1024, PEERS_MAX = 6, OTHERS = 1000 };

static const struct {
    const char *name, *soname;
} known[] = {
    {"jemalloc", "libjemalloc.so.2"}, {"mimalloc", "libmimalloc.so.3"},
    {"mimalloc", "libmimalloc.so.2"}, {"tcmalloc", "libtcmalloc_minimal.so.4"},
    {"tcmalloc", "libtcmalloc.so.4"},
};
enum { N_KNOWN = sizeof(known) / sizeof(known[0]) };

struct peer {
    const char *name;
    void *(*alloc)(size_t size);
    void (*free)(void *pointer);
    void *batch[BATCH], *others[OTHERS];
};

struct handles {
    rm_heap_t *heap;
    rm_memory_t *batch[BATCH];
    unsigned failures;
};

/* ------------------------------------------------------------------- peers */

static void peer_hot(void *context, uint64_t n) {
    struct peer *peer = context;

    for (uint64_t i = 0; i < n; i++) peer->free(peer->alloc(SIZE));
}

static void peer_batches(void *context, uint64_t n) {
    struct peer *peer = context;

    for (uint64_t i = 0; i < n; i += BATCH) {
        for (size_t j = 0; j < BATCH; j++) peer->batch[j] = peer->alloc(SIZE);
        for (size_t j = 0; j < BATCH; j++) peer->free(peer->batch[j]);
    }
}

static int find_peers(struct micro *micro, struct peer *peers, size_t *n) {
    struct library library;
    int status = STATUS_OK;

    library_of_process(&library);
    peers[0] = (struct peer){
        .name = "glibc", .alloc = library.calls.malloc, .free = library.calls.free};
    *n = 1;
    for (size_t i = 0; i < N_KNOWN && status == STATUS_OK; i++) {
        bool another = i + 1 < N_KNOWN && strcmp(known[i + 1].name, known[i].name) == 0;
        char why[96];
        if (strcmp(peers[*n - 1].name, known[i].name) == 0) continue;
        if (library_open(&library, known[i].soname, why, sizeof(why)))
            peers[(*n)++] = (struct peer){.name = known[i].name,
                                          .alloc = library.calls.malloc,
                                          .free = library.calls.free};
        else if (!another)
            status = micro_skip(micro, known[i].name, why);
    }
    return status;
}

/* ----------------------------------------------------------------- rmalloc */

static void handle_hot(void *context, uint64_t n) {
    struct handles *handles = context;
    rm_memory_t *handle;

    for (uint64_t i = 0; i < n; i++) {
        handles->failures += rm_heap_alloc(handles->heap, &handle, SIZE, 0, 0) != RM_OK;
        rmfree(handle);
    }
}

static void handle_locked(void *context, uint64_t n) {
    struct handles *handles = context;
    rm_memory_t *handle;

    for (uint64_t i = 0; i < n; i++) {
        void *pointer;
        handles->failures += rm_heap_alloc(handles->heap, &handle, SIZE, 0, 0) != RM_OK;
        handles->failures += rmlock(handle, &pointer) != RM_OK;
        rmunlock(handle);
        rmfree(handle);
    }
}

static void handle_batches(void *context, uint64_t n) {
    struct handles *handles = context;

    for (uint64_t i = 0; i < n; i += BATCH) {
        for (size_t j = 0; j < BATCH; j++)
            handles->failures +=
                rm_heap_alloc(handles->heap, &handles->batch[j], SIZE, 0, 0) != RM_OK;
        for (size_t j = 0; j < BATCH; j++) rmfree(handles->batch[j]);
    }
}

/* --------------------------------------------------------------- measuring */

struct contest {
    const char *what;
    void (*peer)(void *context, uint64_t n);
    void (*ours)(void *context, uint64_t n);
    double goal; /* ours over the best peer; 0: none */
};

static int compete(struct micro *micro, struct peer *peers, size_t n_peers,
                   struct handles *heaps, const struct contest *contest) {
    static const char *const names[] = {"rmalloc, unsynchronised",
                                        "rmalloc, safe for threads"};
    struct micro_case cases[PEERS_MAX + 2];
    size_t n = 0, best = 0;

    for (; n < n_peers; n++)
        cases[n] = (struct micro_case){
            .what = peers[n].name, .run = contest->peer, .context = &peers[n]};
    for (size_t i = 0; i < 2; i++, n++)
        cases[n] = (struct micro_case){
            .what = names[i], .run = contest->ours, .context = &heaps[i]};
    int status = micro_measure(micro, cases, n);
    if (status) return status;
    if (heaps[0].failures + heaps[1].failures > 0)
        return complain(STATUS_FOUND, "an allocation of %d bytes failed", SIZE);

    for (size_t i = 0; i < n; i++) {
        if (i < n_peers && cases[i].ns < cases[best].ns) best = i;
        if (!micro_add(micro, cases[i].ns, "ns", "%s: %s", contest->what, cases[i].what))
            return STATUS_IO;
    }
    for (size_t i = n_peers; i < n; i++) {
        struct micro_row *row =
            micro_add(micro, cases[i].ns / cases[best].ns, "x", "%s: %s / %s",
                      contest->what, cases[i].what, cases[best].what);
        if (!row) return STATUS_IO;
        if (contest->goal > 0) micro_at_most(row, contest->goal);
    }
    return STATUS_OK;
}

/* From now on there are others: no program has one block alone. */
static int furnish(struct peer *peers, size_t n, struct handles *heaps) {
    for (size_t i = 0; i < OTHERS; i++) {
        for (size_t j = 0; j < n; j++)
            if (!(peers[j].others[i] = peers[j].alloc(SIZE)))
                return complain(STATUS_FOUND, "%s: out of memory", peers[j].name);
        for (size_t j = 0; j < 2; j++) {
            rm_memory_t *handle;
            int status = micro_call("rm_heap_alloc",
                                    rm_heap_alloc(heaps[j].heap, &handle, SIZE, 0, 0));
            if (status) return status;
        }
    }
    return STATUS_OK;
}

int micro_alloc(struct micro *micro) {
    static const struct contest contests[] = {
        {"nothing else, pairs", peer_hot, handle_hot, 0},
        {"batches of 1024", peer_batches, handle_batches, 1.0},
        {"pairs", peer_hot, handle_hot, 0},
        {"pairs, ours locked too", peer_hot, handle_locked, 1.4},
    };
    struct peer *peers = calloc(PEERS_MAX, sizeof(*peers));
    struct handles *heaps = calloc(2, sizeof(*heaps));
    int status = peers && heaps ? STATUS_OK : complain(STATUS_IO, "no memory for peers");
    size_t n = 0;

    if (status == STATUS_OK) heaps[0].heap = micro_heap(RM_THREADS_NONE);
    if (status == STATUS_OK) heaps[1].heap = micro_heap(RM_THREADS_SAFE);
    if (status == STATUS_OK && (!heaps[0].heap || !heaps[1].heap)) status = STATUS_FOUND;
    if (status == STATUS_OK) status = find_peers(micro, peers, &n);
    for (size_t i = 0; i < sizeof(contests) / sizeof(contests[0]) && status == STATUS_OK;
         i++) {
        status = compete(micro, peers, n, heaps, &contests[i]);
        if (i == 0 && status == STATUS_OK) status = furnish(peers, n, heaps);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < OTHERS; j++) peers[i].free(peers[i].others[j]);
    for (size_t i = 0; heaps && i < 2; i++)
        if (heaps[i].heap) rm_heap_destroy(heaps[i].heap);
    free(heaps);
    free(peers);
    return status;
}
