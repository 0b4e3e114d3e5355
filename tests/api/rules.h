/* SPDX-License-Identifier: MIT */
/* What the contract says in numbers: how a block is aligned, how much it may take. */
#ifndef RMTEST_RULES_H
#define RMTEST_RULES_H

#include <stddef.h>

/* The alignment of a block of this size where none was asked for. */
size_t rule_alignment(size_t size);
/*
 * The most that a block may take from free memory: with header and padding, its
 * handle not included.
 */
size_t block_need(size_t size, size_t asked);
/*
 * The most that a handle may take, where there are so many blocks: 16 bytes where the table has to grow,
 * and a little more now and then in a table of thousands.
 */
size_t slot_need(size_t n_blocks);

#endif
