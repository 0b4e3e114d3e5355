/* SPDX-License-Identifier: MIT */
/*
 * All states of a small heap, by breadth-first search with the library itself.
 *
 * A heap of RM_THREADS_NONE lies in its region entirely: a state is a copy of the region, and what
 * the naive model knows beside it. From each state every call is made that the configuration has;
 * what comes out is brought to its canonical form (canon.c) and looked up. The search ends when
 * no call leads to a state that is not known: then what held in all of them holds for ever.
 *
 *      config   which heaps and calls       ground   the region, its heap, putting a state there
 *      naive    what the caller knows       canon    what of a state has no influence
 *      call     one call, held against      examine  what must hold in each state
 *               the naive model             states   those that are known, those still to be left
 *      search   state by state              trace    how a state was reached
 */
#ifndef CLOSURE_H
#define CLOSURE_H

#include <rmalloc.h>

#include "heap.h"

enum { SLOTS = 32, ASKS = 8, SIZES = 6, BUDGETS = 4 };

/* --- config --- */

struct ask {
    size_t size, alignment;
    unsigned flags;
};

/* What is called beside rm_heap_alloc, rmfree, rmlock, rmunlock and rmrealloc. */
enum { CALL_LOOK = 1, CALL_HOLD = 2, CALL_IDLE = 4 };

struct config {
    const char *name, *about;
    bool quick;     /* part of the short run */
    unsigned units; /* of the area that are free at first */
    size_t region;  /* bytes; 0: as few as give these units */
    bool between;   /* RM_THREADS_SAFE, in a process that has had two threads */
    rm_compaction_t policy;
    unsigned fixed;       /* so many blocks are made at first, of asks[0], and stay */
    unsigned handles;     /* the most other live blocks, */
    unsigned locks;       /* and locks of each */
    unsigned generations; /* bits of them that are told apart */
    unsigned n_asks, n_sizes, n_budgets;
    struct ask asks[ASKS];        /* rm_heap_alloc */
    size_t sizes[SIZES];          /* rmrealloc */
    rm_budget_t budgets[BUDGETS]; /* rm_heap_compact; all zeros: NULL */
    unsigned calls;
};
extern const struct config configs[];
extern const unsigned n_configs;

/* --- naive --- */

/* What the caller knows of one block; all zeros: there is none. */
struct known {
    uint64_t live : 1, size : 20, locks : 3, asked : 4, sixteen : 1, generation : 3;
    uint64_t at : 32; /* while it is locked: from the region's low end */
};
struct naive {
    struct known slots[SLOTS]; /* by the slot that the handle names */
    uint64_t held;
};

static inline bool naive_live(const struct naive *n, unsigned slot) {
    return n->slots[slot].live != 0;
}
unsigned naive_count(const struct naive *n);
size_t naive_requested(const struct naive *n);
unsigned naive_locked(const struct naive *n);
/* The alignments above 16 that were asked for, in all. */
size_t naive_aligned(const struct naive *n);
/* That a block has now, and that the rule says for a size. */
size_t naive_alignment(const struct known *k);
/* Every byte of a block: of its slot and where it is in the block. */
void naive_fill(unsigned char *at, unsigned slot, size_t from, size_t to);
/* Where it differs first; `size`: nowhere. */
size_t naive_differs(const unsigned char *at, unsigned slot, size_t size);

/* --- ground --- */

struct ground {
    const struct config *config;
    unsigned char *low; /* the region; it ends at a page that must not be touched */
    size_t bytes;
    rm_heap_t *token;
    struct heap *h;
    uint32_t filler; /* the slot of a block that takes the low end, or 0 */
    uint32_t fixed;  /* slots of blocks that stay, as bits */
    size_t
        changing; /* where what can change begins: behind the filler's header and bytes */
    unsigned char *still; /* what lies below, as it has to be */
    struct naive naive;
    uint64_t open; /* read sections that are open */
    unsigned char *mapping;
    size_t mapped;
};

/* NULL, or what is amiss. */
const char *ground_open(struct ground *g, const struct config *config);
void ground_close(struct ground *g);
/* Bytes of what can change. */
static inline size_t ground_image(const struct ground *g) {
    return g->bytes - g->changing;
}
/* Put an image there. */
void ground_restore(struct ground *g, const unsigned char *image, const struct naive *n);
/* The caller has got a block: the naive model knows it, and it is filled. NULL, or what is amiss. */
const char *ground_take(struct ground *g, rm_memory_t *handle, const struct ask *ask);
rm_memory_t *ground_handle(const struct ground *g, unsigned slot, unsigned generation);
/* Where a slot's entry says that the block is, from the region's low end. */
size_t ground_place(const struct ground *g, unsigned slot);

/* --- canon --- */

/* Bring the heap to its canonical form; what is of no meaning becomes `fill`. NULL, or why that
   cannot be done: it makes no sense. */
const char *canon(struct ground *g, unsigned char fill);
/* Forget in which order the index has the free spans of one size: for a comparison, not to go on. */
void canon_unlink(struct ground *g);

/* --- call --- */

enum kind {
    DO_ALLOC,
    DO_FREE,
    DO_LOCK,
    DO_UNLOCK,
    DO_RESIZE,
    DO_COMPACT,
    DO_TRIM,
    DO_LARGEST,
    DO_STATS,
    DO_HOLD,
    DO_RELEASE,
    DO_IDLE
};
typedef uint16_t call_t; /* kind:4 argument:6 slot:6 */

struct outcome {
    rm_status_t status;
    bool same;  /* the heap must be the same, byte for byte, and is */
    bool moved; /* something in it has moved, */
    bool may;   /* as the policy and the caller allow */
};

/* The calls that a state has; returns how many. */
enum { CALLS = 400 };
unsigned call_list(const struct ground *g, call_t *calls);
/* Make one, in the state `before`, which is there; the naive model follows. NULL, or what is wrong. */
const char *call_make(struct ground *g, call_t call, const unsigned char *before,
                      struct outcome *outcome);
/* What it looks like in C, without its end. */
const char *call_text(const struct config *config, call_t call);

/* --- examine --- */

/* What must hold in every state, of the one that is there; afterwards another may be. `image` is a copy. */
const char *examine(struct ground *g, const unsigned char *image, const struct naive *n);

/* --- states --- */

struct states {
    uint64_t (*seen)[2]; /* 128 bits of each; zeros: none */
    size_t room;         /* a power of two */
    uint64_t n;
    struct from {
        uint32_t parent;
        call_t call;
    } * from; /* by number */
    size_t from_room;
    /* Those still to be left: what differs from the first. */
    struct chunk *first, *last;
    size_t words; /* of a state: the image, then the naive model */
    uint64_t *root, *salt;
    size_t waiting_bytes, waiting_most;
};

void states_init(struct states *s, size_t words, const uint64_t *root);
void states_finish(struct states *s);
/* The hash of a state that differs from `known`, whose hash is given. */
void states_hash(const struct states *s, const uint64_t *known, const uint64_t *state,
                 const uint64_t known_hash[2], uint64_t hash[2]);
/* Is it new? Then it gets the next number. */
bool states_add(struct states *s, const uint64_t hash[2], uint32_t parent, call_t call);
/* Let it wait; and have the one that has waited the longest, or false: there is none. */
void states_push(struct states *s, const uint64_t *state, const uint64_t hash[2]);
bool states_pop(struct states *s, uint64_t *state, uint64_t hash[2]);

/* --- search --- */

struct tally_calls {
    uint64_t calls, failed, same, twice;
};
struct search {
    uint64_t most;  /* states: more are not looked for */
    unsigned twice; /* of so many states, one has all its calls made twice */
    bool progress;
    /* What came of it. */
    uint64_t n_states;
    struct tally_calls tally;
    unsigned depth;
    size_t waiting_most;
    double seconds;
};
/* NULL: closed, and nothing is wrong. */
const char *search(const struct config *config, struct search *search);
/* Make a trace's calls one by one, from the first state on. */
const char *search_replay(const struct config *config, const char *trace);

#endif
