/* SPDX-License-Identifier: MIT */
/*
 * What the process has of the system by malloc, and by the kernel's count.
 */
#ifndef RMBROWSE_PROCESS_H
#define RMBROWSE_PROCESS_H

#include <stddef.h>

struct malloc_figures {
    size_t held; /* of the system */
    size_t used; /* by blocks that somebody has, with malloc's own bytes beside them */
    size_t free, largest_free;
};
void process_malloc(struct malloc_figures *figures);

/* `held` of the above. */
size_t process_malloc_held(void);

/* Private memory that is resident, bytes; 0: not known. */
size_t process_resident(void);

#endif
