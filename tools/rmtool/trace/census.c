/* SPDX-License-Identifier: MIT */
#include "trace/census.h"

#include <stdlib.h>

#include "base/say.h"

#define TIMELESS UINT64_MAX

const double census_growths[CENSUS_GROWTHS - 1] = {0.5, 1, 1.25, 1.5, 2, 4, 16};

static unsigned class_of(uint64_t size) {
    return size <= 1 ? (unsigned)size : 65u - (unsigned)__builtin_clzll(size - 1);
}

uint64_t census_class_most(unsigned index) {
    return index == 0 ? 0 : UINT64_C(1) << (index - 1);
}

uint64_t census_class_least(unsigned index) {
    return index <= 1 ? index : (UINT64_C(1) << (index - 2)) + 1;
}

/* Words are not 0 (blocks.h): each is one more than what it says. */
static uint64_t owner_word(uint32_t thread, uint64_t resizes) {
    return (uint64_t)thread | resizes << 32;
}

static int note_birth(struct census *census, const struct trace_event *event,
                      uint64_t n_events) {
    struct census_class *class = &census->classes[class_of(event->size)];

    class->blocks++;
    class->bytes += event->size;
    class->live++;
    census->zeroed += event->op == TRACE_ZERO;
    census->aligned += event->op == TRACE_ALIGNED;
    census->allocated_bytes += event->size;
    census->threads[event->thread - 1].allocations++;
    if (blocks_add(&census->births, n_events + 1) &&
        blocks_add(&census->bytes, census->allocated_bytes + 1) &&
        blocks_add(&census->owners, owner_word(event->thread, 0)))
        return STATUS_OK;
    return complain_at(STATUS_IO, census->trace->path, event->line,
                       "no memory for what is known of its blocks");
}

static void note_death(struct census *census, const struct trace_event *event,
                       uint64_t n_events) {
    struct census_thread *thread = &census->threads[event->thread - 1];
    uint64_t owner = blocks_get(&census->owners, event->block);

    census->classes[class_of(event->size)].live--;
    thread->frees++;
    thread->foreign_frees += (uint32_t)owner != event->thread;
    histogram_add(&census->life_events,
                  n_events - (blocks_get(&census->births, event->block) - 1));
    histogram_add(&census->life_bytes,
                  census->allocated_bytes -
                      (blocks_get(&census->bytes, event->block) - 1));
    blocks_drop(&census->births, event->block);
    blocks_drop(&census->bytes, event->block);
    blocks_drop(&census->owners, event->block);
}

static void note_resize(struct census *census, const struct trace_event *event) {
    uint64_t owner = blocks_get(&census->owners, event->block);
    uint64_t resizes = (owner >> 32) + ((owner >> 32) < UINT32_MAX);
    unsigned i = 0;

    census->classes[class_of(event->old_size)].live--;
    census->classes[class_of(event->size)].live++;
    while (i < CENSUS_GROWTHS - 1 &&
           (double)event->size > census_growths[i] * (double)event->old_size)
        i++;
    census->growths[i]++;
    if (event->size > event->old_size) {
        census->grown++;
        census->grown_bytes += event->size - event->old_size;
        census->allocated_bytes += event->size - event->old_size;
    } else if (event->size < event->old_size) {
        census->shrunk++;
    } else {
        census->kept++;
    }
    census->resized_blocks += resizes == 1;
    if (resizes > census->most_resizes) census->most_resizes = resizes;
    census->foreign_reallocs += (uint32_t)owner != event->thread;
    blocks_set(&census->owners, event->block, owner_word((uint32_t)owner, resizes));
}

static int note_thread(struct census *census, const struct trace_event *event) {
    while (census->n_threads < event->thread) {
        struct census_thread *threads =
            watch_room(census->threads, census->n_threads, &census->threads_capacity,
                       sizeof(*threads));
        if (!threads)
            return complain_at(STATUS_IO, census->trace->path, event->line,
                               "no memory for its threads");
        census->threads = threads;
        threads[census->n_threads++] = (struct census_thread){0};
    }
    census->threads[event->thread - 1].events++;
    return STATUS_OK;
}

static int note_event(struct census *census, const struct trace_event *event) {
    uint64_t n_events = census->trace->totals.events;
    int status = note_thread(census, event);

    if (status) return status;
    switch ((enum trace_op)event->op) {
    case TRACE_ALLOC:
    case TRACE_ZERO:
    case TRACE_ALIGNED: return note_birth(census, event, n_events);
    case TRACE_REALLOC: note_resize(census, event); break;
    case TRACE_FREE: note_death(census, event, n_events); break;
    case TRACE_LOCK:
    case TRACE_UNLOCK: break;
    }
    return STATUS_OK;
}

/* -------------------------------------------------------------------- curve */

static int look(void *context, const struct moment *moment) {
    struct census *census = context;
    struct census_point *points = watch_room(census->points, census->n_points,
                                             &census->points_capacity, sizeof(*points));

    if (!points) return complain(STATUS_IO, "no memory for samples");
    census->points = points;
    points[census->n_points++] = (struct census_point){
        .event = moment->events,
        .live_bytes = moment->live_bytes,
        .live_blocks = moment->live_blocks,
        .locked_bytes = moment->locked_bytes,
        .locked_blocks = moment->locked_blocks,
        .time_ns = census->trace->timed ? census->trace->time_ns : TIMELESS,
    };
    return STATUS_OK;
}

static void thin(void *context, uint64_t interval) {
    struct census *census = context;

    census->n_points = watch_thin_items(census->points, census->n_points,
                                        sizeof(*census->points), interval);
}

static int sample(struct census *census, bool now) {
    const struct trace_totals *totals = &census->trace->totals;
    struct moment moment = {
        .events = totals->events,
        .live_blocks = totals->live_blocks,
        .live_bytes = totals->live_bytes,
        .locked_blocks = totals->locked_blocks,
        .locked_bytes = totals->locked_bytes,
    };

    return watcher_look(&census->watcher, &moment, now);
}

int census_take(struct census *census, struct trace *trace, uint64_t points) {
    struct trace_event event;
    size_t n = 1;
    int status;

    *census = (struct census){.trace = trace, .inherited = trace->inherited};
    census->watcher = (struct watcher){.look = look, .thin = thin, .context = census};
    /* What the header says of its length may be wrong by any factor. */
    watcher_schedule(&census->watcher, points, 0);
    status = sample(census, true);
    /* Singly: totals and time are those after the last event that was read. */
    while (status == STATUS_OK) {
        status = trace_read(trace, &event, 1, &n);
        if (status || n == 0) break;
        status = note_event(census, &event);
        if (status == STATUS_OK) status = sample(census, false);
        if (trace->totals.events % 65536 == 0)
            progress_update(trace->totals.events, trace_expected_events(trace));
    }
    return status ? status : sample(census, true);
}

void census_finish(struct census *census) {
    free(census->threads);
    free(census->points);
    blocks_finish(&census->births);
    blocks_finish(&census->bytes);
    blocks_finish(&census->owners);
    *census = (struct census){0};
}
