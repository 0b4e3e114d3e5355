/* SPDX-License-Identifier: MIT */
/*
 * What valgrind's lackey prints with --trace-mem=yes: one line for each instruction and
 * each access of a program to memory,
 *
 *      I  0401ab73,5           an instruction at an address, and its length
 *       S 1fff000638,8         that one's accesses: a store,
 *       L 0052a040,4           a load,
 *       M 0052a048,4           a load and a store of the same bytes
 *      ==1234== ...            valgrind's own words, to people; "--" and "**" likewise
 *
 * There are some four lines for each access to the heap, so the text is read as it stands
 * in the buffer, without a copy of any line.
 */
#ifndef RMTOOL_LACKEY_H
#define RMTOOL_LACKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lackey;

struct lackey_line {
    uint64_t address;
    uint32_t size;
    char kind; /* I L S M */
};

/*
 * Reads from a descriptor, which stays the caller's.
 *  ends: another one, which can be read (of poll) when whoever writes has ended: that ends
 *        the text, though others may hold the descriptor that it was written to. -1: none.
 *  path: for complaints. Kept, not copied.
 * Returns: a status.
 */
int lackey_open(struct lackey **out, int fd, int ends, const char *path);

/*
 * The next lines.
 *  n: receives how many; 0 at the end of the text.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED for a line that lackey does not print.
 */
int lackey_read(struct lackey *lackey, struct lackey_line *lines, size_t most, size_t *n);

/* What valgrind has said itself, its last lines: for a complaint. "" where nothing. */
const char *lackey_words(const struct lackey *lackey);

/* Whether valgrind has failed, and not the program: its words say how. */
bool lackey_failed(const struct lackey *lackey);

/* Whether somebody could still write to the text behind its end. */
bool lackey_left_open(const struct lackey *lackey);

uint64_t lackey_line_number(const struct lackey *lackey);
void lackey_close(struct lackey *lackey);

#endif
