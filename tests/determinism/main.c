/* SPDX-License-Identifier: MIT */
/*
 * determinism GOLDEN [--trace FILE] [--renew] [--dump DIRECTORY] [--only SIZE]
 *
 * The same calls give the same heap: byte for byte where it lies in the caller's memory, by its
 * spans and figures where it grows. One line for each case; GOLDEN has what they were when last
 * renewed, by whatever compiler.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "golden.h"
#include "image.h"
#include "modes.h"
#include "script.h"
#include "turns.h"

enum { NAME = 64, LINE = 400, REGION_MOST = 8 << 20 };

struct size {
    const char *name;
    size_t region; /* of the caller's; 0: it grows, ... */
    size_t limit;  /* ... as far as this */
    size_t most;   /* the largest block */
    unsigned steps;
    enum mode mode; /* alone: under all policies; else shapes take turns with them */
};
static const struct size sizes[] = {
    {"4KiB", 4096, 0, 300, 2400, MODE_ALONE},
    {"7000B", 7000, 0, 500, 2400, MODE_ALONE},
    {"16KiB", 16384, 0, 2000, 3000, MODE_ALONE},
    {"60000B", 60000, 0, 3000, 4000, MODE_ALONE},
    {"300KiB", 300 << 10, 0, 20000, 4000, MODE_ALONE},
    {"2MiB", 2 << 20, 0, 200000, 4000, MODE_ALONE},
    {"limited", 0, 3 << 20, 150000, 4000, MODE_ALONE},
    {"growing", 0, 0, 400000, 4000, MODE_ALONE},
    {"shared", 300 << 10, 0, 20000, 4000, MODE_SHARED},
    {"sealed-7000B", 7000, 0, 500, 1000, MODE_SEALED},
    {"sealed-300KiB", 300 << 10, 0, 20000, 800, MODE_SEALED},
    {"sealed-growing", 0, 0, 100000, 500, MODE_SEALED},
    {"onchange-16KiB", 16384, 0, 2000, 450, MODE_ON_CHANGE},
    {"onchange-growing", 0, 0, 3000, 200, MODE_ON_CHANGE},
    {"onall-16KiB", 16384, 0, 2000, 300, MODE_ON_ALL},
    {"onall-growing", 0, 0, 3000, 100, MODE_ON_ALL},
    {"fenced-60000B", 60000, 0, 3000, 1500, MODE_FENCED},
    {"fenced-growing", 0, 0, 100000, 1500, MODE_FENCED},
    /* From here on there has been a second thread. */
    {"between-16KiB", 16384, 0, 2000, 3000, MODE_BETWEEN},
    {"between-300KiB", 300 << 10, 0, 20000, 4000, MODE_BETWEEN},
    {"between-2MiB", 2 << 20, 0, 2000, 7000, MODE_BETWEEN},
    {"between-8MiB", 8 << 20, 0, 200000, 4500, MODE_BETWEEN},
    {"between-limited", 0, 3 << 20, 150000, 4000, MODE_BETWEEN},
    {"between-growing", 0, 0, 400000, 2500, MODE_BETWEEN},
    {"viewed-4MiB", 4 << 20, 0, 5000, 4000, MODE_VIEWED},
    {"viewed-growing", 0, 0, 100000, 2500, MODE_VIEWED},
    {"turns-300KiB", 300 << 10, 0, 20000, 4000, MODE_TURNS},
    {"turns-8MiB", 8 << 20, 0, 5000, 6000, MODE_TURNS},
    {"turns-growing", 0, 0, 50000, 5000, MODE_TURNS},
};
static const char *const policies[] = {"demand", "manual", "steady"};
static const char *const shapes[] = {"small", "class", "log", "large", "mixed"};
enum { N_SIZES = sizeof(sizes) / sizeof(*sizes), N_POLICIES = 3 };

static struct script script;
static const char *dump;
static char *region, *copy;

/* ------------------------------------------------------------------------ figures */

static _Noreturn void stop(const char *what, const char *which) {
    printf("Bail out! %s%s\n", what, which);
    exit(3);
}

static void keep_image(const char *name, size_t size) {
    char path[300], flat[NAME];
    FILE *file;

    if (dump == NULL) return;
    snprintf(flat, sizeof(flat), "%s", name);
    for (char *c = flat; *c != '\0'; c++)
        if (*c == '/') *c = '-';
    snprintf(path, sizeof(path), "%s/%s", dump, flat);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(copy, 1, size, file) != size || fclose(file) != 0)
        stop("cannot write ", path);
}

static void report(const char *name, rm_heap_t *heap, size_t size) {
    char line[LINE];
    uint64_t image = size > 0 ? image_of(heap, region, size, copy) : 0;
    rm_stats_t stats;

    if (size > 0) keep_image(name, size);
    if (rm_heap_stats(heap, &stats) != RM_OK) stop("no metrics of ", name);
    if (script.n_lost > 0) stop("blocks have lost what was in them: ", name);
    snprintf(
        line, sizeof(line),
        "%s image %016" PRIx64 " trail %016" PRIx64
        " moved %zu in %zu regained %zu returned %zu extent %zu failures %zu peak %zu",
        name, image, script.trail, stats.moved, stats.moved_blocks, stats.regained,
        stats.returned, stats.extent, stats.failures, stats.peak_capacity);
    golden_say(name, line);
}

/* -------------------------------------------------------------------------- cases */

static rm_heap_t *heap_of(enum mode mode, size_t bytes, size_t limit,
                          rm_compaction_t policy) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.compaction = policy;
    options.size = limit;
    if (bytes > 0) {
        memset(region, 0, bytes);
        options.memory = region;
        options.size = bytes;
    }
    heap = mode_heap(mode, options);
    if (heap == NULL) stop("no heap", "");
    if (bytes == 0) image_copy_bytes(heap);
    return heap;
}

static void random_case(const struct size *size, unsigned policy, unsigned shape) {
    rm_heap_t *heap =
        heap_of(size->mode, size->region, size->limit, (rm_compaction_t)policy);
    unsigned how = mode_script(size->mode) | (size->region > 0 ? SCRIPT_CLOSED : 0);
    char name[NAME];

    snprintf(name, sizeof(name), "%s/%s/%s", size->name, policies[policy], shapes[shape]);
    script_begin(&script, heap, 1000 * size->most + 10 * policy + shape, how);
    if (size->mode != MODE_TURNS)
        script_random(&script, (enum shape)shape, size->most, size->steps);
    else if (!turns_random(&script, (enum shape)shape, size->most, size->steps))
        stop("no threads for ", name);
    report(name, heap, size->region);
    if (rm_heap_destroy(heap) != RM_OK) stop("a heap is not destroyed: ", name);
}

static void random_cases(const struct size *size, unsigned nth) {
    for (unsigned policy = 0; policy < N_POLICIES; policy++)
        for (unsigned shape = 0; shape < N_SHAPES; shape++)
            if (size->mode == MODE_ALONE || (shape + nth) % N_POLICIES == policy)
                random_case(size, policy, shape);
}

static void other_case(const char *what, enum mode mode, void (*play)(struct script *),
                       unsigned policy) {
    rm_heap_t *heap = heap_of(mode, 0, 0, (rm_compaction_t)policy);
    char name[NAME];

    snprintf(name, sizeof(name), "%s/%s", what, policies[policy]);
    script_begin(&script, heap, 0, mode_script(mode));
    play(&script);
    report(name, heap, 0);
    if (rm_heap_destroy(heap) != RM_OK) stop("a heap is not destroyed: ", name);
}

static void trace_case(const char *trace, size_t bytes, unsigned policy) {
    rm_heap_t *heap = heap_of(MODE_ALONE, bytes, 0, (rm_compaction_t)policy);
    char name[NAME];

    snprintf(name, sizeof(name), "trace/%s/%s", bytes > 0 ? "closed" : "growing",
             policies[policy]);
    script_begin(&script, heap, 0, 0);
    if (!script_trace(&script, trace)) stop("cannot replay ", trace);
    report(name, heap, bytes);
    if (rm_heap_destroy(heap) != RM_OK) stop("a heap is not destroyed: ", name);
}

static char *pages(void) {
    void *at = mmap(NULL, REGION_MOST, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) stop("no memory", "");
    return at;
}

static _Noreturn void usage(const char *problem) {
    fprintf(
        stderr,
        "determinism: %s\n"
        "usage: determinism GOLDEN [--trace FILE] [--renew] [--dump DIRECTORY] [--only "
        "SIZE]\n",
        problem);
    exit(2);
}

int main(int argc, char **argv) {
    const char *trace = NULL, *only = NULL, *golden = NULL;
    bool renew = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0 && i + 1 < argc)
            trace = argv[++i];
        else if (strcmp(argv[i], "--dump") == 0 && i + 1 < argc)
            dump = argv[++i];
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--renew") == 0)
            renew = true;
        else if (argv[i][0] != '-' && golden == NULL)
            golden = argv[i];
        else
            usage("an argument that is not known");
    }
    if (golden == NULL) usage("which figures?");
    golden_begin(golden, renew);
    region = pages();
    copy = pages();
    for (unsigned i = 0; i < N_SIZES; i++)
        if (only == NULL || strcmp(only, sizes[i].name) == 0) random_cases(&sizes[i], i);
    for (unsigned policy = 0; policy < N_POLICIES; policy++)
        if (only == NULL || strcmp(only, "tide") == 0)
            other_case("tide", MODE_ALONE, script_tide, policy);
    for (unsigned policy = 0; policy < N_POLICIES; policy++)
        if (only == NULL || strcmp(only, "waves") == 0)
            other_case("waves", MODE_VIEWED, script_waves, policy);
    for (unsigned policy = 0; trace != NULL && policy < N_POLICIES; policy++) {
        trace_case(trace, 4300000, policy);
        trace_case(trace, 0, policy);
    }
    return golden_end();
}
