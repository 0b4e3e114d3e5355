/* SPDX-License-Identifier: MIT */
/*
 * The protocol of threads, for spin: callers who lock, write, unlock, free, allocate and
 * resize, and a mover, over two blocks in a memory of a few units. protocol.sh says which
 * options (-D) make up a configuration, and which BROKEN variants each has to catch. Each
 * search is exhaustive: callers and mover go on for ever, or stop, whenever they like; only
 * frees are bounded, by the generations that there are (and, with BOUND, everything).
 *
 * What is proved, by the name that stands at the assertions:
 *
 *   SAME      no lost write, and no ABA through a lock and unlock during a copy: a block
 *             holds what was last written to it, whenever it is locked, unlocked or moved
 *   STAYS     no pointer to a vacated place: as long as a block is locked, or a read
 *             section is open, a pointer leads to where the block is
 *   TAKEN     a stale handle never changes another block's word; REFUSED: and only a
 *             stale one is refused
 *   ONE_WINS  of free and free, of free and lock: one, and the others are told so
 *   COUNTED   no lock is lost: the count is that of the locks held, so what is locked is
 *             neither moved nor freed
 *   TALLY     what is used is what the blocks take: a voided copy leaks nothing
 *   WHOLE     all or nothing: the objects of a run stay side by side
 *   QUIET     in a read section nothing is being copied
 *   HALF      who has the mutex and meets MOVING has a half-moved block before him
 *   WAITS     nobody waits for ever (spin's invalid end states). With STALL the mover
 *             stops in the middle of a copy, mutex in hand: lock, unlock, free and
 *             allocation end all the same
 *   CIRCLES   nor does anybody try for ever: where all that is done is bounded, no search
 *             for cycles finds any
 *
 * The model is sequentially consistent, but a thread's flags (holds, busy) may become
 * visible late: that is what membarrier(2) is for. An atomic block is one access to what
 * is shared, with the steps of the thread's own that go with it, and ghosts: variables
 * that the protocol has not got, and that assertions alone read.
 */

/* ------------------------------------------------------------------ the word */
#define FREE 0
#define MOVING 1
#define NONE 2
#define LOCKED_1 3
#define LOCKED_2 4 /* one state less than there is: the third lock leads to MANY */
#define COPYING 6
#define MANY 7
#define COUNT_MAX 3

#define PLACE(x) ((x) & 7)
#define STATE(x) (((x) >> 3) & 7)
#define SHAPE(x) (((x) >> 6) & 3) /* units beyond the first; where MANY, the count */
#define GENERATION(x) (((x) >> 8) & 7)
#define WORD(place, state, shape, generation) \
    ((place) + 8 * (state) + 64 * (shape) + 256 * (generation))
#define TO_STATE(x, state) WORD(PLACE(x), state, SHAPE(x), GENERATION(x))
#define TO_PLACE(x, place) WORD(place, NONE, SHAPE(x), GENERATION(x))
#define LOCK_TAKEN(x) ((x) + (STATE(x) == MANY -> 64 : 8))
#define LOCK_GIVEN(x) ((x) - (STATE(x) == MANY -> 64 : 8))

#define STALE(x, generation) (GENERATION(x) != (generation) || STATE(x) == FREE)
#define COUNTS(x) (STATE(x) >= LOCKED_1 && STATE(x) <= LOCKED_2)
#define LOCKS(x) (STATE(x) == MANY -> SHAPE(x) : (COUNTS(x) -> STATE(x) - NONE : 0))

/* ------------------------------------------------------------- configuration */
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef PLACES
#define PLACES 4
#endif
#ifndef GENERATIONS
#define GENERATIONS 3
#endif
#ifndef NESTED
#define NESTED 1 /* locks that a caller takes of one block */
#endif
#ifndef SHAPE_A
#define SHAPE_A 0 /* block A at first; B is one unit */
#endif
#if SHAPE_A == 1 || defined(RESIZING)
#define TWO_UNITS
#endif
#ifdef BOUND
#define WITHIN_BOUND (n_done < BOUND)
#else
#define WITHIN_BOUND true
#endif

#ifdef BROKEN
#define BREAK(variant) (BROKEN == variant)
#else
#define BREAK(variant) false
#endif
#define PUBLISH_STORES 1     /* the mover does not look at the word again */
#define NO_COPYING 2         /* it compares, but has not marked the word: ABA */
#define FREE_STORES 3        /* free: load, then store */
#define UNLOCK_STORES 4      /* unlock likewise */
#define SAME_GENERATION 5    /* free leaves the generation as it is */
#define OLD_POINTER 6        /* lock: the place of the word first loaded */
#define OLD_LOOK 7           /* lock: the generation is not looked at again */
#define VOID_LEAKS 8         /* a voided copy keeps its new place */
#define NO_SEAL 9            /* a run is published without being sealed */
#define KEEPS_SEALED 10      /* what was sealed is not undone */
#define SLIDE_COPIES 11      /* an overlapping move that lockers may void */
#define HALF_UNLOCKED 12     /* half moved, and the mutex released, in state NONE */
#define FINISH_BLINDLY 13    /* a locker with the mutex does not look again */
#define SHAPE_STORES 14      /* resizing in place: load, then store */
#define RESIZE_STORES 15     /* a resized copy is published by a store */
#define HOLD_BLIND 16        /* a holder does not look at motion after setting its flag */
#define HOLD_EARLY 17        /* it looks before */
#define MOVER_BLIND 18       /* the mover does not look at the flags */
#define NO_MEMBARRIER 19
#define MANY_ENTERS 20       /* LOCKED_2 becomes MANY by a store */
#define MANY_LEAVES 21       /* MANY, no lock: left by a store */
#define NO_STOP 22           /* a cache's owner does not look at stop */
#define NO_BUSY 23           /* who empties a cache does not wait for its owner */
#define MOVES_RESTING 24     /* the mover moves what rests in a cache */
#define COPYING_WAITS 25     /* a locker waits where it meets COPYING */
#define COPYING_SPINS 26     /* or tries again and again */

/* ------------------------------------------------------------- what is shared */
#define RUBBISH 8
/* Between a load and the compare-and-swap that goes with it. Where the load alone decides
   what is swapped in, and a failure leads to another load, the two are as good as one
   step; so only configurations with few others take them apart. */
#ifdef SPLIT
#define AND_THEN } atomic {
#else
#define AND_THEN
#endif

#ifdef SECTION
#define AND_LEAVE } atomic {
#else
#define AND_LEAVE
#endif

#define MASK(place, shape) (((shape) == 1 -> 3 : 1) << (place))

short w[2];       /* the handles' words */
byte mem[PLACES]; /* what the units hold */
byte used;        /* by unit; here and below: M means that it belongs to the mutex */
byte mutex;       /* 0, or who has it */
byte saved[2];    /* M: where MANY, the shape */
bool half;        /* M: block A is half moved, */
byte half_to;     /* M: to there */
byte cache[CALLERS + 1];                     /* which blocks rest with a thread, by bit */
bool busy[CALLERS + 1], stop[CALLERS + 1];   /* the cache's Dekker */
bool holds[CALLERS + 1], motion;             /* the read sections' */
bool late[CALLERS + 1]; /* that the thread has set its flag is not visible yet */

/* Ghosts. */
bool alive[2], placed[2];
byte handle[2];  /* the generation given out last */
byte held[2];    /* locks */
byte content[4]; /* two units for each block */

#define UNITS(b) (STATE(w[b]) == MANY -> saved[b] : SHAPE(w[b]))
#define WRITTEN(b, unit) \
    (4 * (b) + 2 * (unit) + (mutex != 0 -> 1 - (content[2 * (b) + (unit)] & 1) : 0))
#define IS_SAME(b) \
    (mem[PLACE(w[b])] == content[2 * (b)] && \
        (UNITS(b) == 0 || mem[PLACE(w[b]) + 1] == content[2 * (b) + 1]))

/* After each change of a word. */
inline sound(b) {
    assert(LOCKS(w[b]) == held[b]); /* COUNTED */
    assert(alive[b] == (STATE(w[b]) != FREE)); /* ONE_WINS */
    assert(!alive[b] || GENERATION(w[b]) == handle[b]); /* TAKEN */
    assert(!alive[b] || STATE(w[b]) == MOVING || IS_SAME(b)) /* SAME */
}

/* Inside atomic, as give: a mutex that is taken may as well be so with the next step, and
   released with the last (Lipton 1975). */
inline take() {
    mutex == 0 -> mutex = _pid
}

/* While nobody has the mutex nothing is being copied, and what exactly stands in a block
   makes no difference: it is always the same, for there to be fewer states. */
inline rewrite(b) {
    if
    :: alive[b] && STATE(w[b]) != MOVING ->
        assert(IS_SAME(b)); /* SAME */
        content[2 * b] = 4 * b;
        mem[PLACE(w[b])] = 4 * b;
        if
        :: UNITS(b) == 1 ->
            content[2 * b + 1] = 4 * b + 2;
            mem[PLACE(w[b]) + 1] = 4 * b + 2
        :: else
        fi
    :: else
    fi
}

inline give() {
    assert(mutex == _pid);
#ifdef RUN
    assert(PLACE(w[1]) == PLACE(w[0]) + 1); /* WHOLE */
#endif
    assert(!placed[0] || !placed[1] ||
           (MASK(PLACE(w[0]), UNITS(0)) & MASK(PLACE(w[1]), UNITS(1))) == 0); /* TALLY */
    assert(used == ((placed[0] -> MASK(PLACE(w[0]), UNITS(0)) : 0) |
                    (placed[1] -> MASK(PLACE(w[1]), UNITS(1)) : 0) |
                    (half -> MASK(half_to, 1) : 0))); /* TALLY */
    rewrite(0);
    rewrite(1);
    mutex = 0
}

/* Inside atomic: `now` is used from here on; what is not may hold anything. */
inline use(now) {
    used = now;
    i = 0;
    do
    :: i < PLACES ->
        if
        :: (used >> i) & 1
        :: else -> mem[i] = RUBBISH
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline membarrier() {
    if
    :: BREAK(NO_MEMBARRIER)
    :: else -> d_step { late[1] = 0; late[CALLERS] = 0; late[CALLERS / 2 + 1] = 0 }
    fi
}

#include "protocol_move.pml"
#include "protocol_call.pml"

init {
    atomic {
        w[0] = WORD(0, NONE, SHAPE_A, 0);
        w[1] = WORD(1 + SHAPE_A, NONE, 0, 0);
        used = (SHAPE_A == 1 -> 7 : 3);
        mem[2] = RUBBISH;
        mem[PLACES - 1] = RUBBISH;
        mem[0] = 0;
        mem[1] = 4;
        content[2] = 4;
        if
        :: SHAPE_A == 1 -> mem[1] = 2; content[1] = 2; mem[2] = 4
        :: else
        fi;
        alive[0] = true;
        alive[1] = true;
        placed[0] = true;
        placed[1] = true;
        run mover();
        run caller(1);
#if CALLERS > 1
        run caller(2);
#endif
#if CALLERS > 2
        run caller(3);
#endif
    }
}
