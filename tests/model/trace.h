/* SPDX-License-Identifier: MIT */
/*
 * A trace: the heaps of an episode, and the operations done to them, one after another.
 *
 * An operation names its block by a number that is given out once, so what it means does
 * not depend on the operations before it: where one of those is missing, an operation
 * whose block is not there is passed over. That is what lets a trace be cut down.
 *
 * As text: a line for each heap and operation, and behind a # the call in C.
 */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HEAPS_MOST = 4, ACTORS_MOST = 4 };

/* How one heap is made. */
struct heap_spec {
    uint64_t region;  /* bytes of caller's memory; 0: it grows */
    uint64_t limit;   /* growing: options.size */
    unsigned shift;   /* where the region lies between its guard pages */
    unsigned policy;  /* rm_compaction_t */
    unsigned threads; /* rm_threads_t */
    unsigned marks;   /* watermarks: which of some (world.c) */
    bool standard;    /* the default heap */
    uint64_t most;    /* the largest size that is asked for; no option */
};

struct spec {
    unsigned n_heaps;
    unsigned n_actors; /* threads that act; more than one: by turns, or racing */
    bool between;      /* the process has had a second thread */
    bool racing;
    struct heap_spec heaps[HEAPS_MOST];
};

enum op_kind {
    OP_ALLOC,   /* id; a: size, b: alignment, how: ALLOC_* */
    OP_FREE,    /* id */
    OP_RESIZE,  /* id; a: size, how: SEE, EDGE */
    OP_LOCK,    /* id; a: times, how: INLINE */
    OP_UNLOCK,  /* id; a: times, how: INLINE */
    OP_WRITE,   /* id; a: new content, how: INLINE. Between a lock and an unlock */
    OP_READ,    /* id; how: INLINE */
    OP_PEEK,    /* id; how: INLINE */
    OP_SEE,     /* id: is it where it was? */
    OP_STALE,   /* id: of a block that has been freed */
    OP_FORGE,   /* id; a: the bit of its handle that is another */
    OP_CHURN,   /* a: size, b: times made and freed */
    OP_GIVE,    /* id; a: the actor that has it from now on */
    OP_COMPACT, /* a: bytes, b: ns */
    OP_IDLE,    /* a: ns from now */
    OP_TRIM,
    OP_LARGEST, /* a: after compaction */
    OP_HOLD,
    OP_RELEASE,
    OP_PAUSE,
    OP_RESUME,
    OP_PROVE,   /* rm_heap_check */
    OP_VERIFY,  /* the metrics and each block against the books */
    OP_PICTURE, /* walk, metrics and check against each other; a: `complete` is proved */
    OP_WRONG,   /* a: which bad call */
    OP_REOPEN,  /* the heap is destroyed and made anew */
    OP_FORK,    /* a child looks at all heaps, and uses them */
    OP_QUIT,    /* the acting thread ends; another takes its place */
    OP_MEET,    /* racing threads wait for each other */
    N_OPS
};

/* In `how`. */
enum {
    ALLOC_ZERO = 1,       /* RM_ZERO */
    ALLOC_NO_COMPACT = 2, /* RM_NO_COMPACT */
    ALLOC_PLAIN = 4,      /* by rmalloc or rmcalloc, where it is the default heap */
    ALLOC_ASK = 8,        /* what rm_heap_largest says beforehand is held against it */
    ALLOC_EDGE = 16,      /* ask for what it says, and a bytes more */
    HOW_INLINE = 1,
    HOW_SEE = 2,
    HOW_EDGE = 4 /* as much as rm_heap_largest says, and a bytes more */
};

struct op {
    uint8_t kind, heap, actor, how;
    uint32_t id;
    uint64_t a, b;
};

struct trace {
    struct spec spec;
    size_t n, room;
    struct op *ops;
};

extern const char *const op_names[N_OPS];

/* The text; `comment` stands in front. */
void trace_write(const struct trace *trace, FILE *file, const char *comment);
/* The same as calls in C, one a line, each behind `prefix`. */
void trace_print(const struct trace *trace, FILE *file, const char *prefix);
/* NULL, or what is wrong: "FILE:LINE: ...". The ops are to be freed. */
const char *trace_read(struct trace *trace, const char *name);
/* Kind, policies and threads of an episode: "16KiB/demand/none/alone". */
void spec_name(const struct spec *spec, char *name, size_t size);

#endif
