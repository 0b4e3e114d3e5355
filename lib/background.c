/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "os.h"
#include "watch.h"

/* A step, in bytes of work: some microseconds. And how nice the thread is to others. */
enum { STEP = 32 * 1024, NICE = 10, NS = 1000 * 1000 * 1000 };
/* How fast it gets tired of a heap that somebody is inside of (os_wait). */
enum { MISSED = 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bell;
static bool made; /* the bell is there */
static pthread_t thread;
static bool running;      /* the thread is there */
static bool rung;         /* a heap needs it */
static uintptr_t current; /* which one it is, by number: any other is to end */
static bool at_exit;      /* the program ends: there will be no more of it */
/* The heaps that there are, anywhere below n_places. */
static struct {
    uint64_t tag;
    bool used;
    struct watch watch; /* the heap's; it has the mutex of that */
} places[RM_HEAPS_MAX + 1];
static unsigned n_places, n_heaps;

/* --- its work --- */

/* One step in a heap. Returns whether there is more to do at once; `*again` becomes the time at which there may
   be. */
static bool step(uint64_t tag, uint64_t *again, unsigned *missed) {
    struct access a;
    bool shared;
    sched_yield();                /* rather here than with the mutex held */
    if (!registry_try(tag, &a)) { /* somebody is inside: in a moment */
        os_wait(MISSED * (*missed)++);
        return registry_exists(tag, &shared) && registry_refused(tag, RM_OK) == RM_OK;
    }
    *missed = 0;
    if (registry_damaged(&a)) {
        registry_freeze(&a);
        return false;
    }
    struct heap *h = a.heap;
    struct watch *w = *registry_watch(&a);
    bool more = false;
    if (w->awake && w->paused > 0) w->awake = false;
    if (w->awake || watch_wakes(h, w)) {
        uint64_t begun = os_now_ns();
        size_t moved = h->store.moved;
        h->sparing = true;
        if (a.how & ACCESS_GUARDED) guard_spare(a.guard);
        bool complete = heap_compact(h, STEP, 0, registry_waiting(&a)), stood;
        h->sparing = false;
        uint64_t now = os_now_ns();
        stood = h->store.table.motion == 0 && h->store.crowd->holders > 0;
        w->steps++;
        w->moved += h->store.moved - moved;
        w->nanoseconds += now - begun;
        more = watch_goes_on(h, w, complete, stood, now);
    }
    uint64_t then = watch_again(w);
    if (then < *again) *again = then;
    registry_leave(&a);
    registry_let_in(tag);
    return more;
}

/* A step in each heap; returns whether there is more to do. */
static bool round_of_all(uintptr_t number, uint64_t *again, unsigned *missed) {
    bool more = false;
    for (unsigned i = 0;; i++) {
        pthread_mutex_lock(&mutex);
        bool last = current != number || i >= n_places, used = !last && places[i].used;
        uint64_t tag = used ? places[i].tag : 0;
        pthread_mutex_unlock(&mutex);
        if (last) return more;
        if (used) more |= step(tag, again, missed);
    }
}

static struct timespec time_of(uint64_t ns) {
    return (struct timespec){(time_t)(ns / NS), (long)(ns % NS)};
}

static void *work(void *context) {
    const uintptr_t number = (uintptr_t)context;
    unsigned missed = 0;
    os_be_nice(NICE);
    pthread_mutex_lock(&mutex);
    while (current == number) {
        rung = false;
        pthread_mutex_unlock(&mutex);
        uint64_t again = UINT64_MAX;
        bool more = round_of_all(number, &again, &missed);
        pthread_mutex_lock(&mutex);
        struct timespec until = time_of(again);
        while (current == number && !rung && !more) {
            if (again == UINT64_MAX)
                pthread_cond_wait(&bell, &mutex);
            else if (pthread_cond_timedwait(&bell, &mutex, &until) != 0)
                break;
        }
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* --- beginning and end --- */

/* In a forked child anew, since threads that are not there waited for it. */
static bool make_bell(void) {
    pthread_condattr_t clock;
    if (made) return true;
    int error = pthread_condattr_init(&clock);
    if (error == 0) {
        error = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        if (error == 0) error = pthread_cond_init(&bell, &clock);
        pthread_condattr_destroy(&clock);
    }
    if (error != 0) errno = error;
    made = error == 0;
    return made;
}

/* With the mutex held. False: the system refuses. */
static bool begin(void) {
    sigset_t all, before;
    if (running) return true;
    if (at_exit || !make_bell()) return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, work, (void *)current);
    running = error == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) errno = error;
    return running;
}

/* The same; it is given back meanwhile. */
static void end(void) {
    if (!running) return;
    pthread_t ended = thread;
    current++;
    running = false;
    pthread_cond_broadcast(&bell);
    pthread_mutex_unlock(&mutex);
    pthread_join(ended, NULL);
    pthread_mutex_lock(&mutex);
}

/* No thread could be begun, in a forked child: who is awake waits for nobody. It asks again later. */
static void put_off(void) {
    for (unsigned i = 0;; i++) {
        struct access a;
        pthread_mutex_lock(&mutex);
        bool last = running || i >= n_places, used = !last && places[i].used;
        uint64_t tag = used ? places[i].tag : 0;
        pthread_mutex_unlock(&mutex);
        if (last) return;
        if (!used || !registry_enter(tag, &a)) continue;
        if (registry_damaged(&a)) {
            registry_freeze(&a);
            continue;
        }
        watch_put_off(*registry_watch(&a), os_now_ns());
        registry_leave(&a);
    }
}

static void ring(void) {
    pthread_mutex_lock(&mutex);
    rung = true;
    bool nobody = n_heaps > 0 && !begin() && !at_exit;
    if (!nobody) pthread_cond_signal(&bell);
    pthread_mutex_unlock(&mutex);
    if (nobody) put_off();
}

__attribute__((destructor)) static void end_with_program(void) {
    pthread_mutex_lock(&mutex);
    at_exit = true;
    end();
    pthread_mutex_unlock(&mutex);
}

/* --- fork --- */

static void before_fork(void) { pthread_mutex_lock(&mutex); }
static void after_fork(void) { pthread_mutex_unlock(&mutex); }
static void in_child(void) {
    running = made = false; /* nobody has come along; whoever rings begins anew */
    for (unsigned i = 0; i < n_places; i++) places[i].watch.awake = false;
    pthread_mutex_unlock(&mutex);
}

/* Before the registry in a fork: who has this mutex may not have, but may enter a heap. */
__attribute__((constructor(REGISTRY_CONSTRUCTOR))) static void prepare(void) {
    static const struct registry_fork forks = {before_fork, after_fork, in_child};
    registry_fork = &forks;
    atomic_store(&registry_alarm, ring);
}

/* --- heaps --- */

bool background_add(uint64_t tag, const rm_watermarks_t *marks) {
    unsigned i = 0;
    pthread_mutex_lock(&mutex);
    bool added = begin();
    if (added) {
        while (places[i].used) i++;
        places[i].tag = tag;
        places[i].watch = (struct watch){.marks = *marks};
        *registry_watch_of(tag) = &places[i].watch; /* nobody else has that heap yet */
        places[i].used = true;
        if (i == n_places) n_places++;
        n_heaps++;
    }
    pthread_mutex_unlock(&mutex);
    return added;
}

void background_remove(uint64_t tag) {
    pthread_mutex_lock(&mutex);
    unsigned i = 0;
    while (i < n_places && !(places[i].used && places[i].tag == tag)) i++;
    if (i < n_places) {
        places[i].used = false;
        if (--n_heaps == 0) end();
    }
    pthread_mutex_unlock(&mutex);
}
