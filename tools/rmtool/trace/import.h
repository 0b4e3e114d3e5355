/* SPDX-License-Identifier: MIT */
/*
 * Other people's logs of allocations, one line after the other, on their way into a trace.
 * Each format has a file of its own, import_*.c, that knows its lines and no more; what
 * an address stands for, and what to do about one that stands for nothing, is known here.
 *
 * A log may begin after its program, or miss calls. So
 *      a free or realloc of an address that no block has   is counted, and left out; a
 *                                                          realloc makes a block then
 *      an allocation where a block is still live           is counted; the block is freed
 *      a failed allocation, a free of NULL                 is counted, and left out
 */
#ifndef RMTOOL_IMPORT_H
#define RMTOOL_IMPORT_H

#include "trace/blocks.h"
#include "base/input.h"
#include "base/lookup.h"
#include "trace/trace_writer.h"

struct import_counts {
    uint64_t foreign_lines;    /* that say nothing of allocations where others do */
    uint64_t unknown_frees;    /* of an address that no block has */
    uint64_t unknown_reallocs; /* likewise */
    uint64_t replaced;         /* blocks whose address was given again, unfreed */
    uint64_t failed;           /* allocations */
    uint64_t nulls;            /* frees of NULL */
};

struct import {
    const char *path;
    struct input *input;
    struct trace_writer *writer;
    struct lookup addresses; /* or what else names a block: to its number */
    struct import_counts counts;
    const char *line, *end; /* the line that was read last, without blanks behind it */
    char program[256], command[1024]; /* where the log says so */
    const char *note;                 /* what is special about the format; or NULL */
};

/* A format. detect: by the first 64 KiB of a file. run: reads it to its end. */
struct importer {
    const char *name, *what;
    bool (*detect)(const char *text, size_t length);
    int (*run)(struct import *import);
};

extern const struct importer import_heaptrack, import_mtrace, import_rep, import_opera;

/* The next line. Returns: a status. */
int import_line(struct import *import, bool *end);

/* Complains about the line that was read last; where it is a last line without an end, the
   log was cut there, and the line is left out. Returns: a status. */
int import_malformed(struct import *import, const char *what);

/* address: 0 where the allocation failed. op: see trace_writer_alloc. */
int import_made(struct import *import, enum trace_op op, uint64_t address, uint64_t size,
                unsigned alignment_log2);
int import_resized(struct import *import, uint64_t old, uint64_t address, uint64_t size);
int import_freed(struct import *import, uint64_t address);

/* Numbers behind *at, which is moved behind them; hexadecimal ones with or without 0x.
   Returns: false where there is none, or one of more than 64 bits. */
bool import_hex(const char **at, const char *end, uint64_t *number);
bool import_decimal(const char **at, const char *end, uint64_t *number);

/* Whether the text at *at begins with `word`; *at is moved behind it. */
bool import_word(const char **at, const char *end, const char *word);

#endif
