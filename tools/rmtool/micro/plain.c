/* SPDX-License-Identifier: MIT */
#include "micro/plain.h"

__attribute__((noinline)) void plain_up(uint64_t *count) { ++*count; }

__attribute__((noinline)) void plain_down(uint64_t *count) { --*count; }
