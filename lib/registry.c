/* SPDX-License-Identifier: MIT */
#include "registry.h"

#include <errno.h>
#include <sched.h>

#include "motion.h"
#include "os.h"
#include "watch.h"

_Static_assert(PLACES <= 1 << PLACE_BITS, "places fit a tag");

struct rm_gate rm_gates[RM_GATES];

/* The public header repeats what it relies on. */
_Static_assert(RM_GATES == 1 << PLACE_BITS && RM_GATE_LIVE == 1 << TAG_BITS, "tags");
_Static_assert(
    offsetof(struct heap, store.table.top) == offsetof(struct rm_core, top) &&
        offsetof(struct heap, store.table.n_slots) == offsetof(struct rm_core, n_slots) &&
        offsetof(struct heap, store.table.unlocked) ==
            offsetof(struct rm_core, unlocked) &&
        offsetof(struct heap, store.table.motion) == offsetof(struct rm_core, motion) &&
        offsetof(struct heap, store.table.base) == offsetof(struct rm_core, base),
    "what begins a heap");
_Static_assert(ENTRY_LOCKS_SHIFT == 46 && ENTRY_GENERATION_SHIFT == 49 &&
                   LOCKS_NONE == 2 && TAG_BITS + SLOT_BITS == 46 && LOCKS_FEW == 3 &&
                   ENTRY_PLACE_MASK == 0x7fffffff,
               "entries");

static struct place
    places[PLACES]; /* zeros are PTHREAD_MUTEX_INITIALIZER with glibc and musl */

struct registry_sign registry_sign = {
    .magic = REGISTRY_MAGIC,
    .bytes = sizeof registry_sign,
    .version = REGISTRY_VERSION,
    .sizes = REGISTRY_SIZES,
    .self = &registry_sign,
    .places = places,
    .default_state = &registry_default_state,
};

/* Places never used first, then the one that has been free the longest. */
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint16_t queue[PLACES];
static unsigned queue_first, queue_length;
static unsigned n_created; /* heaps there are, the default one not counted */
_Atomic uint32_t registry_default_state;

_Atomic(void (*)(void)) registry_alarm;
_Atomic(void (*)(struct heap *)) registry_lost;
const struct registry_fork *registry_fork;

/* --- entering and leaving --- */

/* What takes the mutex is over soon, as a rule: so it is tried so often before the system is asked to wait. */
enum { TRIES = 1500, YIELD = 64, LET_IN = 2100 };

static void take_mutex(struct place *p) {
    for (unsigned n = 0; n < TRIES; n++) {
        if (pthread_mutex_trylock(&p->mutex) == 0) return;
        if (n % YIELD == YIELD - 1)
            sched_yield(); /* who has it may be waiting for this processor */
        else
            os_wait(0);
    }
    atomic_fetch_add_explicit(&p->waiting, 1, memory_order_relaxed);
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_sub_explicit(&p->waiting, 1, memory_order_relaxed);
}

/* The place of a heap, guarded or not; NULL: there is none. */
static struct place *find(uint64_t tag) {
    unsigned place = registry_place(tag);
    if (place >= PLACES) return NULL;
    struct place *p = &places[place];
    uint32_t live = __atomic_load_n(&p->gate.tag, __ATOMIC_ACQUIRE);
    return live == registry_live(tag) ? p : NULL;
}

bool registry_exists(uint64_t tag, bool *shared) {
    const struct place *p = find(tag);
    if (p != NULL) *shared = registry_shared(&p->gate);
    return p != NULL;
}

/* Nobody else is inside of a heap. False: it must not be entered, and has been left. */
static bool begin(struct place *p, struct access *a, uint32_t about) {
    a->heap = (struct heap *)p->gate.heap;
    a->guard = p->guard;
    if (likely(a->guard == NULL) && likely(!p->corrupt)) {
        a->heap->store.concurrent = registry_concurrent(&p->gate);
        return true;
    }
    if (a->guard != NULL) {
        a->how |= ACCESS_GUARDED;
        if (guard_is_open(a->guard)) /* else it never is; and nothing is written yet */
            a->heap->store.concurrent = registry_concurrent(&p->gate);
    }
    if (!p->corrupt && guard_begin(a->guard, about)) return true;
    if (a->how & ACCESS_LOCKED) pthread_mutex_unlock(&p->mutex);
    return false;
}

/* The mutex of a heap is held. Is it still that one? */
static bool entered(uint64_t tag, struct access *a, uint32_t about) {
    a->how = ACCESS_LOCKED;
    a->place = registry_place(tag);
    struct place *p = find(tag);
    if (likely(p != NULL)) return begin(p, a, about);
    pthread_mutex_unlock(&places[a->place].mutex); /* destroyed meanwhile */
    return false;
}

bool registry_enter_locked(uint64_t tag, struct access *a) {
    take_mutex(&places[registry_place(tag)]);
    return entered(tag, a, SLOT_NIL);
}

bool registry_enter_about(uint64_t tag, struct access *a, uint32_t slot) {
    struct place *p = find(tag);
    if (p == NULL) return false;
    if (registry_concurrent(&p->gate)) {
        take_mutex(p);
        return entered(tag, a, slot);
    }
    a->place = registry_place(tag);
    a->how = 0;
    return begin(p, a, slot);
}

bool registry_enter_guarded(uint64_t tag, struct access *a) {
    return registry_enter_about(tag, a, SLOT_NIL);
}

rm_status_t registry_refused(uint64_t tag, rm_status_t none) {
    if (find(tag) == NULL) return none;
    pthread_mutex_lock(&registry_mutex); /* or the guard might go meanwhile */
    const struct place *p = find(tag);
    if (p != NULL && (p->corrupt || (p->guard != NULL && guard_corrupt(p->guard))))
        none = RM_ECORRUPT;
    pthread_mutex_unlock(&registry_mutex);
    return none;
}

bool registry_try(uint64_t tag, struct access *a) {
    const struct place *p = find(tag);
    if (p == NULL) return false;
    if (!registry_concurrent(&p->gate)) return registry_enter(tag, a);
    return pthread_mutex_trylock(&places[registry_place(tag)].mutex) == 0 &&
           entered(tag, a, SLOT_NIL);
}

void registry_leave_damaged(const struct access *a) {
    motion_end(&a->heap->store);
    cache_go(&places[a->place].crowd);
    if (a->how & ACCESS_GUARDED) {
        a->guard->damaged = true;
        guard_end(a->guard);
    }
    if (a->how & ACCESS_LOCKED) pthread_mutex_unlock(&places[a->place].mutex);
}

void registry_leave_unseen(const struct access *a) {
    damage_edge = NULL; /* what guards find is theirs to say */
    if (a->how & ACCESS_GUARDED) {
        registry_leave_slowly(a);
        return;
    }
    motion_end(&a->heap->store);
    cache_go(&places[a->place].crowd);
    if (a->how & ACCESS_LOCKED) pthread_mutex_unlock(&places[a->place].mutex);
}

void registry_leave_slowly(const struct access *a) {
    struct store *s = &a->heap->store;
    struct place *p = &places[a->place];
    bool alarm = p->watch != NULL && watch_wakes(a->heap, p->watch);
    motion_end(s);
    cache_go(&p->crowd);
    if (a->how & ACCESS_GUARDED) guard_end(a->guard);
    if (a->how & ACCESS_LOCKED) pthread_mutex_unlock(&p->mutex);
    void (*told)(void) = atomic_load_explicit(&registry_alarm, memory_order_acquire);
    if (unlikely(alarm) && told != NULL) told();
}

/* --- damage --- */

void registry_compare(const struct access *a) {
    bounds_compare(a->heap, &places[a->place].bounds);
}

/* Nobody comes in any more, not by the public gate either; and threads keep out of what they have of it. */
static void close_for_good(struct place *p) {
    p->corrupt = true;
    __atomic_store_n(&rm_gates[p - places].tag, 0, __ATOMIC_RELEASE);
    cache_halt(&p->crowd);
}

rm_status_t registry_freeze(const struct access *a) {
    struct place *p = &places[a->place];
    close_for_good(p);
    if (a->how & ACCESS_LOCKED) pthread_mutex_unlock(&p->mutex);
    return RM_ECORRUPT;
}

void registry_look(uint64_t tag, struct access *a) {
    a->place = registry_place(tag);
    a->heap = (struct heap *)places[a->place].gate.heap;
    a->guard = NULL;
    a->how = ACCESS_LOCKED;
    take_mutex(&places[a->place]); /* threads that end take their caches from it */
}
void registry_look_away(const struct access *a) {
    pthread_mutex_unlock(&places[a->place].mutex);
}

void registry_forget(uint64_t tag, struct cache *c) {
    struct place *p = find(tag);
    if (p == NULL) return;
    take_mutex(p);
    /* Else the heap has gone meanwhile, and has seen to it. */
    if (__atomic_load_n(&c->live, __ATOMIC_ACQUIRE) == registry_live(tag))
        cache_discard(&p->crowd, c);
    pthread_mutex_unlock(&p->mutex);
}

void registry_wait(uint64_t tag, unsigned n) {
    struct place *p = &places[registry_place(tag)];
    atomic_fetch_add_explicit(&p->waiting, 1, memory_order_relaxed);
    os_wait(n);
    atomic_fetch_sub_explicit(&p->waiting, 1, memory_order_relaxed);
}

const _Atomic unsigned *registry_waiting(const struct access *a) {
    return a->how & ACCESS_LOCKED ? &places[a->place].waiting : NULL;
}

void registry_let_in(uint64_t tag) {
    struct place *p = &places[registry_place(tag)];
    /* Until one of those who wait has it: a mutex goes to whoever is first. */
    for (unsigned n = 0; n < LET_IN; n++) {
        if (atomic_load_explicit(&p->waiting, memory_order_relaxed) == 0) break;
        os_wait(n);
    }
}

bool registry_give_way(uint64_t tag, struct access *a) {
    registry_leave(a);
    registry_let_in(tag);
    return registry_enter(tag, a);
}

/* --- fork --- */

/* Nothing is in any cache of a heap that was entered. */
static void empty_caches(struct access *a) {
    if (registry_damaged(a))
        close_for_good(&places[a->place]);
    else
        cache_stop(&a->heap->store);
}

/* All shared heaps are entered, with nothing in any cache, and nobody makes or destroys one: so the child has
   all of them whole. Of a guarded one threads keep nothing: its mutex is enough. */
static void before_fork(void) {
    struct access a;
    if (registry_fork != NULL) registry_fork->before();
    pthread_mutex_lock(&registry_mutex);
    for (unsigned i = 0; i < registry_sign.n_fresh; i++) {
        uint32_t tag = __atomic_load_n(&places[i].gate.tag, __ATOMIC_RELAXED);
        if (tag == 0 || !registry_shared(&places[i].gate)) continue;
        take_mutex(&places[i]);
        if (places[i].guard != NULL || places[i].corrupt) continue;
        (void)entered(tag, &a, SLOT_NIL); /* it is there, as nobody unmakes it */
        empty_caches(&a);
    }
}

/* Leave the heap of a place, as before_fork has entered it. */
static void thaw_place(unsigned i, void (*lost)(struct heap *)) {
    struct rm_gate *gate = &places[i].gate;
    struct heap *h = (struct heap *)gate->heap;
    if (__atomic_load_n(&gate->tag, __ATOMIC_RELAXED) == 0) return;
    if (!registry_shared(gate)) return;
    if (!places[i].corrupt) {
        motion_end(&h->store);
        cache_go(&places[i].crowd);
        if (lost != NULL) lost(h);
    }
    pthread_mutex_unlock(&places[i].mutex);
}

static void thaw(void (*lost)(struct heap *)) {
    for (unsigned i = registry_sign.n_fresh; i > 0; i--) thaw_place(i - 1, lost);
    pthread_mutex_unlock(&registry_mutex);
}

static void after_fork(void) {
    thaw(NULL);
    if (registry_fork != NULL) registry_fork->after();
}
static void in_child(void) {
    for (unsigned i = 0; i < registry_sign.n_fresh; i++)
        atomic_store(&places[i].waiting, 0);
    thaw(atomic_load(&registry_lost));
    if (registry_fork != NULL) registry_fork->in_child();
}

/* Without these there is no heap: a child would have it as it was in the middle of a call. */
static bool prepared;
static bool prepare(void) {
    if (prepared) return true;
    int error = pthread_atfork(before_fork, after_fork, in_child);
    if (error != 0) errno = error;
    prepared = error == 0;
    return prepared;
}

/* When the program begins: whoever forks while the mutex is taken for the first time leaves a child that has it taken
   for ever, unless these are there already. Where they are refused, that is tried again with each heap. */
__attribute__((constructor(REGISTRY_CONSTRUCTOR))) static void begin_process(void) {
    prepare();
}

/* A program ends: its guarded heaps are entered once more, for what it has done to them since its last call. Not
   those in a caller's memory, which may be gone; nor one that somebody is inside of. */
__attribute__((destructor)) static void end(void) {
    for (unsigned i = 0; i < registry_sign.n_fresh; i++) {
        struct access a;
        uint32_t tag = __atomic_load_n(&places[i].gate.tag, __ATOMIC_ACQUIRE);
        if (tag != 0 && places[i].guard != NULL && places[i].pages &&
            registry_try(tag, &a))
            registry_leave(&a);
    }
}

/* --- places --- */

struct crowd *registry_crowd(const struct access *a) {
    return &places[a->place].crowd;
}
struct crowd *registry_crowd_of(uint64_t tag) {
    return &places[registry_place(tag)].crowd;
}

struct watch **registry_watch_at(unsigned place) {
    return &places[place].watch;
}

void registry_region(const struct access *a, char **low, size_t *bytes) {
    *low = places[a->place].low;
    *bytes = places[a->place].bytes;
}

/* A free place: callers have fewer heaps than there are. The registry's mutex is held. */
static unsigned take_place(void) {
    if (registry_sign.n_fresh < PLACES) return registry_sign.n_fresh++;
    unsigned place = queue[queue_first];
    queue_first = (queue_first + 1) % PLACES;
    queue_length--;
    return place;
}

static void return_place(unsigned place) {
    queue[(queue_first + queue_length) % PLACES] = (uint16_t)place;
    queue_length++;
}

/* The heap of a place has been made. False: it is not guarded, and was to be by its options. */
static bool guard(struct place *p, struct heap *h, const rm_heap_options_t *o) {
    struct settings settings;
    int saved = errno;
    unsigned by = guard_wanted(o, &settings);
    p->guard = NULL;
    if (by == 0) return true;
    p->guard = guard_create(h, p->low, p->bytes, by, &settings);
    if (p->guard == NULL) {
        if (o->integrity || o->fence_every != 0) return false;
        errno = saved; /* the environment asks for what can be had */
    }
    return true;
}

/* Let calls in: by the public gate, unless the heap is guarded. */
static void open_gates(unsigned place, struct heap *h) {
    struct place *p = &places[place];
    uint32_t live = registry_live(h->tag);
    p->gate.heap = (struct rm_core *)h;
    p->gate.shared = registry_gate_word(h);
    __atomic_store_n(&p->gate.tag, live, __ATOMIC_RELEASE);
    if (p->guard != NULL && !guard_is_open(p->guard)) return;
    rm_gates[place].heap = p->gate.heap;
    rm_gates[place].shared = p->gate.shared;
    __atomic_store_n(&rm_gates[place].tag, live, __ATOMIC_RELEASE);
}

/* Make the heap of a place that has been taken. */
static rm_status_t fill_place(unsigned place, const rm_heap_options_t *o, uint64_t *tag) {
    struct place *p = &places[place];
    struct region region;
    bool refused;
    size_t structure = heap_structure(o->size);
    char *top = region_init(&region, o->memory, o->size, structure, &refused);
    if (top == NULL) return refused ? RM_ESYSTEM : RM_ENOMEM;
    *tag = registry_tag(place, p->uses);
    struct heap *h = (struct heap *)top;
    memset(h, 0, sizeof *h);
    h->tag = *tag;
    h->store.crowd = &p->crowd;
    h->compaction = o->compaction;
    h->shared = o->threads != RM_THREADS_NONE;
    h->region = region;
    heap_init(h, o->size);
    region_open(&h->region, &h->store, top, registry_first_generation(p->uses));
    p->uses++;
    p->low = region.low;
    p->bytes = region.bytes;
    p->pages = region.pages;
    p->crowd = (struct crowd){.caches = NULL};
    p->watch = NULL;
    p->corrupt = false;
    if (!guard(p, h, o)) {
        if (p->pages) os_unreserve(p->low, p->bytes);
        return RM_ESYSTEM;
    }
    p->bounds = bounds_of(h);
    open_gates(place, h);
    return RM_OK;
}

static rm_status_t create(const rm_heap_options_t *options, uint64_t *tag) {
    if (!prepare()) return RM_ESYSTEM;
    /* Before the first heap is there: of a process with one thread the system asks little then. */
    static bool opened;
    if (!opened) os_barrier_open();
    opened = true;
    unsigned place = take_place();
    rm_status_t status = fill_place(place, options, tag);
    if (status != RM_OK) return_place(place);
    return status;
}

rm_status_t registry_create(const rm_heap_options_t *options, uint64_t *tag) {
    rm_status_t status = RM_ENOMEM;
    pthread_mutex_lock(&registry_mutex);
    if (n_created < RM_HEAPS_MAX) status = create(options, tag);
    if (status == RM_OK) n_created++;
    pthread_mutex_unlock(&registry_mutex);
    return status;
}

/* A heap that goes is not looked at: it may be damaged. */
bool registry_destroy(uint64_t tag) {
    pthread_mutex_lock(&registry_mutex);
    struct place *p = find(tag);
    bool found = p != NULL;
    if (found) {
        bool locked = registry_concurrent(&p->gate);
        uint32_t state = p->gate.tag;
        if (locked) take_mutex(p);
        cache_forget(
            &p->crowd); /* before: a thread that ends meanwhile sees either, or waits */
        __atomic_store_n(&rm_gates[p - places].tag, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&p->gate.tag, 0, __ATOMIC_RELEASE);
        if (p->guard != NULL) guard_destroy(p->guard);
        p->guard = NULL;
        if (state == atomic_load_explicit(&registry_default_state, memory_order_relaxed))
            atomic_store_explicit(&registry_default_state, 0, memory_order_release);
        else
            n_created--;
        if (p->pages) os_unreserve(p->low, p->bytes);
        return_place((unsigned)(p - places));
        if (locked) pthread_mutex_unlock(&p->mutex);
    }
    pthread_mutex_unlock(&registry_mutex);
    return found;
}

rm_status_t registry_default(uint64_t *tag) {
    uint32_t state = atomic_load_explicit(&registry_default_state, memory_order_acquire);
    *tag = state & bit_mask(TAG_BITS);
    if (likely(state != 0)) return RM_OK;
    pthread_mutex_lock(&registry_mutex);
    rm_status_t status = RM_OK;
    state = atomic_load_explicit(&registry_default_state, memory_order_relaxed);
    if (state != 0) {
        *tag = state & bit_mask(TAG_BITS);
    } else {
        const rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        status = create(&options, tag);
        if (status == RM_OK)
            atomic_store_explicit(&registry_default_state, (uint32_t)*tag | RM_GATE_LIVE,
                                  memory_order_release);
    }
    pthread_mutex_unlock(&registry_mutex);
    return status;
}
