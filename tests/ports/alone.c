/* SPDX-License-Identifier: MIT */
/*
 * alone [--operations N] [--seed N]: the model's episodes of one thread, in this process, where there is no
 * other: one TAP line for each kind of heap that comes up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { NAME = 200, KINDS = 400 };

struct kind {
    char name[NAME];
    uint64_t episodes, operations;
};

static struct kind *kind_of(struct kind *kinds, unsigned *n, const char *name) {
    for (unsigned i = 0; i < *n; i++)
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    if (*n == KINDS) return &kinds[KINDS - 1];
    strcpy(kinds[*n].name, name);
    return &kinds[(*n)++];
}

static bool is_of_one_thread(const struct spec *spec) {
    for (unsigned h = 0; h < spec->n_heaps; h++)
        if (spec->heaps[h].policy == RM_COMPACT_BACKGROUND) return false;
    return spec->n_actors == 1;
}

int main(int argc, char **argv) {
    static struct world world;
    static struct kind kinds[KINDS];
    static struct op ops[TRACE_MOST];
    struct trace trace = {{0}, 0, TRACE_MOST, ops};
    uint64_t operations = 10000, seed = 1;
    unsigned n = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--operations") == 0)
            operations = strtoull(argv[i + 1], NULL, 0);
        if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[i + 1], NULL, 0);
    }
    run_init();
    printf("# seed %" PRIu64 "\n", seed);
    for (uint64_t k = 0; world.tally.operations < operations; k++) {
        uint64_t episode =
            (rng_mix(rng_mix(seed) + k) % (UINT64_C(1) << 40)) & ~UINT64_C(1);
        uint64_t before = world.tally.operations;
        struct spec spec;
        char name[NAME];
        generate_spec(&spec, episode);
        if (!is_of_one_thread(&spec)) continue;
        spec_name(&spec, name, sizeof name);
        const char *text = run_random(&world, &trace, episode);
        if (text != NULL) {
            printf("not ok %u - %s\n# model --episode %" PRIu64
                   ", after %zu: %s\n1..%u\n",
                   n + 1, name, episode, trace.n, text, n + 1);
            return 1;
        }
        struct kind *kind = kind_of(kinds, &n, name);
        kind->episodes++;
        kind->operations += world.tally.operations - before;
    }
    for (unsigned i = 0; i < n; i++)
        printf("ok %u - %s # %" PRIu64 " episodes, %" PRIu64 " operations\n", i + 1,
               kinds[i].name, kinds[i].episodes, kinds[i].operations);
    printf("1..%u\n# %" PRIu64 " operations, %" PRIu64 " heaps proved\n", n,
           world.tally.operations, world.tally.proofs);
    return 0;
}
