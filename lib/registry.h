/* SPDX-License-Identifier: MIT */
/*
 * The heaps that exist: a static table of places. A handle and a heap's token name a place and
 * the epoch of its present heap, so stale and forged ones are told without touching memory
 * that is not ours. Places are reused in turn.
 *
 *      tag     epoch:1 place:13 epoch:4     token of a heap   tag << 4 | 8
 *      on 32 bits      place:5  epoch:1
 *
 * Holds each heap's mutex, so that it outlives the heap. To be taken in this order: the registry's own, the
 * heaps' by place; who holds one of a heap takes no other.
 */
#ifndef RM_REGISTRY_H
#define RM_REGISTRY_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

#include "bounds.h"
#include "guard.h"

#include <rmalloc_inline.h>

#if UINTPTR_MAX > UINT32_MAX
enum { PLACE_SHIFT = 4, PLACE_BITS = 13, EPOCH_BITS = TAG_BITS - PLACE_BITS };
enum {
    GENERATION_STEP = 4099
}; /* by which a place's heaps start apart when the epochs have come round */
#else
enum { PLACE_SHIFT = 1, PLACE_BITS = 5, EPOCH_BITS = 1, GENERATION_STEP = 21 };
#endif

/* The default heap has a place beside those that callers may fill. */
enum { PLACES = RM_HEAPS_MAX + 1 };

struct place {
    pthread_mutex_t mutex; /* of the heap, where it is shared between threads */
    atomic_uint waiting;   /* threads that would like to have it */
    uint32_t uses;         /* heaps so far */
    /* Of the heap, out of reach of what damages it: its region, ... */
    char *low;
    size_t bytes;
    bool pages;
    struct crowd crowd;
    struct watch *watch;
    struct rm_gate gate; /* where the public one is open it says the same */
    struct guard *guard; /* of a heap whose public gate stays closed; else NULL */
    struct bounds bounds;
    atomic_bool corrupt; /* found to be damaged: nothing is done to it any more */
};

/*
 * Where all this is, for who looks from another process or at a core file (view.h): found by its magic and by
 * its own address, whatever has become of symbols. It is data that is written to, so that it lies in a private
 * mapping; the registry uses it, so that no linker drops it. Where the sizes are others, so is the layout, and
 * nothing else is believed.
 */
#define REGISTRY_MAGIC "rmalloc registry" /* 16 bytes, and no end */
#define REGISTRY_TEXT(x) #x
#define REGISTRY_DOTTED(x, y, z)                                                         \
    REGISTRY_TEXT(x) "." REGISTRY_TEXT(y) "." REGISTRY_TEXT(z)
#define REGISTRY_VERSION                                                                 \
    REGISTRY_DOTTED(RM_VERSION_MAJOR, RM_VERSION_MINOR, RM_VERSION_PATCH)
#define REGISTRY_SIZES                                                                   \
    {                                                                                    \
        sizeof(struct heap), offsetof(struct heap, region),                              \
            offsetof(struct heap, store.area), offsetof(struct heap, store.quick),       \
            offsetof(struct heap, store.mover), offsetof(struct heap, store.runs),       \
            sizeof(struct place), offsetof(struct place, crowd), sizeof(struct cache),   \
            sizeof(struct watch), offsetof(struct place, gate), REGISTRY_REVISION        \
    }
/* To be raised where the meaning changes and no size does. */
enum { REGISTRY_REVISION = 2 };
enum { REGISTRY_N_SIZES = 12 };
struct registry_sign {
    char magic[16];
    uint32_t bytes; /* of this structure */
    char version[20];
    uint32_t sizes[REGISTRY_N_SIZES];
    const struct registry_sign *self;
    const struct place *places;
    const _Atomic uint32_t *default_state;
    uint32_t n_fresh; /* places from here on were never used */
};
extern struct registry_sign registry_sign;

/* When the registry prepares for fork, among the constructors with priorities; and what others have it told then. */
#define REGISTRY_CONSTRUCTOR 201

/* A heap that a call is inside of: with its mutex; guarded. */
enum { ACCESS_LOCKED = 1, ACCESS_GUARDED = 2 };
struct access {
    struct heap *heap;
    struct guard *guard; /* where it is guarded */
    unsigned place;
    uint8_t how;
    jmp_buf edge; /* of the call: see registry_damaged */
};

static inline unsigned registry_place(uint64_t tag) {
    return (unsigned)(tag >> PLACE_SHIFT & bit_mask(PLACE_BITS));
}
static inline uint32_t registry_live(uint64_t tag) {
    return (uint32_t)tag % RM_GATE_LIVE | RM_GATE_LIVE;
}
/* The tag of the n-th heap in a place. */
static inline uint64_t registry_tag(unsigned place, uint32_t n) {
    uint64_t low = n & bit_mask(PLACE_SHIFT), high = n >> PLACE_SHIFT;
    high &= bit_mask(EPOCH_BITS - PLACE_SHIFT);
    return high << (PLACE_SHIFT + PLACE_BITS) | (uint64_t)place << PLACE_SHIFT | low;
}
/* Its table's first generation. Epochs come round after 32 heaps in one place, or 2: then it is another. */
static inline uint32_t registry_first_generation(uint32_t n) {
    return (n >> EPOCH_BITS) * GENERATION_STEP % GENERATIONS;
}

/* Is a heap one whose guard is open (guard.h)? What takes longer than a common case goes by that, as of one that is
   closed. */
static inline bool registry_fenced(const struct heap *h) { return h->store.fenced; }

/* What else than its tag and its address a gate says of a heap: whether it is shared between threads; and the end of
   the pool of its quick lists, as quick_last, where no damage to the heap reaches it. */
static inline uint32_t registry_gate_word(const struct heap *h) {
    return quick_last(&h->store.quick) | h->shared;
}
static inline bool registry_shared(const struct rm_gate *gate) {
    return gate->shared & 1;
}
static inline bool registry_concurrent(const struct rm_gate *gate) {
    return !RM_SINGLE_THREADED && registry_shared(gate);
}
static inline uint32_t registry_quick_last(uint64_t tag) {
    return rm_gate_of((uint32_t)tag)->shared & ~UINT32_C(1);
}

/* The heap of a tag, which nobody is kept out of; NULL: there is none, or it is guarded. `*shared`: others may be
   inside. */
static inline struct heap *registry_heap(uint64_t tag, bool *shared) {
    struct rm_core *core;
    int between_threads;
    if (unlikely(!rm_enter(registry_live(tag), &core, &between_threads))) return NULL;
    *shared = between_threads != 0;
    return (struct heap *)core;
}

/* Is there a heap of a tag? `*shared`: it is one between threads. */
bool registry_exists(uint64_t tag, bool *shared);

/* Enter the heap of a tag; false: there is none, or it must not be entered any more. Each true is followed by a
   leave. A shared heap's mutex is left alone while the process has only ever had one thread. */
bool registry_enter_locked(uint64_t tag, struct access *a);
bool registry_enter_guarded(uint64_t tag, struct access *a);
/* The same for a call that needs no more of the heap than the entry of one slot (guard_widen). */
bool registry_enter_about(uint64_t tag, struct access *a, uint32_t slot);
static inline bool registry_enter(uint64_t tag, struct access *a) {
    struct rm_core *core;
    int shared;
    if (unlikely(!rm_enter(registry_live(tag), &core, &shared)) ||
        unlikely(registry_fenced((struct heap *)core)))
        return registry_enter_guarded(tag, a);
    a->heap = (struct heap *)core;
    a->place = registry_place(tag);
    a->how = 0;
    return !shared || registry_enter_locked(tag, a);
}
/* What a call says that could not enter: RM_ECORRUPT, or, where there is no such heap, another thing. */
rm_status_t registry_refused(uint64_t tag, rm_status_t none);
/* The same if nobody is inside. */
bool registry_try(uint64_t tag, struct access *a);

/* Leave it: blocks no longer move, threads may use what they keep. */
void registry_leave_slowly(const struct access *a);
static inline void registry_leave(const struct access *a) {
    const struct store *s = &a->heap->store;
    if (unlikely(a->how != 0) || unlikely(s->table.motion != 0) ||
        unlikely(s->crowd->stopped))
        registry_leave_slowly(a);
}
/* The same of one whose own data has not been looked at (registry_damaged), and nothing was done; and of one whose data
   is not to be trusted. */
void registry_leave_unseen(const struct access *a);
void registry_leave_damaged(const struct access *a);

/*
 * Where a call that has entered a heap ends if that is found to be damaged: now, or at any time until it leaves it.
 * To be asked in the very function that leaves. Then the heap is left for good, by registry_freeze, which returns
 * what the call says.
 */
#define registry_edge(a) (damage_edge = &(a)->edge, unlikely(_setjmp((a)->edge) != 0))
#define registry_damaged(a) (registry_edge(a) || (registry_compare(a), false))
void registry_compare(const struct access *a); /* with what never changes of the heap */
__attribute__((cold)) rm_status_t registry_freeze(const struct access *a);
/* A heap that has been left for good, to be looked at. */
void registry_look(uint64_t tag, struct access *a);
void registry_look_away(const struct access *a);
/* Do so many bytes lie in a heap's region? */
static inline bool registry_contains(uint64_t tag, const void *pointer, size_t bytes) {
    const struct place *p = &registry_sign.places[registry_place(tag)];
    uintptr_t offset = (uintptr_t)pointer - (uintptr_t)p->low;
    return offset <= p->bytes && bytes <= p->bytes - offset;
}
/* What a thread keeps of a heap that must not be entered is nobody's, where there is such a heap. */
void registry_forget(uint64_t tag, struct cache *c);
/* Wait for whoever is inside, for the n-th time. */
void registry_wait(uint64_t tag, unsigned n);
/* How many wait, of a heap that was entered; NULL: there is nobody who could. And let them in, and enter again:
   false: the heap is gone. */
const _Atomic unsigned *registry_waiting(const struct access *a);
void registry_let_in(uint64_t tag);
bool registry_give_way(uint64_t tag, struct access *a);

/* Who is told, outside of all heaps, that one needs the background thread; or NULL. */
extern _Atomic(void (*)(void)) registry_alarm;

/* Who is told, in a forked child, of each shared heap, which is entered: other threads are lost; or NULL. */
extern _Atomic(void (*)(struct heap *)) registry_lost;

/* Who else is to know of a fork: before it, ahead of everything here; after it, behind. Or NULL. */
struct registry_fork {
    void (*before)(void), (*after)(void), (*in_child)(void);
};
extern const struct registry_fork *registry_fork;

/* Make a heap in a free place. */
rm_status_t registry_create(const rm_heap_options_t *options, uint64_t *tag);
bool registry_destroy(uint64_t tag);

/* What the default heap's gate says; 0: it has not been made. */
extern _Atomic uint32_t registry_default_state;
/* The default heap's tag, made where it does not exist. */
rm_status_t registry_default(uint64_t *tag);

/* What threads have of the heap that was entered; its region, as it was when the heap was made. And when the
   background thread is to work there. */
struct crowd *registry_crowd(const struct access *a);
struct crowd *registry_crowd_of(uint64_t tag);
struct watch **registry_watch_at(unsigned place);
static inline struct watch **registry_watch(const struct access *a) {
    return registry_watch_at(a->place);
}
static inline struct watch **registry_watch_of(uint64_t tag) {
    return registry_watch_at(registry_place(tag));
}
void registry_region(const struct access *a, char **low, size_t *bytes);

#endif
