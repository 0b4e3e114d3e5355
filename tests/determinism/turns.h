/* SPDX-License-Identifier: MIT */
/* A script whose calls are made by several threads in turn, one at a time: so it is the same every time, and what
   the others keep of the heap, and that they read, matters to each. */
#ifndef DETERMINISM_TURNS_H
#define DETERMINISM_TURNS_H

#include "script.h"

/* As script_random. False: the threads cannot be made. */
bool turns_random(struct script *script, enum shape shape, size_t most, unsigned steps);

#endif
