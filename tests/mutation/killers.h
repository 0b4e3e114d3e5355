/* SPDX-License-Identifier: MIT */
/*
 * What may find a mutant out: programs that are run, each of its cases a killer of its own, and which jumps each of
 * them takes and does not take where nothing is mutated.
 */
#ifndef MUTATION_KILLERS_H
#define MUTATION_KILLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites.h"
#include "trial.h"

enum { NOT_TAKEN = 1, TAKEN = 2 }; /* what was seen of a jump */

struct killer {
    char *name;
    char **argv;
    struct cost usual;     /* when nothing is wrong */
    uint8_t *seen;         /* of each site */
    bool unsteady;         /* not the same jumps each time: threads, and time */
    unsigned kills, tries; /* so far, of all mutants, */
    unsigned room_kills[N_ROOMS],
        room_tries[N_ROOMS]; /* and of those of one file of source */
    double share;            /* of all jumps that it sees */
};

/* `begins`: those alone whose name begins so, or NULL. */
struct killer *killers_read(const char *file, const char *folder, const char *begins,
                            size_t *n);

/* Runs all of them twice with the library that is in `folder`; what `map` has is not done again. */
void killers_map(struct killer *killers, size_t n, const struct site *sites,
                 size_t n_sites, const char *library, const char *folder, const char *map,
                 unsigned jobs);

/* One that is run without the map: how long it takes with the library in `folder`. */
void killer_time(struct killer *killer, const char *folder);

/* To one that never takes the jump the mutant in which it is never taken is the same program, and so on: has it been
   seen to be another? May it be? */
bool killer_saw(const struct killer *killer, size_t site, enum kind kind);
bool killer_sees(const struct killer *killer, size_t site, enum kind kind);

#endif
