/* SPDX-License-Identifier: MIT */
/*
 * What the environment asks for, of all heaps that are made from now on: the table in settings.c has the variables
 * and what each takes. Of a program that runs with the rights of another user nothing is read.
 */
#ifndef RM_SETTINGS_H
#define RM_SETTINGS_H

#include "base.h"

enum settings_stress { STRESS_NONE, STRESS_ON_CHANGE, STRESS_ON_ALL };

struct settings {
    enum settings_stress stress; /* RMALLOC_STRESS, ... */
    uint64_t stress_seed;        /* ... and what its moves begin with; 0: the clock's */
    uint32_t fence_every;        /* RMALLOC_FENCE: each so many blocks; 0: none */
    bool fence_tells;            /* by it, not by a heap's options */
    bool integrity;              /* RMALLOC_INTEGRITY */
    bool tools;                  /* RMALLOC_TOOLS: they are told, where there are any */
};

/* Read them. What cannot be understood is said on standard error, the first time, and is as if it were not
   there. */
void settings_read(struct settings *settings);

#endif
