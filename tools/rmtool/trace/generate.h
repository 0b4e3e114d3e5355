/* SPDX-License-Identifier: MIT */
/*
 * Made-up traces, by name. Whoever opens a trace called
 *
 *      synth:NAME[,seed=N][,scale=F]
 *
 * gets one that is generated then and there: every verb that takes a trace takes these.
 */
#ifndef RMTOOL_GENERATE_H
#define RMTOOL_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/tape.h"

#define GENERATE_PREFIX "synth:"
#define GENERATE_SEED 1

struct generator {
    const char *name;
    const char *summary; /* one line, for people */
};

/* All there are; the last one's name is NULL. */
extern const struct generator generators[];

struct generated {
    const char *name; /* that of the generator */
    const char *summary;
    uint64_t seed;
    double scale;
    uint64_t events;
};

/* Whether a trace of that path is generated, not read. */
bool generate_wanted(const char *path);

/* A seed as written in an option or a path; 0 to 2^64 - 1. */
bool generate_parse_seed(const char *text, uint64_t *seed);

/* A scale, above 0 and at most 1000. */
bool generate_parse_scale(const char *text, double *scale);

/*
 * Writes the trace that a path names to an empty tape.
 *  made: receives what has been written.
 * Returns: a status: STATUS_USAGE (no such generator, a setting that makes no sense);
 *        STATUS_IO (it would take more memory than a tape may).
 */
int generate(const char *path, struct tape *tape, struct generated *made);

#endif
