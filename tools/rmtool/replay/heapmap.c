/* SPDX-License-Identifier: MIT */
#include "replay/heapmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define CELL_FIRST 16

/* The two parts of a heap: [0, low_limit) and [high_base, end). Between them is the largest
   reserved span behind the last block; where there is none, the first is everything. */
struct parts {
    uint64_t low_limit, high_base, end;
};

static bool find_parts(const rm_span_t *span, void *context) {
    struct parts *parts = context;
    uint64_t limit = span->offset + span->size;

    parts->end = limit;
    if (span->kind == RM_SPAN_BLOCK || span->kind == RM_SPAN_FREE) {
        parts->low_limit = parts->high_base = limit;
    } else if (span->kind == RM_SPAN_RESERVED &&
               span->size > parts->high_base - parts->low_limit) {
        parts->low_limit = span->offset;
        parts->high_base = limit;
    }
    return true;
}

static uint64_t cells_for(const struct heapmap *map, uint64_t bytes) {
    return (bytes + map->cell - 1) / map->cell;
}

static size_t sample_size(const struct heapmap *map) {
    return sizeof(struct heapmap_sample) + 2 * map->n_cells * sizeof(struct heapmap_cell);
}

static struct heapmap_sample *sample_at(const struct heapmap *map, size_t i) {
    return (struct heapmap_sample *)((char *)map->samples + i * sample_size(map));
}

/* Both parts of a sample, one after the other. */
static struct heapmap_cell *low_of(struct heapmap_sample *sample) {
    return sample->cells;
}
static struct heapmap_cell *high_of(const struct heapmap *map,
                                    struct heapmap_sample *sample) {
    return sample->cells + map->n_cells;
}

static void fold(struct heapmap_cell *cells, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        const struct heapmap_cell a = cells[2 * i], b = cells[2 * i + 1];
        cells[i] = (struct heapmap_cell){a.used + b.used, a.locked + b.locked,
                                         a.free + b.free, a.metadata + b.metadata};
    }
    for (size_t i = n / 2; i < n; i++) cells[i] = (struct heapmap_cell){0};
}

/* Makes the cells large enough for both parts together. */
static void reserve(struct heapmap *map, const struct parts *parts) {
    uint64_t high = parts->end - parts->high_base;

    if (parts->low_limit > map->low_bytes) map->low_bytes = parts->low_limit;
    if (high > map->high_bytes) map->high_bytes = high;
    if (map->cell == 0) map->cell = CELL_FIRST;
    while (cells_for(map, map->low_bytes) + cells_for(map, map->high_bytes) >
           map->n_cells) {
        for (size_t i = 0; i < map->n; i++) {
            fold(low_of(sample_at(map, i)), map->n_cells);
            fold(high_of(map, sample_at(map, i)), map->n_cells);
        }
        map->cell *= 2;
    }
}

static void count(struct heapmap_cell *cell, const rm_span_t *span, uint64_t bytes) {
    switch (span->kind) {
    case RM_SPAN_BLOCK: *(span->locks > 0 ? &cell->locked : &cell->used) += bytes; break;
    case RM_SPAN_FREE: cell->free += bytes; break;
    case RM_SPAN_METADATA: cell->metadata += bytes; break;
    case RM_SPAN_RESERVED: break;
    }
}

struct painter {
    struct heapmap *map;
    struct heapmap_sample *sample;
    struct parts parts;
};

static bool paint(const rm_span_t *span, void *context) {
    const struct painter *painter = context;
    const struct parts *parts = &painter->parts;
    uint64_t cell = painter->map->cell;
    uint64_t base = span->offset, limit = base + span->size;
    struct heapmap_cell *cells = low_of(painter->sample);

    if (span->kind == RM_SPAN_RESERVED) return true;
    if (base >= parts->high_base) { /* mirrored: distances from the end */
        base = parts->end - limit;
        limit = base + span->size;
        cells = high_of(painter->map, painter->sample);
    }
    while (base < limit) {
        uint64_t stop = (base / cell + 1) * cell;
        if (stop > limit) stop = limit;
        count(&cells[base / cell], span, stop - base);
        base = stop;
    }
    return true;
}

int heapmap_look(void *context, const struct moment *moment) {
    struct heapmap *map = context;
    struct painter painter = {.map = map};
    struct parts *parts = &painter.parts;
    rm_status_t status;

    if (map->n_cells == 0) map->n_cells = HEAPMAP_CELLS;
    void *samples = watch_room(map->samples, map->n, &map->capacity, sample_size(map));
    if (!samples) return complain(STATUS_IO, "no memory for the heap map");
    map->samples = samples;
    status = rm_heap_walk(moment->heap, find_parts, parts);
    if (parts->low_limit == parts->high_base)
        parts->low_limit = parts->high_base = parts->end;
    reserve(map, parts);
    painter.sample = sample_at(map, map->n++);
    memset(painter.sample, 0, sample_size(map));
    painter.sample->event = moment->events;
    if (status == RM_OK) status = rm_heap_walk(moment->heap, paint, &painter);
    if (status != RM_OK)
        return complain(STATUS_FOUND, "rm_heap_walk: %s", rm_strerror(status));
    return STATUS_OK;
}

void heapmap_thin(void *context, uint64_t interval) {
    struct heapmap *map = context;

    map->n = watch_thin_items(map->samples, map->n, sample_size(map), interval);
}

static void write_row(const struct heapmap *map, uint64_t event, uint64_t index,
                      const struct heapmap_cell *cell, FILE *file) {
    fprintf(file,
            "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%" PRIu64 "\n",
            event, index * map->cell, map->cell, cell->used, cell->locked, cell->free,
            cell->metadata);
}

void heapmap_write(const struct heapmap *map, struct output *output) {
    if (!output->file || map->n == 0) return;

    uint64_t low = cells_for(map, map->low_bytes);
    uint64_t high = cells_for(map, map->high_bytes);
    if (high > 0)
        fprintf(output->file,
                "# map: the reserved space is left out; offsets from %" PRIu64
                " count to the heap's end\n",
                low * map->cell);
    fputs("event,offset,cell,used,locked,free,metadata\n", output->file);
    for (size_t i = 0; i < map->n; i++) {
        struct heapmap_sample *sample = sample_at(map, i);
        for (uint64_t j = 0; j < low; j++)
            write_row(map, sample->event, j, &low_of(sample)[j], output->file);
        for (uint64_t j = 0; j < high; j++)
            write_row(map, sample->event, low + j, &high_of(map, sample)[high - 1 - j],
                      output->file);
    }
}

void heapmap_finish(struct heapmap *map) {
    free(map->samples);
    *map = (struct heapmap){0};
}
