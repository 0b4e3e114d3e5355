/* SPDX-License-Identifier: MIT */
/*
 * The callers' side of the protocol: lock, write, unlock; free and allocate; resize; read
 * sections. Included by protocol.pml, which says what the names mean.
 */

/* A block, and a handle of it: the latest, or a stale one. */
inline pick() {
    atomic {
        if
        :: b = 0
        :: b = 1
        fi;
        if
        :: g = handle[b]
        :: handle[b] > 0 -> g = handle[b] - 1
        fi
    }
}

/* Inside atomic: what was just loaded is no block of this handle. */
inline refuse() {
    got = false;
    x = 0;
    y = 0;
    first = 0;
    assert(!alive[b] || handle[b] != g) /* REFUSED */
}

/* MOVING: until it is published, or, with the mutex, by finishing what is half moved. */
inline wait_moved() {
    if
    :: w[b] != x
    :: atomic { take(); assert(STATE(w[b]) != MOVING || half) /* HALF */ }
        finish();
        atomic { give() }
    fi
}

/* Sets got, and p where that is true. */
inline lock() {
    do
    :: atomic {
            x = w[b];
            y = 0;
            if
            :: STALE(x, g) && !(BREAK(OLD_LOOK) && first != 0 && STATE(x) != FREE) ->
                refuse(); break
            :: else
            fi;
            if
            :: first == 0 && (BREAK(OLD_LOOK) || BREAK(OLD_POINTER)) -> first = x
            :: else
            fi;
            if
            :: STATE(x) == NONE || STATE(x) == LOCKED_1 -> y = LOCK_TAKEN(x)
            :: STATE(x) == COPYING && !BREAK(COPYING_WAITS) && !BREAK(COPYING_SPINS) ->
                y = TO_STATE(x, LOCKED_1)
            :: STATE(x) == MANY && SHAPE(x) < COUNT_MAX -> y = LOCK_TAKEN(x)
            :: STATE(x) == MANY && SHAPE(x) == COUNT_MAX -> got = false; x = 0; break
            :: else
            fi;
            AND_THEN
            if
            :: y != 0 && w[b] == x ->
                assert(alive[b] && handle[b] == g); /* TAKEN */
                w[b] = y;
                held[b]++;
                p = PLACE((BREAK(OLD_POINTER) -> first : y));
                sound(b);
                n++;
                got = true;
                x = 0;
                y = 0;
                first = 0;
                break
            :: else
            fi
        }
        if
        :: STATE(x) == MOVING -> wait_moved()
        :: STATE(x) == LOCKED_2 -> enter_many()
        :: STATE(x) == COPYING && BREAK(COPYING_WAITS) -> w[b] != x
        :: else
        fi
    od
}

inline enter_many() {
    atomic {
        take();
        x = w[b];
        if
        :: STATE(x) == LOCKED_2 -> saved[b] = SHAPE(x)
        :: else
        fi
    }
    atomic {
        if
        :: STATE(x) == LOCKED_2 && (w[b] == x || BREAK(MANY_ENTERS)) ->
            w[b] = WORD(PLACE(x), MANY, 2, GENERATION(x)); sound(b)
        :: else
        fi;
        give()
    }
}

/* MANY with no lock: left under the mutex, for whoever frees or resizes. */
inline leave_many() {
    atomic { take(); x = w[b] }
    atomic {
        if
        :: STATE(x) == MANY && SHAPE(x) == 0 && (w[b] == x || BREAK(MANY_LEAVES)) ->
            w[b] = WORD(PLACE(x), NONE, saved[b], GENERATION(x)); sound(b)
        :: else
        fi;
        give()
    }
}

/* To a unit that there is: to know of another's resizing is the callers' affair. */
inline write(unit) {
    atomic {
        assert(PLACE(w[b]) == p); /* STAYS */
        if
        :: unit <= UNITS(b) ->
            content[2 * b + unit] = WRITTEN(b, unit);
            mem[p + unit] = content[2 * b + unit]
        :: else
        fi
    }
}

inline unlock() {
    do
    :: atomic {
            x = w[b];
            assert(PLACE(x) == p && LOCKS(x) > 0); /* STAYS, COUNTED */
            AND_THEN
            if
            :: w[b] == x || BREAK(UNLOCK_STORES) ->
                held[b]--;
                w[b] = LOCK_GIVEN(x);
                sound(b);
                n--;
                p = (n == 0 -> 0 : p);
                x = 0;
                break
            :: else
            fi
        }
    od
}

inline lock_write_unlock() {
    lock();
#if NESTED > 1
    if
    :: got -> lock()
    :: true
    fi;
#endif
    do
    :: atomic { n > 0 -> write(0) }
#ifdef TWO_UNITS
        write(1);
#endif
        unlock()
    :: atomic { n == 0 -> break }
    od
}

/* Where stop is set the owner keeps out of its cache, and goes by the mutex. */
inline enter_cache() {
#ifdef CACHE
    atomic {
        busy[me] = true;
        if
        :: late[me] = true
        :: late[me] = false
        fi
    }
    inside = !stop[me] || BREAK(NO_STOP);
    if
    :: inside
    :: else -> leave_cache(); atomic { take() }
    fi
#else
    skip
#endif
}

inline leave_cache() {
    atomic { busy[me] = false; late[me] = false }
}

inline free() {
    enter_cache();
    do
    :: atomic {
            x = w[b];
            if
            :: STALE(x, g) -> refuse(); break
            :: else
            fi;
            if
            :: STATE(x) != MOVING && LOCKS(x) > 0 ->
                assert(held[b] > 0); got = false; break /* ONE_WINS */
            :: STATE(x) == NONE || STATE(x) == COPYING ->
                y = WORD(PLACE(x), FREE, SHAPE(x), g + (BREAK(SAME_GENERATION) -> 0 : 1))
            :: else -> y = 0
            fi;
            AND_THEN
            if
            :: y != 0 && (w[b] == x || BREAK(FREE_STORES)) ->
                assert(alive[b] && held[b] == 0 && handle[b] == g); /* ONE_WINS */
                w[b] = y;
                alive[b] = false;
                got = true;
#ifndef CACHE
                cache[me] = cache[me] | (1 << b);
#endif
                sound(b);
                break
            :: else
            fi
        }
        if
        :: STATE(x) == MOVING -> wait_moved()
        :: STATE(x) == MANY -> leave_many()
        :: else
        fi
    od;
#ifdef CACHE
    if
    :: !inside && got -> atomic { free_for_good(); give() }
    :: !inside && !got -> atomic { give() }
    :: inside && got -> cache[me] = cache[me] | (1 << b); leave_cache()
    :: inside && !got -> leave_cache()
    fi;
    inside = false;
#endif
    atomic { x = 0; y = 0; got = false }
}

/* Inside atomic. */
inline give_out() {
    assert(GENERATION(w[b]) > handle[b]); /* TAKEN: what was given out before is stale */
    alive[b] = true;
    handle[b] = GENERATION(w[b]);
    content[2 * b] = mem[PLACE(w[b])];
    if
    :: SHAPE(w[b]) == 1 -> content[2 * b + 1] = mem[PLACE(w[b]) + 1]
    :: else
    fi;
    sound(b)
}

/* What rests here: a word that nobody else changes. */
inline allocate() {
    enter_cache();
#ifdef CACHE
    if
    :: inside && (cache[me] & (1 << b)) ->
        x = w[b];
        cache[me] = cache[me] & ~(1 << b);
        atomic { assert(STATE(w[b]) == FREE); w[b] = TO_STATE(x, NONE); give_out() }
        leave_cache()
    :: inside && !(cache[me] & (1 << b)) -> leave_cache();
        atomic { take(); allocate_anew(); give() }
    :: !inside -> atomic { allocate_anew(); give() }
    fi;
    inside = false;
    x = 0
#else
    if
    :: cache[me] & (1 << b) ->
        atomic {
            cache[me] = cache[me] & ~(1 << b);
            assert(STATE(w[b]) == FREE);
            w[b] = TO_STATE(w[b], NONE);
            give_out()
        }
    :: else
    fi
#endif
}

/* Inside atomic, with the mutex. */
inline allocate_anew() {
    if
    :: !placed[b] ->
        if
        :: !(used & 1) -> q = 0
        :: !(used & 2) -> q = 1
        :: !(used & 4) -> q = 2
        fi;
        use(used | (1 << q));
        w[b] = WORD(q, NONE, 0, GENERATION(w[b]));
        placed[b] = true;
        give_out()
    :: else
    fi;
    q = 0
}

/* To two units or to one: in place, or, where the unit behind is not free, copied. */
inline resize() {
    atomic { take() }
    do
    :: atomic {
            x = w[b];
            if
            :: STALE(x, g) -> refuse(); break
            :: else
            fi;
            n = 1 - SHAPE(x);
            q = PLACE(x) + 1;
            ok = (n == 0 || (q < PLACES && !(used & (1 << q))));
            AND_THEN
            if
            :: ok && (w[b] == x || BREAK(SHAPE_STORES)) ->
                w[b] = WORD(PLACE(x), STATE(x), n, GENERATION(x));
                if
                :: n == 1 -> content[2 * b + 1] = mem[q]; use(used | (1 << q))
                :: else -> use(used & ~(1 << q))
                fi;
                sound(b);
                break
            :: else
            fi
        }
        if
        :: ok
        :: else ->
            atomic {
                ok = true;
                if
                :: (used & 3) == 0 -> q = 0
                :: (used & 6) == 0 -> q = 1
                :: (used & 12) == 0 -> q = 2
#if PLACES > 4
                :: (used & 24) == 0 -> q = 3
#endif
                :: else -> ok = false; break /* no memory */
                fi;
                claim(b, COPYING, c);
                if
                :: ok -> use(used | MASK(q, 1))
                :: else -> break /* locked */
                fi
            }
            copy_unit(PLACE(c), q);
            atomic { publish_copy(b, 1); break }
        fi
    od;
    atomic { x = 0; n = 0; q = 0; ok = false; give() }
}

/* hold, peek, read, release. What is peeked at nobody frees. */
inline read_section() {
#ifdef SECTION
    inside = BREAK(HOLD_EARLY) && motion;
    atomic {
        holds[me] = true;
        if
        :: late[me] = true
        :: late[me] = false
        fi
    }
    if
    :: BREAK(HOLD_EARLY)
    :: else -> inside = motion && !BREAK(HOLD_BLIND)
    fi;
    if
    :: inside ->
        atomic { holds[me] = false; late[me] = false }
        atomic { take(); holds[me] = true }
        atomic { give() }
    :: else
    fi;
    inside = false;
    do
    :: x = w[b];
        if
        :: STATE(x) == MOVING ->
            atomic { take(); assert(STATE(w[b]) != MOVING || half) /* HALF */ }
            finish();
            atomic { give() }
        :: else -> break
        fi
    od;
    atomic {
        assert(STATE(w[b]) != COPYING); /* QUIET */
        p = PLACE(x)
    }
    assert(PLACE(w[b]) == p && mem[p] == content[2 * b]); /* STAYS, SAME */
    assert(PLACE(w[b]) == p && mem[p] == content[2 * b]); /* STAYS, SAME */
    atomic { holds[me] = false; late[me] = false; p = 0; x = 0 }
#else
    skip
#endif
}

proctype caller(byte me) {
    short x = 0, y = 0, first = 0;
    byte b = 0, g = 0, p = 0, n = 0, n_done = 0;
    bool got = false, inside = false;
    MOVERS_OWN;

    do
    :: WITHIN_BOUND ->
#ifdef BOUND
        n_done++;
#endif
        pick();
        if
        :: lock_write_unlock()
#ifdef FREED
        :: b < FREED && handle[b] < GENERATIONS - 1 -> free()
        :: b < FREED && !alive[b] -> allocate()
#endif
#ifdef RESIZING
        :: b == 0 -> resize()
#endif
#ifdef SECTION
        :: g == handle[b] -> read_section()
#endif
        fi;
        atomic { b = 0; g = 0; got = false }
    :: true -> break
    od
}
