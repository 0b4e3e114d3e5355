/* SPDX-License-Identifier: MIT */
/* One run of a test program against a library in a folder of its own, with an end. */
#ifndef MUTATION_TRIAL_H
#define MUTATION_TRIAL_H

#include <stdbool.h>

/* A test program that may find a mutant out. */
struct killer {
    char *name;
    char **argv;
    double seconds; /* it takes when nothing is wrong */
};

enum verdict { PASSED, FAILED, CRASHED, ENDLESS, N_VERDICTS };
extern const char *const verdict_names[N_VERDICTS];

/* Runs it with the libraries of `folder` first, and no longer than several times what it takes. `seconds` may be
   NULL. */
enum verdict trial_run(const struct killer *killer, const char *folder, double *seconds);

#endif
