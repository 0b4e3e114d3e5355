/* SPDX-License-Identifier: MIT */
/*
 * What a case has come to, in one word, from how its process ended, what it has noted itself, and
 * what a tool has said meanwhile.
 */
#ifndef FINDING_H
#define FINDING_H

#include "misuse.h"

enum { FINDING_BYTES = 64 };

/*
 * The word:
 *
 *      fine                nothing was noticed
 *      RM_EHANDLE ...      a call returned this
 *      wrong               the program's own check failed
 *      damaged             rm_heap_check finds the heap damaged in the end
 *      report              the library has said on stderr of which block it found what, and aborted; with
 *                          a ? it did not know the block
 *      fault               SIGSEGV, and the library has said of which block, and the guilty line; with a ?
 *                          not so
 *      invalid-write ...   a report of a tool, by its title; the guilty line is its first of the program
 *      invalid-write?      the same, of another line
 *      SIGSEGV ...         the process was killed
 *      hangs               it was, after a time
 */
struct evidence {
    const struct witness *witness;
    int status;       /* of waitpid */
    const char *said; /* on stderr */
    const char *tool; /* valgrind's log, or empty */
};

/* How the process ends where AddressSanitizer has found something. */
enum { FINDING_ASAN_EXIT = 77 };

/* Has the library, or the tool by its help, named the block? */
bool finding_names_block(const struct evidence *evidence);

void finding_of(const struct evidence *evidence, char word[FINDING_BYTES]);

const char *status_word(rm_status_t status);

#endif
