/* SPDX-License-Identifier: MIT */
/* What programs do, as far as it asks something of the system. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include <stdbool.h>
#include <stdint.h>

struct scenario {
    const char *name;
    void (*run)(uint64_t seed, bool looked);
    bool by_chance; /* another seed does something else */
};
extern const struct scenario scenarios[];
extern const unsigned n_scenarios;

/* Of a program in which requests are refused before its main function begins. */
void scenario_loaded(void);

/* In other files: what threads do, and what is not a heap's alone. */
void scenario_threads(uint64_t seed, bool looked);
void scenario_background(uint64_t seed, bool looked);
void scenario_fork(uint64_t seed, bool looked);
void scenario_many(uint64_t seed, bool looked);
void scenario_default(uint64_t seed, bool looked);
void scenario_view(uint64_t seed, bool looked);

#endif
