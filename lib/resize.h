/* SPDX-License-Identifier: MIT */
/*
 * A live block gets another size: in place where it can, else it moves, and in a heap that is full to the
 * last unit what lies around it does.
 *
 * Others may lock the block, and unlock it, all the time. In place it is resized with a lock held on it,
 * so that it neither moves nor goes; it is moved like by the compactor, and stays where it is if somebody
 * comes to lock it.
 */
#ifndef RM_RESIZE_H
#define RM_RESIZE_H

#include "place.h"

/* RM_EHANDLE: freed by another thread meanwhile; RM_ELOCKED, RM_ENOMEM, RM_ESYSTEM: the block is as it was. */
rm_status_t resize_block(struct heap *h, uint64_t handle, uint32_t slot, size_t size);

#endif
