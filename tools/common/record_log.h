/* SPDX-License-Identifier: MIT */
/*
 * The log that the recorder (tools/record) writes while a program runs, and that
 * 'rmtool record' makes traces of. One file per process image:
 *
 *      0             struct record_header, RECORD_HEADER_SIZE bytes, mostly holes
 *      then          struct record, 16 bytes each, one per slot
 *
 * All threads take their slots from one counter, with one atomic addition, so the order
 * of slots is the order of events. A slot whose op is 0 was taken and not written: the
 * program ended in between (or, while it runs, has not come to it yet). Behind the last
 * one the file is zero: it grows ahead of what is written.
 *
 * The mapping never moves: slot k is written at header.mapped + (k - header.base_slot) *
 * 16, so who watches a program's stores (valgrind's lackey) can tell each record among
 * them. Word 1 is written first, word 0, with the op, last.
 *
 * A child of fork() goes on counting where its parent was: first_slot of its log is the
 * slot at which the fork happened, so its heap was then what the parent's log says up to,
 * and not including, that slot. base_slot is first_slot rounded down; the slots between
 * are empty.
 *
 *      word 0     address 48 | alignment_log2 8 | op 8
 *      word 1     size 40 | thread 24
 *
 * Byte order is the machine's. Sizes of 2^40 - 1 mean that or more. Threads are counted
 * from 1 in the order of their first record, in a child of fork() on from its parent's.
 */
#ifndef RMALLOC_RECORD_LOG_H
#define RMALLOC_RECORD_LOG_H

#include <stdint.h>

#define RECORD_MAGIC UINT64_C(0x31676f6c63657272) /* "rreclog1", as little-endian text */
#define RECORD_HEADER_SIZE 65536                  /* a multiple of every page size */
#define RECORD_SUFFIX ".rmlog"
#define RECORD_SIZE_MOST ((UINT64_C(1) << 40) - 1)
#define RECORD_NAME 64
#define RECORD_PATH 1024 /* of a variable's value, with its NUL */
#define RECORD_PROGRAM 1024
#define RECORD_COMMAND 32768

/* What the recorder takes from the environment. */
#define RECORD_ENV_DIR "RMRECORD_DIR" /* where logs go; without it nothing is recorded */
#define RECORD_ENV_ONLY "RMRECORD_ONLY" /* names of programs, '/' between; else all */
#define RECORD_ENV_AT "RMRECORD_AT"     /* an address: header.mapped, where it is free */

enum record_op {
    RECORD_NONE,
    RECORD_ALLOC,         /* address, size; after the call, as the next two */
    RECORD_ZERO,          /* calloc; the product */
    RECORD_ALIGNED,       /* and the alignment */
    RECORD_FREE,          /* address; before the call */
    RECORD_REALLOC_BEGIN, /* old address, new size; before the call, since another thread
                             may be given the old address before it returns */
    RECORD_REALLOC_END, /* new address, new size; after it, by the same thread. Address 0:
                             it failed, and the block is where it was */
    RECORD_USABLE,      /* address, size: what malloc_usable_size has told the caller */
    RECORD_LOCK,        /* address; of programs that say so, see rmrecord.h */
    RECORD_UNLOCK,
    RECORD_TIME, /* word 1: nanoseconds since header.start_ns. Every 256 slots */
    RECORD_FORK, /* address: the number of the fork; just before it. The child's log
                    names it */
    RECORD_N_OPS
};

struct record {
    uint64_t word[2];
};

struct record_header {
    uint64_t magic; /* written last: while it is 0, the rest is not there yet */
    uint64_t header_size, record_size;
    uint64_t base_slot, first_slot;
    uint64_t mapped; /* address of slot base_slot in the program */
    uint64_t pid, parent_pid;
    uint64_t start_ns;      /* of CLOCK_MONOTONIC */
    uint64_t start_real_ns; /* since 1970 */
    uint64_t parent_fork;   /* number of the fork in the parent's log; 0: not known */

    /* These change while the program runs. */
    uint64_t exited;      /* not 0: exit() has begun, or main() has returned */
    uint64_t failed;      /* not 0: an errno; the log could not grow any more */
    uint64_t failed_slot; /* then: no slot from here on is written */
    uint64_t stop;        /* set by the reader: the log is to grow no more */

    char parent[RECORD_NAME]; /* name of the log of whom this was forked from; or "" */
    char program[RECORD_PROGRAM]; /* path of the executable */
    uint64_t command_size;        /* bytes of it */
    char command[RECORD_COMMAND]; /* arguments, each ended by a NUL; may be cut */
    uint64_t room_slot;    /* no slot from here on has room yet; changes. 0: not said */
    uint64_t other_malloc; /* not 0: the program has a malloc with names of its own */
};

static inline uint64_t record_word0(enum record_op op, uint64_t address,
                                    unsigned alignment_log2) {
    return address << 16 | (uint64_t)alignment_log2 << 8 | (uint64_t)op;
}
static inline uint64_t record_word1(uint64_t size, uint64_t thread) {
    return (size < RECORD_SIZE_MOST ? size : RECORD_SIZE_MOST) << 24 |
           (thread & 0xffffff);
}

static inline unsigned record_op(struct record r) { return (unsigned)(r.word[0] & 0xff); }
static inline unsigned record_alignment_log2(struct record r) {
    return (unsigned)(r.word[0] >> 8 & 0xff);
}
static inline uint64_t record_address(struct record r) { return r.word[0] >> 16; }
static inline uint64_t record_size(struct record r) { return r.word[1] >> 24; }
static inline uint64_t record_thread(struct record r) { return r.word[1] & 0xffffff; }

#endif
