/* SPDX-License-Identifier: MIT */
/*
 * Compaction by the clock: as many steps as are done in time, and how long the rest would take. Nothing that may
 * take longer than is left is begun.
 */
#ifndef RM_IDLE_H
#define RM_IDLE_H

#include "heap.h"

/* A step of the time that is left until `deadline`. False: there is too little of it, or nothing is left to do,
   which *complete says, or nothing may move. */
bool idle_step(struct heap *h, uint64_t deadline, const _Atomic unsigned *waiting,
               bool *complete);

/* ns that are left to do, at the pace of the steps so far; never 0, as only a step can tell. */
uint64_t idle_forecast(const struct heap *h);

#endif
