/* SPDX-License-Identifier: MIT */
#include "replay/series.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/say.h"

int series_look(void *context, const struct moment *moment) {
    struct series *series = context;
    struct series_sample *samples, *sample;
    rm_status_t status;

    samples = watch_room(series->samples, series->n, &series->capacity, sizeof(*sample));
    if (!samples) return complain(STATUS_IO, "no memory for samples");
    series->samples = samples;
    sample = &series->samples[series->n++];
    sample->event = moment->events;
    sample->operations = moment->operations;
    sample->compactions = moment->compactions;
    status = rm_heap_stats(moment->heap, &sample->stats);
    if (status != RM_OK)
        return complain(STATUS_FOUND, "rm_heap_stats: %s", rm_strerror(status));
    return STATUS_OK;
}

void series_thin(void *context, uint64_t interval) {
    struct series *series = context;

    series->n =
        watch_thin_items(series->samples, series->n, sizeof(*series->samples), interval);
}

static void write_row(const struct series_sample *sample, FILE *file) {
    const rm_stats_t *stats = &sample->stats;

    fprintf(file, "%" PRIu64 ",%" PRIu64 ",%zu,%zu,%zu,%zu,%zu,%zu,%zu,%zu,%zu,%zu,%zu",
            sample->event, sample->operations, stats->allocations, stats->frees,
            stats->live_blocks, stats->requested, stats->used, stats->metadata,
            stats->free, stats->capacity, stats->extent, stats->free_spans,
            stats->largest_free);
    fprintf(file, ",%zu,%zu,%zu,%zu,%" PRIu64 ",%.6g,%.6g", stats->locked_blocks,
            stats->locked, stats->moved, stats->moved_blocks, sample->compactions,
            stats->internal_fragmentation, stats->external_fragmentation);
    for (int order = 0; order < RM_ORDERS; order++)
        fprintf(file, ",%.6g", stats->unusable[order]);
    fputc('\n', file);
}

void series_write(const struct series *series, struct output *output) {
    if (!output->file) return;
    fputs("event,operations,allocations,frees,live_blocks,requested,used,metadata,free,"
          "capacity,extent,free_spans,largest_free,locked_blocks,locked,moved,"
          "moved_blocks,compactions,internal_fragmentation,external_fragmentation",
          output->file);
    for (int order = 0; order < RM_ORDERS; order++)
        fprintf(output->file, ",unusable_%d", order);
    fputc('\n', output->file);
    for (size_t i = 0; i < series->n; i++) write_row(&series->samples[i], output->file);
}

void series_finish(struct series *series) {
    free(series->samples);
    *series = (struct series){0};
}
