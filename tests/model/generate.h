/* SPDX-License-Identifier: MIT */
/*
 * Random episodes: which heaps, made how, used by whom; and the operations, one by one, from
 * what the books say at that moment. The same seed gives the same.
 */
#ifndef MODEL_GENERATE_H
#define MODEL_GENERATE_H

#include "rng.h"
#include "world.h"

enum course { COURSE_MIXED, COURSE_PAIRS, COURSE_FILL, COURSE_DRAIN, N_COURSES };

/* What the random program does for a while. */
struct habits {
    enum shape shape;
    enum course course;
    unsigned fill;  /* percent of the heap to be requested */
    unsigned locks; /* these are per mille of operations ... */
    unsigned resizes;
    unsigned uses; /* ... reads and writes ... */
    unsigned compact;
    unsigned rare;
    unsigned aligned, ask, see; /* ... and of those that may */
    unsigned stick;             /* operations, on average, before another thread's turn */
    bool eager;                 /* everything is verified after every operation */
    bool restless; /* and before each a whole compaction: what can move moves */
};

struct generator {
    struct rng rng;
    struct habits habits;
    uint32_t next_id;
    size_t n, left; /* operations: so far, until the habits change */
    unsigned actor;
    bool unlock_all, free_all;
    size_t cursor;
    size_t last_size;
    size_t since_verify[HEAPS_MOST], since_picture[HEAPS_MOST];
};

/* The heaps and threads of an episode; and how many operations are worth while. An odd seed is one for a process
   that has had more than one thread. */
size_t generate_spec(struct spec *spec, uint64_t seed);
void generate_begin(struct generator *generator, uint64_t seed);
/* The next operation; also those that look, which do not count as operations. */
struct op generate(struct generator *generator, const struct world *world);
/* One for this actor, while others do theirs: nothing that looks at a whole heap. */
struct op generate_racing(struct generator *generator, const struct world *world,
                          unsigned actor);
static inline bool op_looks(const struct op *op) {
    return op->kind >= OP_PROVE && op->kind <= OP_PICTURE;
}

#endif
