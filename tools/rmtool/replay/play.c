/* SPDX-License-Identifier: MIT */
#include "replay/play.h"

#include <inttypes.h>

#include "base/say.h"

#define TOUCH_EVERY 64
/* Steps in a row that move nothing and are not complete: past this it will not end. */
#define IDLE_STEPS_MAX (1u << 20)

/* ---------------------------------------------------------------- complaints */

static int complain_event(const struct player *player, const struct trace_event *event,
                          const char *what) {
    static const char *const names[] = {"alloc", "calloc", "memalign", "realloc",
                                        "free",  "lock",   "unlock"};

    return complain_at(STATUS_FOUND, player->trace->path, event->line,
                       "%s of block %" PRIu64 ", %" PRIu64 " bytes: %s", names[event->op],
                       event->block + 1, event->size, what);
}

static int complain_status(struct player *player, const struct trace_event *event,
                           rm_status_t status) {
    if (status == RM_ENOMEM) {
        player->result->out_of_memory = true;
        if (player->options->memory_may_run_out) return STATUS_FOUND;
    }
    return complain_event(player, event, rm_strerror(status));
}

/* ---------------------------------------------------------------------- counts */

static int count(struct player *player, const struct trace_event *event) {
    struct moment *now = &player->now;
    struct replay_result *result = player->result;
    struct blockers *blockers = player->options->blockers;

    now->events++;
    switch ((enum trace_op)event->op) {
    case TRACE_REALLOC:
        result->reallocations++;
        now->live_bytes += event->size - event->old_size; /* modulo 2^64 */
        break;
    case TRACE_FREE:
        now->frees++;
        now->live_blocks--;
        now->live_bytes -= event->size;
        break;
    case TRACE_LOCK:
        result->locks++;
        now->locked_blocks++;
        now->locked_bytes += event->size;
        if (now->locked_blocks > result->most_locked_blocks)
            result->most_locked_blocks = now->locked_blocks;
        if (now->locked_bytes > result->most_locked_bytes)
            result->most_locked_bytes = now->locked_bytes;
        if (blockers)
            return blockers_lock(blockers, event->block, event->size, now->events);
        break;
    case TRACE_UNLOCK:
        now->locked_blocks--;
        now->locked_bytes -= event->size;
        if (blockers) blockers_unlock(blockers, event->block, now->events);
        break;
    default:
        now->allocations++;
        now->live_blocks++;
        now->live_bytes += event->size;
        break;
    }
    return STATUS_OK;
}

/* Counts what has been played of the segment, so that `events` are in all. The stopwatch
   stands. */
static int catch_up(struct player *player, uint64_t events) {
    int status = STATUS_OK;

    while (player->now.events < events && status == STATUS_OK)
        status =
            count(player, &player->segment[player->now.events - player->segment_base]);
    return status;
}

/* ---------------------------------------------------------------- compaction */

/* What a step has met: locks, and what they hold back. */
static int note_locks(struct player *player, uint64_t event,
                      const rm_progress_t *progress) {
    struct replay_result *result = player->result;
    const struct moment *now = &player->now;
    struct replay_step met = {event, progress, now, UINT64_MAX};
    int status = catch_up(player, event);

    result->step_live_blocks += now->live_blocks;
    result->step_live_bytes += now->live_bytes;
    result->step_locked_blocks += now->locked_blocks;
    result->step_locked_bytes += now->locked_bytes;
    if (now->locked_blocks > result->step_most_locked_blocks)
        result->step_most_locked_blocks = now->locked_blocks;
    if (now->locked_bytes > result->step_most_locked_bytes)
        result->step_most_locked_bytes = now->locked_bytes;
    if (player->options->blockers && progress->complete && status == STATUS_OK)
        status = blockers_look(player->options->blockers, now->heap, player->handles,
                               &met.held_back);
    if (player->options->on_step && status == STATUS_OK)
        player->options->on_step(player->options->on_step_context, &met);
    return status;
}

/* One step. The stopwatch of the operations runs when this is called, and after it. */
static int step(struct player *player, uint64_t event, const rm_budget_t *budget,
                rm_progress_t *progress) {
    struct replay_result *result = player->result;
    rm_status_t status;
    uint64_t began;

    stopwatch_stop(&player->watch);
    began = clock_wall_ns();
    status = rm_heap_compact(player->now.heap, budget, progress);
    if (player->options->trim && progress->complete && status == RM_OK)
        status = rm_heap_trim(player->now.heap);
    progress->nanoseconds = clock_wall_ns() - began;

    player->now.compactions++;
    result->steps++;
    result->steps_complete += progress->complete;
    result->steps_ns += progress->nanoseconds;
    histogram_add(&result->step_ns, progress->nanoseconds);
    if (progress->nanoseconds > result->step_longest_ns)
        result->step_longest_ns = progress->nanoseconds;
    if (progress->moved > result->step_most_bytes)
        result->step_most_bytes = progress->moved;
    if (budget && budget->bytes > 0 && progress->moved > budget->bytes + STEP_SLACK &&
        result->steps_over_budget++ == 0)
        complain(STATUS_FOUND,
                 "%s: after event %" PRIu64 ": a compaction step with a budget of %zu "
                 "bytes has moved %zu",
                 player->trace->path, event, budget->bytes, progress->moved);
    int failed = note_locks(player, event, progress);
    stopwatch_start(&player->watch);
    if (status != RM_OK)
        return complain(STATUS_FOUND, "%s: after event %" PRIu64 ": compaction: %s",
                        player->trace->path, event, rm_strerror(status));
    return failed;
}

/* To the end: at once, or by steps where there are any. */
static int compact(struct player *player, uint64_t event) {
    const rm_budget_t *budget =
        player->options->step_every > 0 ? &player->options->step : NULL;
    unsigned idle = 0;

    for (;;) {
        rm_progress_t progress = {0};
        int status = step(player, event, budget, &progress);
        if (status || progress.complete) return status;
        idle = progress.moved > 0 ? 0 : idle + 1;
        if (idle > IDLE_STEPS_MAX)
            return complain(STATUS_FOUND,
                            "%s: after event %" PRIu64 ": compaction makes no progress",
                            player->trace->path, event);
    }
}

/* --------------------------------------------------------------------- events */

static void touch(void *pointer, uint64_t from, uint64_t limit) {
    volatile unsigned char *bytes = pointer;

    for (uint64_t i = from; i < limit; i += TOUCH_EVERY) bytes[i] = 1;
}

static rm_status_t lock_and_touch(struct player *player, const struct trace_event *event,
                                  rm_memory_t *handle) {
    void *pointer;
    rm_status_t status = player->driver->lock(handle, &pointer);

    if (status != RM_OK) return status;
    touch(pointer, event->old_size, event->size);
    return player->driver->unlock(handle);
}

/* What follows a successful alloc or realloc. */
static int written(struct player *player, const struct trace_event *event,
                   rm_memory_t *handle) {
    rm_status_t status = player->writes ? lock_and_touch(player, event, handle) : RM_OK;

    if (status != RM_OK) return complain_status(player, event, status);
    if (!player->options->contents) return STATUS_OK;
    return event->op == TRACE_REALLOC
               ? contents_after_realloc(player->options->contents, event, handle)
               : contents_after_alloc(player->options->contents, event, handle);
}

/* An alloc or a realloc. Without compaction by the heap itself, a failure is answered by
   compacting and trying once more. */
static int play_sized(struct player *player, const struct trace_event *event,
                      uint64_t number) {
    const struct driver *driver = player->driver;
    rm_memory_t **handle = &player->handles[event->block];
    bool compacted = player->options->policy != RM_COMPACT_MANUAL;
    size_t alignment =
        event->op == TRACE_ALIGNED ? (size_t)1 << event->alignment_log2 : 0;
    unsigned flags = event->op == TRACE_ZERO ? RM_ZERO : 0;

    for (;;) {
        rm_status_t status =
            event->op == TRACE_REALLOC
                ? driver->resize(*handle, (ssize_t)event->size)
                : driver->alloc(player->now.heap, handle, event->size, alignment, flags);
        if (status == RM_OK) return written(player, event, *handle);
        if (status != RM_ENOMEM || compacted)
            return complain_status(player, event, status);
        int failed = compact(player, number);
        if (failed) return failed;
        compacted = true;
    }
}

static int play_lock(struct player *player, const struct trace_event *event) {
    void *pointer;
    rm_status_t status = player->driver->lock(player->handles[event->block], &pointer);

    if (status != RM_OK) return complain_status(player, event, status);
    if (player->options->contents)
        contents_after_lock(player->options->contents, event, pointer);
    else if (player->options->touch && event->first_lock)
        touch(pointer, 0, event->size);
    return STATUS_OK;
}

static int play(struct player *player, const struct trace_event *event, uint64_t number) {
    struct contents *contents = player->options->contents;
    rm_memory_t **handle = &player->handles[event->block];
    rm_status_t status;
    int failed = STATUS_OK;

    switch ((enum trace_op)event->op) {
    case TRACE_FREE:
        if (contents) failed = contents_before_free(contents, event, *handle);
        if (failed) return failed;
        status = player->driver->free(*handle);
        *handle = NULL;
        break;
    case TRACE_LOCK: return play_lock(player, event);
    case TRACE_UNLOCK:
        if (contents) failed = contents_before_unlock(contents, event, *handle);
        if (failed) return failed;
        status = player->driver->unlock(*handle);
        break;
    default: return play_sized(player, event, number);
    }
    return status == RM_OK ? STATUS_OK : complain_status(player, event, status);
}

int play_segment(struct player *player, const struct trace_event *events, size_t n,
                 size_t *done) {
    uint64_t number = player->now.events;
    int status = STATUS_OK, counted;
    size_t i;

    player->segment = events;
    player->segment_base = number;
    stopwatch_start(&player->watch);
    for (i = 0; i < n; i++) {
        status = play(player, &events[i], number + i);
        if (status) break;
        if (events[i].op > TRACE_FREE || ++player->now.operations != player->step_due)
            continue;
        rm_progress_t progress = {0};
        player->step_due += player->options->step_every;
        status = step(player, number + i + 1, &player->options->step, &progress);
        if (status) break;
    }
    stopwatch_stop(&player->watch);
    counted = catch_up(player, number + i);
    *done = i;
    return status ? status : counted;
}
