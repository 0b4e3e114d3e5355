/* SPDX-License-Identifier: MIT */
/*
 * play() is the loop. It is expanded into each of the functions at the end, with the calls
 * of one kind of allocator in it; what they call is inline or that allocator.
 */
#include "compare/race.h"

#if RACE_INLINE_LOCKS
#include "rmalloc_inline.h"
#endif

#define TOUCH_EVERY 64
#define INLINE static inline __attribute__((always_inline))

INLINE void touch(void *pointer, size_t from, size_t limit) {
    volatile unsigned char *bytes = pointer;

    for (size_t i = from; i < limit; i += TOUCH_EVERY) bytes[i] = 1;
}

/* What an event asks of an allocator. The first three make a block, or change it, and
   write to it; they return whether they could. */
struct kind {
    bool (*make)(void *allocator, void **slot, enum trace_op op, size_t size,
                 size_t alignment);
    bool (*resize)(void *allocator, void **slot, size_t old_size, size_t size);
    bool (*drop)(void *allocator, void **slot);
    bool (*lock)(void **slot);
    bool (*unlock)(void **slot);
};

/* Keeps what cases do from being merged, so that the jump to them is the same in all. */
#define apart(n) __asm__ volatile("" : : "i"(n))

INLINE bool play(struct race *race, void *allocator, const struct kind kind) {
    const uint64_t *at = race->at, *const end = race->end;
    void **const slots = race->slots;
    bool good = true;

    while (at < end) {
        uint64_t word = *at;
        void **slot = &slots[reel_slot(word)];
        size_t size = reel_size(word);

        switch (reel_op(word)) {
        case TRACE_ALLOC:
            apart(0);
            good = kind.make(allocator, slot, TRACE_ALLOC, size, 0);
            break;
        case TRACE_ZERO:
            apart(1);
            good = kind.make(allocator, slot, TRACE_ZERO, size, 0);
            break;
        case TRACE_ALIGNED:
            apart(2);
            good = kind.make(allocator, slot, TRACE_ALIGNED, size, at[1]);
            at += good;
            break;
        case TRACE_REALLOC:
            apart(3);
            good = kind.resize(allocator, slot, at[1], size);
            at += good;
            break;
        case TRACE_FREE:
            apart(4);
            good = kind.drop(allocator, slot);
            break;
        case TRACE_LOCK:
            apart(5);
            good = kind.lock(slot);
            break;
        case TRACE_UNLOCK:
            apart(6);
            good = kind.unlock(slot);
            break;
        }
        if (!good) break;
        at++;
    }
    race->at = at;
    return good;
}

INLINE bool nothing(void **slot) { return true; }

/* ---------------------------------------------------------------------- malloc */

INLINE bool malloc_make(void *allocator, void **slot, enum trace_op op, size_t size,
                        size_t alignment) {
    const struct race_calls *calls = allocator;
    void *pointer = NULL;

    if (op == TRACE_ALLOC)
        pointer = calls->malloc(size);
    else if (op == TRACE_ZERO)
        pointer = calls->calloc(1, size);
    else if (calls->posix_memalign(
                 &pointer, alignment < sizeof(void *) ? sizeof(void *) : alignment, size))
        return false;
    if (!pointer && size > 0) return false;
    touch(pointer, 0, size);
    *slot = pointer;
    return true;
}

INLINE bool malloc_resize(void *allocator, void **slot, size_t old_size, size_t size) {
    const struct race_calls *calls = allocator;
    void *pointer = calls->realloc(*slot, size);

    if (!pointer) return false;
    touch(pointer, old_size, size);
    *slot = pointer;
    return true;
}

INLINE bool malloc_drop(void *allocator, void **slot) {
    const struct race_calls *calls = allocator;

    calls->free(*slot);
    return true;
}

bool race_malloc(struct race *race, const struct race_calls *calls) {
    return play(race, (void *)calls,
                (struct kind){malloc_make, malloc_resize, malloc_drop, nothing, nothing});
}

/* ------------------------------------------------------------------------ bump */

INLINE bool bump_make(void *allocator, void **slot, enum trace_op op, size_t size,
                      size_t alignment) {
    struct race_bump *bump = allocator;
    unsigned char *pointer = bump->base + bump->at;
    size_t after = bump->at + ((size + 15) & ~(size_t)15);

    bump->at = after < bump->turn ? after : 0;
    touch(pointer, 0, size);
    *slot = pointer;
    return true;
}

INLINE bool bump_resize(void *allocator, void **slot, size_t old_size, size_t size) {
    touch(*slot, old_size, size);
    return true;
}

INLINE bool bump_drop(void *allocator, void **slot) { return true; }

bool race_bump(struct race *race, struct race_bump *bump) {
    return play(race, bump,
                (struct kind){bump_make, bump_resize, bump_drop, nothing, nothing});
}

/* --------------------------------------------------------------------- handles */

#if RACE_INLINE_LOCKS
#define BEST_LOCK rmlock_inline
#define BEST_UNLOCK rmunlock_inline
#else
#define BEST_LOCK rmlock
#define BEST_UNLOCK rmunlock
#endif

INLINE bool make_block(void *allocator, void **slot, enum trace_op op, size_t size,
                       size_t alignment) {
    return rm_heap_alloc(allocator, (rm_memory_t **)slot, size, alignment,
                         op == TRACE_ZERO ? RM_ZERO : 0) == RM_OK;
}

INLINE bool drop_block(void *allocator, void **slot) { return rmfree(*slot) == RM_OK; }

/* make, resize, lock and unlock with one pair of calls that lock. */
#define HANDLES(name, lock_call, unlock_call)                                            \
    INLINE bool name##_write(void **slot, size_t from, size_t limit) {                   \
        void *pointer;                                                                   \
        if (lock_call(*slot, &pointer) != RM_OK) return false;                           \
        touch(pointer, from, limit);                                                     \
        return unlock_call(*slot) == RM_OK;                                              \
    }                                                                                    \
    INLINE bool name##_make(void *allocator, void **slot, enum trace_op op, size_t size, \
                            size_t alignment) {                                          \
        return make_block(allocator, slot, op, size, alignment) &&                       \
               name##_write(slot, 0, size);                                              \
    }                                                                                    \
    INLINE bool name##_resize(void *allocator, void **slot, size_t old_size,             \
                              size_t size) {                                             \
        return rmrealloc(*slot, (ssize_t)size) == RM_OK &&                               \
               name##_write(slot, old_size, size);                                       \
    }                                                                                    \
    INLINE bool name##_lock(void **slot) {                                               \
        void *pointer;                                                                   \
        return lock_call(*slot, &pointer) == RM_OK;                                      \
    }                                                                                    \
    INLINE bool name##_unlock(void **slot) { return unlock_call(*slot) == RM_OK; }

HANDLES(handles, BEST_LOCK, BEST_UNLOCK)
HANDLES(called, rmlock, rmunlock)

bool race_handles(struct race *race, rm_heap_t *heap) {
    return play(race, heap,
                (struct kind){handles_make, handles_resize, drop_block, handles_lock,
                              handles_unlock});
}

bool race_handles_by_call(struct race *race, rm_heap_t *heap) {
    return play(race, heap,
                (struct kind){called_make, called_resize, drop_block, called_lock,
                              called_unlock});
}
