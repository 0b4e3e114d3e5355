/* SPDX-License-Identifier: MIT */
/*
 * The mover's side of the protocol: copies, runs, slides, half-moved blocks. Included by
 * protocol.pml, which says what the names mean. Everything here has the mutex.
 */

/* What a process needs for moving. */
#define MOVERS_OWN short c = 0; byte i = 0, q = 0, old = 0; bool ok = false

/* Inside atomic: NONE (or MANY, all given back) -> state; c: the word from then on. */
inline claim(b, state, c) {
    if
    :: STATE(w[b]) == NONE && BREAK(NO_COPYING) -> c = w[b]
    :: STATE(w[b]) == NONE && !BREAK(NO_COPYING) -> c = TO_STATE(w[b], state)
    :: STATE(w[b]) == MANY && SHAPE(w[b]) == 0 ->
        c = WORD(PLACE(w[b]), state, saved[b], GENERATION(w[b]))
    :: else -> ok = false
    fi;
    if
    :: ok -> w[b] = c; sound(b)
    :: else
    fi
}

/* Nobody looks at the new place meanwhile: load and store are one step. */
inline copy_unit(from, to) {
    mem[to] = mem[from]
}

/* Inside atomic: the claimed block b is in its copy, at q, from now on; or not, if it has
   been locked or freed meanwhile. */
inline publish_copy(b, shape) {
    if
    :: w[b] == c || BREAK(PUBLISH_STORES) ||
       (BREAK(RESIZE_STORES) && shape != SHAPE(c)) ->
        w[b] = WORD(q, NONE, shape, GENERATION(c));
        if
        :: shape > SHAPE(c) -> content[2 * b + 1] = mem[q + 1]
        :: else
        fi;
        sound(b);
        use(used & ~MASK(PLACE(c), SHAPE(c)))
    :: else ->
        if
        :: BREAK(VOID_LEAKS)
        :: else -> use(used & ~MASK(q, shape))
        fi
    fi;
    c = 0
}

/* Some block, to some place that is free. */
inline step_copy() {
    atomic {
        enter();
        if
        :: b = 0
        :: b = 1
        fi;
        ok = ok && (STATE(w[b]) == NONE || (STATE(w[b]) == MANY && SHAPE(w[b]) == 0));
        if
        :: q = 0
        :: q = 1
        :: q = 2
        :: q = 3
#if PLACES > 4
        :: q = 4
#endif
        fi;
        ok = ok && q + UNITS(b) < PLACES && (used & MASK(q, UNITS(b))) == 0;
        if
        :: ok -> claim(b, COPYING, c); use(used | MASK(q, SHAPE(c)))
        :: else -> leave(); b = 0; q = 0
        fi
    }
    if
    :: ok ->
#ifdef STALL
        if
        :: true
        :: true ->
end_stalled: false
        fi;
#endif
        copy_unit(PLACE(c), q);
        if
        :: SHAPE(c) == 1 -> copy_unit(PLACE(c) + 1, q + 1)
        :: else
        fi;
        atomic {
            publish_copy(b, SHAPE(c));
            AND_LEAVE
            leave(); b = 0; q = 0; ok = false
        }
    :: else
    fi
}

/* A and B side by side, both or neither: to a disjoint place, or one unit down. */
inline step_run() {
    atomic {
        enter();
        old = PLACE(w[0]);
        if
        :: old >= 1 -> q = old - 1; state = MOVING
        :: old >= 2 -> q = old - 2; state = COPYING
        :: old + 3 < PLACES -> q = old + 2; state = COPYING
        fi;
        if
        :: BREAK(SLIDE_COPIES) -> state = COPYING
        :: else
        fi;
        if
        :: ok -> claim(0, state, c)
        :: else
        fi
    }
    atomic {
        if
        :: ok -> claim(1, state, c1)
        :: else
        fi
    }
    if
    :: ok ->
        copy_unit(old, q);
        copy_unit(old + 1, q + 1);
#ifdef STALL
        if
        :: true
        :: state == COPYING ->
end_stalled: false
        fi;
#endif
        if
        :: state == COPYING && !BREAK(NO_SEAL) -> seal(0, c); seal(1, c1)
        :: else
        fi
    :: else
    fi;
    if
    :: ok -> publish(0, c); atomic { publish(1, c1); use(MASK(q, 1)) }
    :: else -> undo(0, c); atomic { undo(1, c1); use(MASK(old, 1)) }
    fi;
    atomic { leave(); q = 0; old = 0; state = 0; ok = false }
}

/* COPYING -> MOVING, where nobody has voided it. */
inline seal(b, c) {
    atomic {
        if
        :: w[b] == c -> c = TO_STATE(c, MOVING); w[b] = c
        :: else -> c = 0; ok = false
        fi
    }
}

inline publish(b, c) {
    atomic {
        if
        :: w[b] == c -> w[b] = TO_PLACE(c, q + b); sound(b)
        :: else -> assert(BREAK(NO_SEAL) || BREAK(SLIDE_COPIES))
        fi;
        c = 0
    }
}

inline undo(b, c) {
    atomic {
        if
        :: c != 0 && w[b] == c && !(BREAK(KEEPS_SEALED) && STATE(c) == MOVING) ->
            w[b] = TO_STATE(c, NONE); sound(b)
        :: else
        fi;
        c = 0
    }
}

/* A, of two units, by one unit a step; in between the mutex is released. */
inline step_half() {
    atomic {
        enter();
        old = PLACE(w[0]);
        ok = ok && !half;
        if
        :: old > 0 && (used & MASK(old - 1, 0)) == 0 -> q = old - 1
        :: old > 1 && (used & MASK(old - 2, 1)) == 0 -> q = old - 2
        :: old > 2 && (used & MASK(old - 3, 1)) == 0 -> q = old - 3
        :: old + 3 < PLACES && (used & MASK(old + 2, 1)) == 0 -> q = old + 2
        :: old + 4 < PLACES && (used & MASK(old + 3, 1)) == 0 -> q = old + 3
        :: else -> ok = false
        fi;
        if
        :: ok -> claim(0, MOVING, c)
        :: else
        fi
    }
    if
    :: ok ->
        atomic {
            use(used | MASK(q, 1));
            copy_unit(old, q);
            half = true;
            half_to = q;
            if
            :: BREAK(HALF_UNLOCKED) -> w[0] = TO_STATE(w[0], NONE)
            :: else
            fi
        }
    :: !ok && half && !blocked -> finish()
    :: else
    fi;
    atomic { leave(); c = 0; q = 0; old = 0; ok = false }
}

/* Half moved: done, or, where the old place is whole still, undone. */
inline finish() {
    if
    :: !half && !BREAK(FINISH_BLINDLY)
    :: else ->
        old = PLACE(w[0]);
        if
        :: true ->
            copy_unit(old + 1, half_to + 1);
            atomic {
                w[0] = TO_PLACE(w[0], half_to);
                half = false;
                sound(0);
                use((used & ~MASK(old, 1)) | MASK(half_to, 1))
            }
        :: (MASK(old, 1) & MASK(half_to, 1)) == 0 ->
            atomic {
                w[0] = TO_STATE(w[0], NONE);
                half = false;
                sound(0);
                use((used & ~MASK(half_to, 1)) | MASK(old, 1))
            }
        fi;
        old = 0
    fi
}

/* Stop, and the owner is out, or will see stop when it comes in. */
inline empty_cache(who) {
    atomic { take(); stop[who] = true }
    atomic { membarrier() }
    atomic { !busy[who] || late[who] || BREAK(NO_BUSY) -> old = cache[who] }
    atomic {
        cache[who] = 0;
        if
        :: old & 1 -> b = 0; free_for_good()
        :: else
        fi;
        if
        :: old & 2 -> b = 1; free_for_good()
        :: else
        fi;
        b = 0;
        old = 0;
        stop[who] = false;
        give()
    }
}

/* Inside atomic: b rests nowhere any more. */
inline free_for_good() {
    assert(STATE(w[b]) == FREE && placed[b]); /* ONE_WINS */
    placed[b] = false;
    use(used & ~MASK(PLACE(w[b]), 0))
}

/* Forbidden: what rests belongs to its cache. */
inline move_resting() {
    atomic {
        take();
        if
        :: placed[0] && STATE(w[0]) == FREE && (used & 4) == 0 ->
            old = used & ~MASK(PLACE(w[0]), 0);
            w[0] = WORD(2, FREE, 0, GENERATION(w[0]));
            use(old | 4);
            old = 0
        :: else
        fi;
        give()
    }
}

/* Before every step. A holder that is seen blocks it; one that is not will see motion. */
inline begin() {
#ifdef SECTION
    atomic { take(); motion = true }
    atomic { membarrier() }
    blocked = holds[1] && !late[1] && !BREAK(MOVER_BLIND);
    blocked = blocked || (holds[2] && !late[2] && !BREAK(MOVER_BLIND))
#else
    skip
#endif
}

/* Inside atomic: ok says whether anything may move. */
inline enter() {
#ifndef SECTION
    take();
#endif
    ok = !blocked
}

inline leave() {
#ifdef SECTION
    motion = false;
    blocked = false;
#endif
    give()
}

proctype mover() {
    MOVERS_OWN;
    short c1 = 0;
    byte b = 0, state = 0, n_done = 0;
    bool blocked = false;

    do
    :: WITHIN_BOUND ->
#ifdef BOUND
        n_done++;
#endif
        begin();
        if
#ifdef COPY
        :: step_copy()
#endif
#ifdef RUN
        :: step_run()
#endif
#ifdef HALF
        :: step_half()
#endif
#ifdef CACHE
        :: empty_cache(1)
        :: empty_cache(2)
        :: BREAK(MOVES_RESTING) -> move_resting()
#endif
        fi
    :: true -> break
    od
}
