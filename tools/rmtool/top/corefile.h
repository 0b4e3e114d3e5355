/* SPDX-License-Identifier: MIT */
/*
 * The core file of a program that had heaps: an ELF file whose segments are its memory.
 */
#ifndef RMTOOL_COREFILE_H
#define RMTOOL_COREFILE_H

#include "top/target.h"

/* As target_read. */
bool corefile_read(const struct target *target, uint64_t address, void *to, size_t size);

#endif
