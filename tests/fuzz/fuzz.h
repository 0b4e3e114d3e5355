/* SPDX-License-Identifier: MIT */
/*
 * Whatever comes from outside. A target is a function that does something with some bytes: has a reader of
 * rmtool, or a room of rmbrowse, read them, which has to return a status, without a crash, a leak, or memory
 * beyond bounds, and whose complaints go nowhere (quiet.c); or calls the library as they say (bytes.h, subject.h), with what it answers
 * held against a model.
 *
 * The same target is two programs: with -Dfuzzers=true libFuzzer's, or AFL++'s, which make up inputs; else one
 * that replays those of a folder (replay.c), a test like any other.
 *
 * Something becomes a target by
 *      tests/fuzz/fuzz_NAME.c         the function
 *      tests/fuzz/corpus/NAME/        an input or more to begin with
 *      tests/fuzz/meson.build         its name in the list
 *      tools/rmtool/meson.build       a reader: its files in rmtool_readers
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The target. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A path by which the bytes can be read, as often as one likes, until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Stops with a message unless condition holds: what a reader says has to be so. */
#define FUZZ_HOLDS(condition)                                                            \
    ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))
void fuzz_broken(const char *condition, const char *file, int line)
    __attribute__((noreturn));

#endif
