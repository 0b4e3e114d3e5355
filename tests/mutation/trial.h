/* SPDX-License-Identifier: MIT */
/* One run of a program against a library in a folder of its own, with an end. */
#ifndef MUTATION_TRIAL_H
#define MUTATION_TRIAL_H

enum verdict { PASSED, FAILED, CRASHED, ENDLESS, N_VERDICTS };
extern const char *const verdict_names[N_VERDICTS];

/* Seconds: by the clock, and of a processor, its children's too. */
struct cost {
    double clock, work;
};

/* Runs it with the libraries of `folder` first, and no longer than several times what it usually takes. `took` may be
   NULL; `jumps`: the file where the library is to note which jumps were taken, or NULL. */
enum verdict trial_run(char **argv, const char *folder, struct cost usual,
                       const char *jumps, struct cost *took);

#endif
