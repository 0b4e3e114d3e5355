/* SPDX-License-Identifier: MIT */
/*
 * A library that run_dlopen loads.
 */
#include <stdlib.h>

void *loaded_make(void);

static void *volatile held;

__attribute__((constructor)) static void begin(void) { held = malloc(123); }
__attribute__((destructor)) static void end(void) { free(held); }

void *loaded_make(void) { return calloc(3, 41); }
