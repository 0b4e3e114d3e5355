/* SPDX-License-Identifier: MIT */
/*
 * For programs that say by themselves when they use a block: the recorder, where it is
 * loaded, writes each as an event of the log. Without the recorder both do nothing, at
 * the cost of one test; nothing has to be linked.
 *
 *      unsigned char *pixels = malloc(size);
 *      rmrecord_locked(pixels);
 *      draw(pixels);
 *      rmrecord_unlocked(pixels);
 *
 * Locks of one block nest. A block that is freed or reallocated is unlocked by that.
 */
#ifndef RMRECORD_H
#define RMRECORD_H

#ifdef __cplusplus
extern "C" {
#endif

/* Of the recorder. To be called through the two below. */
void rmrecord_lock(void *block) __attribute__((weak));
void rmrecord_unlock(void *block) __attribute__((weak));

/* block: what malloc and the like returned; NULL does nothing. */
static inline void rmrecord_locked(void *block) {
    if (rmrecord_lock) rmrecord_lock(block);
}
static inline void rmrecord_unlocked(void *block) {
    if (rmrecord_unlock) rmrecord_unlock(block);
}

#ifdef __cplusplus
}
#endif
#endif
