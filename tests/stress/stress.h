/* SPDX-License-Identifier: MIT */
/*
 * One run of the stress: a heap, workers that use it in every way that there is, and one
 * more that compacts it and looks at it all the time.
 *
 *      worker --- items of its own ---.        .--- items of its own --- worker
 *                                     |        |
 *                             boxes: an item is swapped for another,
 *                                 and whoever has it is its owner
 *                                     |        |
 *             public: blocks that anybody may lock, replaced at any moment
 *             fixed:  blocks that anybody may lock or peek at, there to the end
 */
#ifndef RMTEST_STRESS_H
#define RMTEST_STRESS_H

#include <stddef.h>

#include "crew.h"
#include "fault.h"
#include "guarded.h"

enum {
    ITEMS = 96, /* of one worker */
    BOXES = 64,
    PUBLIC = 32,
    FIXED = 32,
    GONE = 16, /* stale handles that a worker keeps */
    THREADS_MOST = 64
};

/* What is done, and counted. */
enum deed {
    /* by workers */
    ALLOCATE,
    ALLOCATE_ALIGNED,
    ALLOCATE_ZEROED,
    ALLOCATE_STILL, /* without compaction */
    WRITE,
    VERIFY,
    SCRIBBLE, /* one's own block, over and over: it may be moved at every moment */
    LOCK,
    UNLOCK,
    GROW,
    SHRINK,
    FREE,
    HAND_OVER,
    TAKE,
    PUBLISH,
    LOCK_PUBLIC,
    TOUCH_PUBLIC, /* likewise */
    LOCK_FIXED,
    PEEK,
    NESTED_SECTION,
    ASK,
    /* refusals, as they should be */
    STALE_REFUSED,
    LOCKED_NOT_FREED,
    LOCKED_NOT_MOVED,
    PUBLIC_GONE,
    NO_MEMORY,
    /* by the one more */
    COMPACT_STEP,
    COMPACT_TIMED,
    COMPACT_FULL,
    IDLE,
    TRIM,
    STATS,
    STATS_QUICK,
    WALK,
    LARGEST,
    CHECK,
    PAUSE,
    N_DEEDS
};
extern const char *const deed_names[N_DEEDS];

struct kind {
    const char *name;
    bool closed; /* in a region that is too small for what is wanted */
    rm_compaction_t compaction;
};

struct item {
    rm_memory_t *handle;
    size_t size, asked, align; /* the alignment asked for, and the one promised */
    uint64_t seed;
    unsigned locks;
    unsigned char *at; /* while there are locks */
};

struct stress;

struct hand {
    struct worker worker; /* its context is this hand */
    struct stress *stress;
    struct item *items[ITEMS];
    rm_memory_t *gone[GONE];
    size_t n_allocated, n_freed;
    size_t counts[N_DEEDS];
    _Atomic(enum deed) doing; /* the last thing that was begun */
    atomic_bool ended;
};

struct stress {
    const struct kind *kind;
    rm_heap_t *heap;
    struct guarded region;
    unsigned n_hands; /* workers */
    struct hand *hands, mover;
    atomic_bool over;
    atomic_bool reading; /* now there are read sections; at other times all can move */
    _Atomic(struct item *) boxes[BOXES];
    _Atomic(rm_memory_t *) public[PUBLIC];
    rm_memory_t *fixed[FIXED];
};

/* The thread bodies; their context is a struct worker, whose context is a struct hand. */
void *hand_body(void *context);
void *mover_body(void *context);

/* Notes that this is being done. */
void begin(struct hand *hand, enum deed deed);

/* A block whose content follows from its handle alone. NULL where there is no memory. */
rm_memory_t *public_make(struct hand *hand, size_t size);
/* All of an item's promises, looked at under a lock. */
const char *item_fault(const struct item *item);
/* Unlocked and freed. */
const char *item_free(struct hand *hand, struct item *item);
/* NULL where it has been locked and found well, or is stale and `may_be_gone`. */
const char *public_fault(rm_memory_t *handle, bool may_be_gone, bool *gone);

#endif
