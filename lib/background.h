/* SPDX-License-Identifier: MIT */
/*
 * The background thread: one for all heaps of RM_COMPACT_BACKGROUND. It begins with the first of them and ends
 * with the last, or with the program; a forked child gets its own when it first needs one.
 *
 * It is of low priority, takes every signal out of nobody's way, and is inside a heap for one step at a time, if
 * nobody else is.
 */
#ifndef RM_BACKGROUND_H
#define RM_BACKGROUND_H

#include "registry.h"

/* Watch a heap. False: there is no thread to do it. */
bool background_add(uint64_t tag, const rm_watermarks_t *marks);
/* No more: to be called when it has been destroyed, and for those that are not watched too. */
void background_remove(uint64_t tag);

#endif
