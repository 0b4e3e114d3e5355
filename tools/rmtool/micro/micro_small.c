/* SPDX-License-Identifier: MIT */
/*
 * Small heaps. How much of a caller's region becomes payload, until the first allocation
 * fails; and what a hundred growing heaps, one for each tab of a browser say, take of the
 * machine, beside one malloc that serves all tabs.
 */
#include "micro/micro.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/say.h"
#include "base/units.h"

enum { BLOCKS_MOST = 65536, OCTAVES = 7, LEAST = 8 };

/* 8 to 1023 bytes. */
static size_t mixed_size(struct micro *micro) {
    return chance_log_uniform(&micro->chance, LEAST, OCTAVES);
}

/* ------------------------------------------------------------------ regions */

struct blocks {
    rm_memory_t *handles[BLOCKS_MOST];
    size_t sizes[BLOCKS_MOST];
    size_t n, requested;
};

static int fill(struct micro *micro, rm_heap_t *heap, struct blocks *blocks) {
    while (blocks->n < BLOCKS_MOST) {
        size_t size = mixed_size(micro);
        rm_status_t status = rm_heap_alloc(heap, &blocks->handles[blocks->n], size, 0, 0);
        if (status == RM_ENOMEM) return STATUS_OK;
        if (status != RM_OK) return micro_call("rm_heap_alloc", status);
        blocks->sizes[blocks->n++] = size;
        blocks->requested += size;
    }
    return STATUS_OK;
}

static int free_half(struct micro *micro, struct blocks *blocks) {
    size_t kept = 0;

    for (size_t i = 0; i < blocks->n; i++) {
        if (chance_below(&micro->chance, 2) == 0) {
            int status = micro_call("rmfree", rmfree(blocks->handles[i]));
            if (status) return status;
            blocks->requested -= blocks->sizes[i];
            continue;
        }
        blocks->handles[kept] = blocks->handles[i];
        blocks->sizes[kept++] = blocks->sizes[i];
    }
    blocks->n = kept;
    return STATUS_OK;
}

static int measure_region(struct micro *micro, size_t size, struct blocks *blocks) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    double shares[2];
    rm_heap_t *heap;
    int status;

    options.memory = malloc(size);
    options.size = size;
    options.threads = RM_THREADS_NONE;
    if (!options.memory) return complain(STATUS_IO, "no memory for a region");
    status = micro_call("rm_heap_create", rm_heap_create(&heap, &options));
    if (status == STATUS_OK) {
        blocks->n = blocks->requested = 0;
        status = fill(micro, heap, blocks);
        shares[0] = (double)blocks->requested / (double)size;
        for (int i = 0; i < 4 && status == STATUS_OK; i++) {
            status = free_half(micro, blocks);
            if (status == STATUS_OK) status = fill(micro, heap, blocks);
        }
        shares[1] = (double)blocks->requested / (double)size;
        rm_heap_destroy(heap);
    }
    free(options.memory);
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        struct micro_row *row =
            micro_add(micro, 100 * shares[i], "%", "payload of a region, %s",
                      i == 0 ? "filled" : "half freed, refilled, 4 x");
        if (!row) return STATUS_IO;
        micro_x(row, (double)size / 1024, "KiB");
    }
    return status;
}

/* --------------------------------------------------------------------- tabs */

enum { TABS = 100, TAB_LEAST = 10, TAB_MOST = 200, PHASES = 3 }; /* KiB */
enum { TAB_BLOCKS_MOST = 8192 };

static const char *const phases[PHASES] = {"filled", "all replaced twice",
                                           "half freed, trimmed"};

struct tab {
    rm_heap_t *heap; /* NULL: malloc */
    void *blocks[TAB_BLOCKS_MOST];
    size_t sizes[TAB_BLOCKS_MOST];
    size_t n, requested, limit;
};

static bool tab_alloc(struct tab *tab, size_t size) {
    void **block = &tab->blocks[tab->n];

    if (tab->n == TAB_BLOCKS_MOST) return false;
    if (tab->heap) {
        void *pointer;
        rm_memory_t *handle;
        if (rm_heap_alloc(tab->heap, &handle, size, 0, 0) != RM_OK) return false;
        if (rmlock(handle, &pointer) != RM_OK) return false;
        memset(pointer, 1, size);
        rmunlock(handle);
        *block = handle;
    } else {
        *block = malloc(size);
        if (!*block) return false;
        memset(*block, 1, size);
    }
    tab->sizes[tab->n++] = size;
    tab->requested += size;
    return true;
}

static void tab_free(struct tab *tab, size_t i) {
    if (tab->heap)
        rmfree((rm_memory_t *)tab->blocks[i]);
    else
        free(tab->blocks[i]);
    tab->requested -= tab->sizes[i];
    tab->n--;
    tab->blocks[i] = tab->blocks[tab->n];
    tab->sizes[i] = tab->sizes[tab->n];
}

/* The tabs take turns, as they do in a browser. */
static bool fill_tabs(struct micro *micro, struct tab *tabs) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < TABS; i++) {
            if (tabs[i].requested >= tabs[i].limit) continue;
            if (!tab_alloc(&tabs[i], mixed_size(micro))) return false;
            more = true;
        }
    }
    return true;
}

static bool replace_in_tabs(struct micro *micro, struct tab *tabs) {
    for (size_t i = 0; i < TABS; i++) {
        for (size_t j = 2 * tabs[i].n; j > 0; j--) {
            tab_free(&tabs[i], chance_below(&micro->chance, tabs[i].n));
            while (tabs[i].requested < tabs[i].limit)
                if (!tab_alloc(&tabs[i], mixed_size(micro))) return false;
        }
    }
    return true;
}

static void shrink_tabs(struct micro *micro, struct tab *tabs) {
    for (size_t i = 0; i < TABS; i++) {
        for (size_t j = tabs[i].n / 2; j > 0; j--)
            tab_free(&tabs[i], chance_below(&micro->chance, tabs[i].n));
        if (tabs[i].heap) {
            rm_heap_compact(tabs[i].heap, NULL, NULL);
            rm_heap_trim(tabs[i].heap);
        }
    }
    malloc_trim(0);
}

/* The process's share of memory, in bytes; 0 where the kernel does not say. */
static double pss(void) {
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    uint64_t kib = 0;

    if (!file) return 0;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "Pss: %" SCNu64 " kB", &kib) == 1) break;
    fclose(file);
    return (double)kib * 1024;
}

/* In a process of its own, so that what the other has left behind is not reused. Writes
   footprint / live of each phase. */
static bool run_tabs(struct micro *micro, bool ours, double factors[PHASES]) {
    static struct tab tabs[TABS];

    for (size_t i = 0; i < TABS; i++) {
        memset(&tabs[i], 0, sizeof(tabs[i])); /* its pages are there from now on */
        tabs[i].limit =
            1024 * (TAB_LEAST + chance_below(&micro->chance, TAB_MOST - TAB_LEAST + 1));
    }
    malloc_trim(0);
    double before = pss();
    for (size_t i = 0; i < TABS && ours; i++)
        if (rm_heap_create(&tabs[i].heap, NULL) != RM_OK) return false;
    for (int phase = 0; phase < PHASES; phase++) {
        double live = 0;
        if (phase == 0 && !fill_tabs(micro, tabs)) return false;
        if (phase == 1 && !replace_in_tabs(micro, tabs)) return false;
        if (phase == 2) shrink_tabs(micro, tabs);
        for (size_t i = 0; i < TABS; i++) live += (double)tabs[i].requested;
        factors[phase] = before > 0 ? (pss() - before) / live : 0;
    }
    return true;
}

static int measure_tabs(struct micro *micro, bool ours) {
    const char *who = ours ? "rmalloc" : "malloc";
    double factors[PHASES];
    int ends[2], wait_status;

    if (pipe(ends) != 0) return complain(STATUS_IO, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool done = run_tabs(micro, ours, factors) &&
                    write(ends[1], factors, sizeof(factors)) == sizeof(factors);
        _exit(done ? 0 : 1);
    }
    close(ends[1]);
    bool done = child > 0 && read(ends[0], factors, sizeof(factors)) == sizeof(factors);
    close(ends[0]);
    if (child > 0 && waitpid(child, &wait_status, 0) != child) done = false;
    if (!done) return complain(STATUS_FOUND, "%s: the tabs' memory ran out", who);
    if (factors[0] <= 0)
        return micro_skip(micro, "100 tabs", "this kernel has no smaps_rollup");
    for (int i = 0; i < PHASES; i++)
        if (!micro_add(micro, factors[i], "x live", "100 tabs of %d to %d KiB, %s: %s",
                       TAB_LEAST, TAB_MOST, who, phases[i]))
            return STATUS_IO;
    return STATUS_OK;
}

int micro_small(struct micro *micro) {
    struct blocks *blocks = calloc(1, sizeof(*blocks));
    int status = blocks ? STATUS_OK : complain(STATUS_IO, "no memory for blocks");

    for (size_t kib = 64; kib <= 2048 && status == STATUS_OK; kib *= 2)
        status = measure_region(micro, kib << 10, blocks);
    free(blocks);
    struct chance before = micro->chance; /* the same tabs for both */
    if (status == STATUS_OK) status = measure_tabs(micro, true);
    micro->chance = before;
    if (status == STATUS_OK) status = measure_tabs(micro, false);
    return status;
}
