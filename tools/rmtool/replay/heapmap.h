/* SPDX-License-Identifier: MIT */
/*
 * The heap map: what lies where, over time, as CSV. Addresses are cut into cells of equal
 * size, 256 of them where nobody wishes for more; for each cell the bytes of each kind in it are counted.
 *
 * A growing heap has its blocks at the low end of a large reservation and its table at the
 * high end. Drawn to scale both would vanish, so the reserved space between is left out:
 *
 *      heap   |blocks ...|            reserved, some GiB             |... table|
 *      map    |blocks ...|... table|
 *
 * The two parts are counted apart, the high one by the distance from the end, because
 * either grows. When one outgrows its cells, all cells of the map double in size.
 */
#ifndef RMTOOL_HEAPMAP_H
#define RMTOOL_HEAPMAP_H

#include "base/output.h"
#include "trace/watch.h"

#define HEAPMAP_CELLS 256
#define HEAPMAP_CELLS_MAX 4096

struct heapmap_cell {
    uint64_t used, locked, free, metadata; /* bytes */
};

struct heapmap_sample {
    uint64_t event;              /* first: see watch_thin_items */
    struct heapmap_cell cells[]; /* of the low part, then of the high one */
};

struct heapmap {
    uint64_t cell;                  /* bytes in a cell; a power of two */
    uint64_t low_bytes, high_bytes; /* the most that either part has taken */
    void *samples;                  /* each as large as its cells take */
    size_t n, capacity;
    size_t n_cells; /* 0: HEAPMAP_CELLS. Even. */
};

/* All zero is an empty map; n_cells is the caller's to set. */
int heapmap_look(void *context, const struct moment *moment);
void heapmap_thin(void *context, uint64_t interval);

/* The header row and one row per sample and cell. */
void heapmap_write(const struct heapmap *map, struct output *output);
void heapmap_finish(struct heapmap *map);

#endif
