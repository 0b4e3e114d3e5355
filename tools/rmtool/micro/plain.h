/* SPDX-License-Identifier: MIT */
/*
 * A count that goes up and down by calls, and nothing else: the least that a pair of calls
 * can do. In a file of its own, so that they stay calls.
 */
#ifndef RMTOOL_PLAIN_H
#define RMTOOL_PLAIN_H

#include <stdint.h>

void plain_up(uint64_t *count);
void plain_down(uint64_t *count);

#endif
