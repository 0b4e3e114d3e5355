/* SPDX-License-Identifier: MIT */
#include "replay/footprint.h"

#include <stdlib.h>

#include "base/say.h"
#include "base/units.h"

int footprint_look(void *context, const struct moment *moment) {
    struct footprint *footprint = context;
    struct footprint_sample *samples, *sample;
    rm_stats_t stats;
    rm_status_t status = rm_heap_stats_quick(moment->heap, &stats);

    if (status != RM_OK)
        return complain(STATUS_FOUND, "rm_heap_stats_quick: %s", rm_strerror(status));
    samples = watch_room(footprint->samples, footprint->n, &footprint->capacity,
                         sizeof(*sample));
    if (!samples) return complain(STATUS_IO, "no memory for samples");
    footprint->samples = samples;
    sample = &footprint->samples[footprint->n++];
    *sample = (struct footprint_sample){
        .event = moment->events,
        .bytes = footprint->region ? stats.extent + stats.metadata : stats.capacity,
        .live_bytes = moment->live_bytes,
        .live_blocks = moment->live_blocks,
        .locked_bytes = moment->locked_bytes,
        .locked_blocks = moment->locked_blocks,
    };
    if (sample->bytes > footprint->peak) footprint->peak = sample->bytes;
    if (!footprint->region && stats.peak_capacity > footprint->peak)
        footprint->peak = stats.peak_capacity;
    return STATUS_OK;
}

void footprint_thin(void *context, uint64_t interval) {
    struct footprint *footprint = context;

    footprint->n = watch_thin_items(footprint->samples, footprint->n,
                                    sizeof(*footprint->samples), interval);
}

struct footprint_means footprint_means(const struct footprint *footprint) {
    double bytes = 0, live = 0, blocks = 0, locked_bytes = 0, locked_blocks = 0;

    for (size_t i = 0; i < footprint->n; i++) {
        const struct footprint_sample *sample = &footprint->samples[i];
        bytes += (double)sample->bytes;
        live += (double)sample->live_bytes;
        blocks += (double)sample->live_blocks;
        locked_bytes += (double)sample->locked_bytes;
        locked_blocks += (double)sample->locked_blocks;
    }
    return (struct footprint_means){
        .over_live = ratio_of(bytes, live),
        .locked_blocks = ratio_of(locked_blocks, blocks),
        .locked_bytes = ratio_of(locked_bytes, live),
    };
}

void footprint_finish(struct footprint *footprint) {
    free(footprint->samples);
    *footprint = (struct footprint){0};
}
