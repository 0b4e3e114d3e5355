/* SPDX-License-Identifier: MIT */
#include "replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "replay/play.h"
#include "base/say.h"

#define ALIGNMENT_MAX_LOG2 12 /* RM_ALIGNMENT_MAX */

/* ---------------------------------------------------------------------- looks */

static int look(struct player *player, bool now) {
    int status = STATUS_OK;

    for (size_t i = 0; i < player->options->n_watchers && status == STATUS_OK; i++)
        status = watcher_look(&player->options->watchers[i], &player->now, now);
    return status;
}

static uint64_t next_due(const struct player *player) {
    uint64_t due = UINT64_MAX;

    for (size_t i = 0; i < player->options->n_watchers; i++) {
        if (player->options->watchers[i].due < due)
            due = player->options->watchers[i].due;
    }
    return due;
}

/* --------------------------------------------------------------------- batches */

static int reserve_handles(struct player *player) {
    size_t n = player->trace->totals.blocks;
    size_t capacity = player->capacity ? player->capacity : 4096;

    if (player->options->contents) {
        int status = contents_reserve(player->options->contents, n);
        if (status) return status;
    }
    if (n <= player->capacity) return STATUS_OK;
    while (capacity < n) capacity *= 2;

    rm_memory_t **handles = realloc(player->handles, capacity * sizeof(rm_memory_t *));
    if (!handles) return complain(STATUS_IO, "no memory for %zu handles", capacity);
    player->handles = handles;
    player->capacity = capacity;
    return STATUS_OK;
}

/* Looks through a batch before it is timed. */
static void prepare(struct player *player, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct trace_event *event = &player->batch[i];
        if (event->op == TRACE_LOCK) player->writes = false;
        if (event->op == TRACE_ALIGNED && event->alignment_log2 > ALIGNMENT_MAX_LOG2) {
            event->alignment_log2 = ALIGNMENT_MAX_LOG2;
            player->result->reduced_alignments++;
        }
    }
}

static int play_batch(struct player *player, size_t n) {
    int status = STATUS_OK;

    for (size_t i = 0; i < n && status == STATUS_OK;) {
        uint64_t until_due = next_due(player) - player->now.events;
        size_t done, segment = until_due < n - i ? (size_t)until_due : n - i;
        status = play_segment(player, player->batch + i, segment, &done);
        i += done;
        if (status == STATUS_OK) status = look(player, false);
    }
    return status;
}

static int play_trace(struct player *player) {
    size_t n;
    int status = look(player, false); /* at the empty heap */

    while (status == STATUS_OK) {
        status = trace_read(player->trace, player->batch, BATCH_EVENTS, &n);
        if (status || n == 0) break;
        prepare(player, n);
        status = reserve_handles(player);
        if (status == STATUS_OK) status = play_batch(player, n);
        progress_update(player->now.events, trace_expected_events(player->trace));
    }
    return status;
}

/* ------------------------------------------------------------------------- ends */

static int create_heap(struct player *player) {
    const struct replay_options *options = player->options;
    rm_heap_options_t heap = RM_HEAP_OPTIONS_INIT;
    rm_status_t status;

    if (player->driver == &driver_null) return STATUS_OK;
    if (options->heap_size > 0) {
        void *region = mmap(NULL, options->heap_size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (region == MAP_FAILED)
            return complain(STATUS_IO, "no memory for a region of %zu bytes: %s",
                            options->heap_size, strerror(errno));
        player->region = region;
        heap.memory = region;
        heap.size = options->heap_size;
    }
    heap.threads = options->threads;
    heap.compaction = options->policy;
    status = rm_heap_create(&player->now.heap, &heap);
    if (status == RM_OK) return STATUS_OK;
    player->result->out_of_memory = status == RM_ENOMEM;
    if (options->memory_may_run_out && status == RM_ENOMEM) return STATUS_FOUND;
    return complain(STATUS_FOUND, "rm_heap_create: %s", rm_strerror(status));
}

static int verify_contents(struct player *player) {
    int status = contents_look(player->options->contents, &player->now);

    for (uint64_t i = 0; i < player->trace->totals.blocks && status == STATUS_OK; i++) {
        if (player->handles[i])
            status = contents_at_end(player->options->contents, i, player->handles[i]);
    }
    return status;
}

static int compact_finally(struct player *player) {
    struct replay_result *result = player->result;
    rm_heap_t *heap = player->now.heap;
    rm_status_t status = rm_heap_stats(heap, &result->before);
    uint64_t began = clock_wall_ns();

    if (status == RM_OK) status = rm_heap_compact(heap, NULL, &result->final);
    result->final.nanoseconds = clock_wall_ns() - began;
    if (status == RM_OK && player->options->trim) status = rm_heap_trim(heap);
    if (status == RM_OK) status = rm_heap_stats(heap, &result->after);
    if (status != RM_OK)
        return complain(STATUS_FOUND, "%s: the final compaction: %s", player->trace->path,
                        rm_strerror(status));
    return player->options->contents ? verify_contents(player) : STATUS_OK;
}

int replay_run(struct trace *trace, const struct replay_options *options,
               struct replay_result *result) {
    struct player *player = calloc(1, sizeof(*player));
    int status;

    *result = (struct replay_result){0};
    if (!player) return complain(STATUS_IO, "no memory to replay");
    player->options = options;
    player->driver = options->driver;
    player->trace = trace;
    player->result = result;
    player->writes = options->touch && !options->contents && trace->hint_locks == 0;
    player->step_due = options->step_every > 0 ? options->step_every : UINT64_MAX;
    stopwatch_init(&player->watch);

    status = create_heap(player);
    if (status == STATUS_OK) status = play_trace(player);
    if (status == STATUS_OK) status = look(player, true);
    if (status == STATUS_OK && options->final_compaction)
        status = compact_finally(player);
    if (options->blockers) blockers_end(options->blockers, player->now.events);
    result->whole = status == STATUS_OK;
    if (status == STATUS_OK && result->steps_over_budget > 0) status = STATUS_FOUND;
    if (player->now.heap) rm_heap_destroy(player->now.heap);
    if (player->region) munmap(player->region, options->heap_size);
    result->end = player->now;
    result->end.heap = NULL;
    result->operations = player->watch;
    free(player->handles);
    free(player);
    return status;
}
