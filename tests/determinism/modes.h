/* SPDX-License-Identifier: MIT */
/* The ways that a heap may be kept, each of which has to be the same every time. */
#ifndef DETERMINISM_MODES_H
#define DETERMINISM_MODES_H

#include <stddef.h>

#include <rmalloc.h>

enum mode {
    MODE_ALONE,     /* for one thread */
    MODE_SHARED,    /* safe for threads, and there has never been another */
    MODE_BETWEEN,   /* safe for threads, and there has been another */
    MODE_VIEWED,    /* likewise, and it is looked at from outside */
    MODE_TURNS,     /* several use it in turn, and it is looked at from outside */
    MODE_SEALED,    /* integrity */
    MODE_ON_CHANGE, /* RMALLOC_STRESS, ... */
    MODE_ON_ALL,    /* ... at each call */
    MODE_FENCED /* each block has a fence: which of them do otherwise is left to chance */
};

/* The heap of such options; NULL: there is none. And the script's flags for it. */
rm_heap_t *mode_heap(enum mode mode, rm_heap_options_t options);
unsigned mode_script(enum mode mode);

#endif
