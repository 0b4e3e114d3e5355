/* SPDX-License-Identifier: MIT */
/*
 * How the helpers of the tests say what is wrong: a function that verifies
 * something returns NULL where all is well, else a sentence.
 */
#ifndef RMTEST_FAULT_H
#define RMTEST_FAULT_H

/* The sentence, in a buffer of the calling thread's that the next fault reuses. */
const char *fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For what a test cannot go on without (memory of its own): says it and exits 99. */
_Noreturn void give_up(const char *what);

#endif
