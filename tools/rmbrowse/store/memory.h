/* SPDX-License-Identifier: MIT */
/*
 * The memory of the whole process: the browser's own objects, and what the libraries that it is made of take of
 * malloc. And the budget for both: a set-top box has so much and no more.
 */
#ifndef RMBROWSE_MEMORY_H
#define RMBROWSE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory_figures {
    size_t own_live;    /* bytes asked for by live objects of all stores */
    size_t own_objects; /* how many */
    /* What they take of the system: of heaps, all that they hold; of malloc, all that it holds but for what the
       libraries use of it. */
    size_t own_footprint;
    /* Free in that, and in one piece. In malloc: all that is free in it, whether pages are there or have been
       given back. */
    size_t own_free, own_largest;
    size_t
        libraries_live; /* bytes of malloc that others use: the libraries, control structures */
    size_t footprint; /* heaps and malloc, together */
    size_t
        resident; /* the kernel's count of the process's private memory; 0: not known */
};

/* Cost: O(stores), and what mallinfo2 and malloc_info take. */
void memory_look(struct memory_figures *figures);

/* Heaps and malloc together, bytes: `footprint` of the above alone. Of malloc, what it has of the system but for pages
   that it has not yet touched, or has given back inside (malloc_trim). */
size_t memory_footprint(void);

/*
 * No more than `bytes` of footprint, from now on; 0: no limit. An allocation that goes beyond is undone and tried
 * again after each of these in turn: giving back what is free; compaction, where there is a policy; shedding caches,
 * until nobody sheds more. Then it fails. One that takes nothing of the system succeeds even where others have gone
 * beyond. Libraries are counted, but not refused. To know the footprint takes time, so it is looked at after each
 * 16 KiB of objects near the limit, and after each 1 MiB far from it: until then a heap may have gone beyond by a step of
 * its growth, 1/64.
 */
void memory_limit(size_t bytes);

/* How often an object was refused since the program began. */
size_t memory_refusals(void);

/*
 * Whom to ask to let something go when memory is short, in the order in which they were named. Each frees something,
 * and says false where it has nothing more. It must not allocate, and may not free what is locked.
 */
typedef bool shed_fn(void *context);
void memory_on_shortage(shed_fn *shed, void *context);
void memory_forget_shortage(shed_fn *shed, void *context);

#endif
