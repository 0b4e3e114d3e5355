/* SPDX-License-Identifier: MIT */
/*
 * A guarded heap: one where something has to happen around each call.
 *
 *      enter    guard_begin        the heap is proven to be as it was left
 *               the call, and guard_made, guard_locked, ... for the block that it is about
 *      leave    guard_end          what is nobody's is hidden, moved, sealed
 *
 * What is remembered of a heap and its blocks lies outside of it, in memory of its own. The heap's mutex is held
 * in all of this, where it has one; nobody is at its blocks' entries without (store.concurrent is false). Which
 * rooms there are to guard a heap, and in what order they have their turn, is known here alone.
 */
#ifndef RM_GUARD_H
#define RM_GUARD_H

#include "fence.h"
#include "origin.h"
#include "seal.h"
#include "settings.h"
#include "shadow.h"
#include "stress.h"

/* What a heap is guarded by. */
enum {
    GUARD_STRESS = 1, /* all that can move does */
    GUARD_FENCE =
        2, /* some blocks are used at an address that ends at a protected page */
    GUARD_INTEGRITY = 4, /* its own data are sealed */
    GUARD_TOOLS = 8      /* ASan or valgrind is told which bytes are whose */
};

struct guard {
    struct heap *heap;
    char *low; /* its region, as it was when the heap was made */
    size_t bytes;
    unsigned by;
    struct settings settings;
    struct origins origins; /* where blocks have been made */
    struct stress *stress;  /* NULL: not GUARD_STRESS */
    struct fence fence;     /* where it is GUARD_FENCE */
    bool damaged; /* a call has found the heap's own data wrong: nothing moves any more */
    struct seal seal;
    uint32_t
        about; /* the call that is inside needs this slot's entry alone; SLOT_NIL: more */
    bool corrupt; /* the heap is not as it was left: nothing is done to it any more */
    struct aside aside;
    struct notes notes;   /* where it is GUARD_TOOLS, */
    struct shadow shadow; /* likewise */
};

/* Read without the heap's mutex, too. */
static inline bool guard_corrupt(const struct guard *g) {
    return __atomic_load_n(&g->corrupt, __ATOMIC_RELAXED);
}

/* What a heap with these options is to be guarded by, as the environment has it; 0: nothing. */
unsigned guard_wanted(const rm_heap_options_t *options, struct settings *settings);
/* Of a heap that has just been made, empty. NULL: there is no memory. */
struct guard *guard_create(struct heap *h, char *low, size_t bytes, unsigned by,
                           const struct settings *settings);
/* Before the heap's memory is given back, or is its caller's again. */
void guard_destroy(struct guard *g);

/* Whoever is quick may be so: what the guard is about it sees all the same. Nothing but fences is like that. */
static inline bool guard_is_open(const struct guard *g) { return g->by == GUARD_FENCE; }

/* A call enters the heap, false: it must not; and leaves it. One that is about an entry alone, another than SLOT_NIL,
   may find that it needs more: false: it must not go on. */
bool guard_begin(struct guard *g, uint32_t about);
bool guard_widen(struct guard *g);
/* One that began about none, GUARD_NO_ENTRY, has found which entry it is about. */
#define GUARD_NO_ENTRY UINT32_MAX
bool guard_narrow(struct guard *g, uint32_t slot);
void guard_end(struct guard *g);
/* In the middle of one the program's own code runs (a walk's visitor), and what it does is looked at; and is over. */
void guard_outside(struct guard *g);
void guard_inside(struct guard *g);

/* What a call has done to a block: made it; freed it, and `b` is what it was; taken a lock, given one back, with the
   locks that there are now; given it another size. */
void guard_made(struct guard *g, const struct heap_block *b, unsigned flags);
/* What a call is about to do to a block, and certain to succeed in: free it, and the size is 0; or shrink it. */
void guard_lessens(struct guard *g, const struct heap_block *b, size_t size);
void guard_freed(struct guard *g, const struct heap_block *b);
void guard_locked(struct guard *g, const struct heap_block *b);
void guard_unlocked(struct guard *g, const struct heap_block *b);
void guard_resized(struct guard *g, const struct heap_block *before,
                   const struct heap_block *after);
/* Is a block to be used where it can have another size? It may not, where it has a fence and is locked. */
bool guard_may_resize(const struct guard *g, const struct heap_block *b, size_t size);
/* A call has told where a block is, without a lock. */
void guard_peeked(struct guard *g, const struct heap_block *b);
/* Nothing: it has only looked. */
void guard_same(struct guard *g);
/* The background thread is at work: what it has put together stays so. */
void guard_spare(struct guard *g);
/* A request for a block has found no room. True: it may have now, since what had moved for the guard's sake alone has
   been put together. */
bool guard_make_room(struct guard *g, unsigned flags);
/* Where its user has it, who holds a lock, or reads. */
void *guard_pointer(const struct guard *g, const struct heap_block *b);

#endif
