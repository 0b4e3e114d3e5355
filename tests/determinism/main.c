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

#include "image.h"
#include "script.h"

enum { NAME = 64, LINE = 400, LINES = 400, REGION_MOST = 8 << 20 };

struct size {
    const char *name;
    size_t region; /* of the caller's; 0: it grows, ... */
    size_t limit;  /* ... as far as this */
    size_t most;   /* the largest block */
    unsigned steps;
};
static const struct size sizes[] = {
    {"4KiB", 4096, 0, 300, 2400},          {"7000B", 7000, 0, 500, 2400},
    {"16KiB", 16384, 0, 2000, 3000},       {"60000B", 60000, 0, 3000, 4000},
    {"300KiB", 300 << 10, 0, 20000, 4000}, {"2MiB", 2 << 20, 0, 200000, 4000},
    {"limited", 0, 3 << 20, 150000, 4000}, {"growing", 0, 0, 400000, 4000},
};
static const char *const policies[] = {"demand", "manual", "steady"};
static const char *const shapes[] = {"small", "class", "log", "large", "mixed"};
enum { N_SIZES = sizeof(sizes) / sizeof(*sizes), N_POLICIES = 3 };

struct golden {
    const char *name; /* of the file */
    char lines[LINES][LINE];
    unsigned n;
};

static struct golden golden;
static struct script script;
static unsigned n_cases, n_wrong;
static bool renewing;
static const char *dump;
static char *region, *copy;

/* ------------------------------------------------------------------------ figures */

static _Noreturn void stop(const char *what, const char *which) {
    printf("Bail out! %s%s\n", what, which);
    exit(3);
}

static const char *golden_line(const char *name) {
    size_t length = strlen(name);

    for (unsigned i = 0; i < golden.n; i++)
        if (strncmp(golden.lines[i], name, length) == 0 && golden.lines[i][length] == ' ')
            return golden.lines[i];
    return NULL;
}

static void judge(const char *name, const char *line) {
    const char *wanted = golden_line(name);

    n_cases++;
    if (renewing) {
        printf("%s\n", line);
    } else if (wanted != NULL && strcmp(wanted, line) == 0) {
        printf("ok %u - %s\n", n_cases, name);
    } else {
        n_wrong++;
        printf("not ok %u - %s\n#  is %s\n# was %s\n", n_cases, name, line,
               wanted != NULL ? wanted : "not there");
    }
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
    snprintf(
        line, sizeof(line),
        "%s image %016" PRIx64 " trail %016" PRIx64
        " moved %zu in %zu regained %zu returned %zu extent %zu failures %zu peak %zu",
        name, image, script.trail, stats.moved, stats.moved_blocks, stats.regained,
        stats.returned, stats.extent, stats.failures, stats.peak_capacity);
    judge(name, line);
}

/* -------------------------------------------------------------------------- cases */

static rm_heap_t *heap_of(size_t bytes, size_t limit, rm_compaction_t policy) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.threads = RM_THREADS_NONE;
    options.compaction = policy;
    options.size = limit;
    if (bytes > 0) {
        memset(region, 0, bytes);
        options.memory = region;
        options.size = bytes;
    }
    if (rm_heap_create(&heap, &options) != RM_OK) stop("no heap", "");
    if (bytes == 0) image_copy_bytes(heap);
    return heap;
}

static void random_case(const struct size *size, unsigned policy, unsigned shape) {
    rm_heap_t *heap = heap_of(size->region, size->limit, (rm_compaction_t)policy);
    char name[NAME];

    snprintf(name, sizeof(name), "%s/%s/%s", size->name, policies[policy], shapes[shape]);
    script_begin(&script, heap, 1000 * size->most + 10 * policy + shape);
    script_random(&script, (enum shape)shape, size->most, size->steps);
    report(name, heap, size->region);
    if (rm_heap_destroy(heap) != RM_OK) stop("a heap is not destroyed: ", name);
}

static void tide_case(unsigned policy) {
    rm_heap_t *heap = heap_of(0, 0, (rm_compaction_t)policy);
    char name[NAME];

    snprintf(name, sizeof(name), "tide/%s", policies[policy]);
    script_begin(&script, heap, 0);
    script_tide(&script);
    report(name, heap, 0);
    if (rm_heap_destroy(heap) != RM_OK) stop("a heap is not destroyed: ", name);
}

static void trace_case(const char *trace, size_t bytes, unsigned policy) {
    rm_heap_t *heap = heap_of(bytes, 0, (rm_compaction_t)policy);
    char name[NAME];

    snprintf(name, sizeof(name), "trace/%s/%s", bytes > 0 ? "closed" : "growing",
             policies[policy]);
    script_begin(&script, heap, 0);
    if (!script_trace(&script, trace)) stop("cannot replay ", trace);
    report(name, heap, bytes);
    if (rm_heap_destroy(heap) != RM_OK) stop("a heap is not destroyed: ", name);
}

static void read_golden(void) {
    FILE *file = fopen(golden.name, "r");

    if (file == NULL) stop("cannot read ", golden.name);
    while (golden.n < LINES && fgets(golden.lines[golden.n], LINE, file) != NULL) {
        golden.lines[golden.n][strcspn(golden.lines[golden.n], "\n")] = '\0';
        golden.n++;
    }
    fclose(file);
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
    const char *trace = NULL, *only = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0 && i + 1 < argc)
            trace = argv[++i];
        else if (strcmp(argv[i], "--dump") == 0 && i + 1 < argc)
            dump = argv[++i];
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--renew") == 0)
            renewing = true;
        else if (argv[i][0] != '-' && golden.name == NULL)
            golden.name = argv[i];
        else
            usage("an argument that is not known");
    }
    if (golden.name == NULL) usage("which figures?");
    if (!renewing) read_golden();
    region = pages();
    copy = pages();
    for (unsigned i = 0; i < N_SIZES; i++)
        for (unsigned policy = 0; policy < N_POLICIES; policy++)
            for (unsigned shape = 0; shape < N_SHAPES; shape++)
                if (only == NULL || strcmp(only, sizes[i].name) == 0)
                    random_case(&sizes[i], policy, shape);
    for (unsigned policy = 0; policy < N_POLICIES; policy++)
        if (only == NULL || strcmp(only, "tide") == 0) tide_case(policy);
    for (unsigned policy = 0; trace != NULL && policy < N_POLICIES; policy++) {
        trace_case(trace, 4300000, policy);
        trace_case(trace, 0, policy);
    }
    if (!renewing) printf("1..%u\n", n_cases);
    return n_wrong > 0;
}
