/* SPDX-License-Identifier: MIT */
/*
 * Tools that watch the program's memory: AddressSanitizer, where it is in the process, and valgrind's memcheck, where
 * the process runs under it. Neither is needed to build or to run: the one's functions are weak symbols, which the
 * program has or has not; the other's requests are instructions that do nothing elsewhere.
 */
#ifndef RM_TOOL_H
#define RM_TOOL_H

#include "base.h"

/* Which of them watches. Known when the program begins, the same from then on. */
enum tool { TOOL_NONE, TOOL_ASAN, TOOL_MEMCHECK };
enum tool tool_watching(void);

/* Nobody may touch these bytes; or everyone. ASan counts in words of 8 from an 8-aligned address on. */
void tool_hide(const void *from, size_t bytes);
void tool_show(const void *from, size_t bytes);

/* --- memcheck's alone: nothing happens elsewhere --- */

/* The calling thread touches what is hidden, and is not told off. These nest. */
void tool_begin(void);
void tool_end(void);

/* What is shown is not written yet. */
void tool_undefine(const void *from, size_t bytes);
/* Are so many shown bytes defined, all of them? And which bits of them are not, as bytes. */
bool tool_defined(const void *from, size_t bytes);
bool tool_get_bits(const void *from, unsigned char *bits, size_t bytes);
void tool_set_bits(const void *from, const unsigned char *bits, size_t bytes);

/* Blocks by name, of a pool: who calls makes one, here; it lies elsewhere, or is another size; it is freed. An address
   so near to one is told to be beside it. Making and freeing one hides as many bytes on either side. */
enum { TOOL_BESIDE = 8 };
void tool_pool_open(const void *pool);
void tool_pool_close(const void *pool);
void tool_named(const void *pool, const void *block, size_t bytes);
void tool_renamed(const void *pool, const void *from, const void *to, size_t bytes);
void tool_unnamed(const void *pool, const void *block);
/* Bytes by what they were, until it is dropped; comes before all other names. */
unsigned tool_note(const void *from, size_t bytes, const char *what);
void tool_note_drop(unsigned note);

/* --- ASan's alone --- */

/* After each of its reports, with where the program went wrong. */
void tool_on_report(void (*report)(const char *address));
/* Memory in which pointers to what malloc gave may stand, and no more. */
void tool_root(const void *from, size_t bytes);
void tool_unroot(const void *from, size_t bytes);

/* --- places in the program --- */

/* Where a return address leads to, in words: function, file and line, or as much as is known. */
void tool_place(const void *pc, char *text, size_t size);
/* Where the caller is called from, the innermost first; how many there are. */
unsigned tool_stack(void **frames, unsigned most);

#endif
