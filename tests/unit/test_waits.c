/* SPDX-License-Identifier: MIT */
/*
 * A call waits for a heap's mutex, and then the heap is another thing: gone, found to be damaged by somebody else, or
 * damaged. So for each call of the library. The mutex is the test's meanwhile; that a call waits is seen by its
 * thread being asleep. And a call lets others in: it is met when it has given the mutex back.
 */
#include <glib.h>
#include <rmalloc.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../api/asleep.h"
#include "os.h"
#include "threads.h"

enum { SIZE = 4 << 20, LARGE = 100000 };

/* --- a heap, and a thread that calls --- */

/* How the block is that the call is about. */
enum state { PLAIN, MOVING, FULL, MANY };
enum fate { GONE, FROZEN, DAMAGED, N_FATES };

/* Where the thread's story is: what it keeps is its own; the test has the mutex; its call has returned. */
enum chapter { BEGUN, KEPT, TAKEN, OVER };

struct wait {
    char *memory; /* NULL: it is the heap's own, and goes with it */
    rm_heap_t *heap;
    rm_memory_t *block;
    rm_status_t (*call)(struct wait *);
    rm_status_t status;
    uint64_t idle;        /* what rm_heap_idle has said */
    _Atomic pid_t thread; /* that calls; 0: not yet */
    _Atomic unsigned chapter;
    pthread_t pthread;
};

static uint64_t tag_of(const struct wait *w) { return (uintptr_t)w->heap >> 4; }
static struct place *place_of(const struct wait *w) {
    return (struct place *)(uintptr_t)&registry_sign.places[registry_place(tag_of(w))];
}
static struct heap *heap_of(const struct wait *w) {
    return (struct heap *)place_of(w)->gate.heap;
}

static void open_heap_in(struct wait *w, char *memory, size_t size, enum state state) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    w->memory = memory;
    options.memory = w->memory;
    options.size = SIZE;
    g_assert_cmpint(rm_heap_create(&w->heap, &options), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(w->heap, &w->block, size, 0, 0), ==, RM_OK);
    struct table *t = &heap_of(w)->store.table;
    uint32_t slot = handle_slot((uintptr_t)w->block);
    uint64_t e = table_entry(t, slot);
    if (state == MOVING) {
        e = entry_with_locks(e, LOCKS_MOVING);
        heap_of(w)->store.mover.slot = slot;
    }
    if (state == FULL) e = entry_with_locks(e, LOCKS_NONE + LOCKS_FEW);
    if (state == MANY) e = entry_with_many(e, 0);
    table_set(t, slot, e);
}

static void open_heap(struct wait *w, size_t size, enum state state) {
    open_heap_in(w, g_malloc0(SIZE), size, state);
}

static void close_heap(struct wait *w, enum fate fate) {
    if (fate != GONE) g_assert_cmpint(rm_heap_destroy(w->heap), ==, RM_OK);
    g_free(w->memory);
}

static void *run(void *context) {
    struct wait *w = context;
    atomic_store(&w->thread, (pid_t)syscall(SYS_gettid));
    w->status = w->call(w);
    atomic_store(&w->chapter, OVER);
    return NULL;
}

/* Somebody waits for the heap, and that is the thread. */
static void await_sleep(struct wait *w) {
    pid_t thread;
    while ((thread = atomic_load(&w->thread)) == 0 ||
           atomic_load(&place_of(w)->waiting) == 0 || !is_asleep(thread))
        sched_yield();
}

/* The heap goes while the test has its mutex: it is one that is not shared, then. */
static void end_heap(struct wait *w) {
    place_of(w)->gate.shared &= ~UINT32_C(1);
    g_assert_cmpint(rm_heap_destroy(w->heap), ==, RM_OK);
}

static void meet_fate(struct wait *w, enum fate fate) {
    struct access a = {.place = registry_place(tag_of(w)), .heap = heap_of(w)};
    if (fate == GONE) end_heap(w);
    if (fate == FROZEN) g_assert_cmpint(registry_freeze(&a), ==, RM_ECORRUPT);
    if (fate == DAMAGED) heap_of(w)->store.table.room ^= 2;
}

static void start(struct wait *w) {
    atomic_store(&w->thread, 0);
    atomic_store(&w->chapter, BEGUN);
    g_assert_cmpint(pthread_create(&w->pthread, NULL, run, w), ==, 0);
}

static rm_status_t wait_for(struct wait *w, enum fate fate) {
    pthread_mutex_t *mutex = &place_of(w)->mutex;
    pthread_mutex_lock(mutex);
    start(w);
    await_sleep(w);
    meet_fate(w, fate);
    pthread_mutex_unlock(mutex);
    g_assert_cmpint(pthread_join(w->pthread, NULL), ==, 0);
    return w->status;
}

/* --- the calls --- */

static rm_status_t alloc_small(struct wait *w) {
    rm_memory_t *made = w->block;
    rm_status_t status = rm_heap_alloc(w->heap, &made, 40, 0, 0);
    g_assert_null(made);
    return status;
}
static rm_status_t alloc_aligned(struct wait *w) {
    rm_memory_t *made = w->block;
    rm_status_t status = rm_heap_alloc(w->heap, &made, 40, 64, 0);
    g_assert_null(made);
    return status;
}
static rm_status_t resize(struct wait *w) { return rmrealloc(w->block, 50); }
static rm_status_t release(struct wait *w) { return rmfree(w->block); }
static rm_status_t lock(struct wait *w) {
    void *pointer;
    return rmlock(w->block, &pointer);
}
static rm_status_t peek(struct wait *w) {
    void *pointer;
    return rmpeek(w->block, &pointer);
}
static rm_status_t size(struct wait *w) {
    size_t bytes;
    return rmsize(w->block, &bytes);
}
static rm_status_t locks(struct wait *w) {
    unsigned count;
    return rmlocks(w->block, &count);
}
static rm_status_t which(struct wait *w) {
    rm_heap_t *heap;
    return rmheap(w->block, &heap);
}
static rm_status_t unlock(struct wait *w) { return rmunlock(w->block); }

static rm_status_t compact(struct wait *w) {
    return rm_heap_compact(w->heap, NULL, NULL);
}
static rm_status_t trim(struct wait *w) { return rm_heap_trim(w->heap); }
static rm_status_t largest(struct wait *w) {
    size_t bytes;
    return rm_heap_largest(w->heap, true, &bytes);
}
static rm_status_t hold(struct wait *w) { return rm_heap_hold(w->heap); }
static rm_status_t suspend(struct wait *w) { return rm_heap_pause(w->heap); }
static rm_status_t stats(struct wait *w) {
    rm_stats_t is;
    return rm_heap_stats(w->heap, &is);
}
static rm_status_t stats_now(struct wait *w) {
    rm_stats_t is;
    return rm_heap_stats_quick(w->heap, &is);
}
static bool never(const rm_span_t *span, void *context) {
    (void)span, (void)context;
    g_assert_not_reached();
}
static rm_status_t walk(struct wait *w) { return rm_heap_walk(w->heap, never, NULL); }
static rm_status_t check(struct wait *w) { return rm_heap_check(w->heap, NULL); }
/* It says how much is left: nothing. */
static rm_status_t idle(struct wait *w) {
    g_assert_cmpuint(rm_heap_idle(w->heap, UINT64_MAX), ==, 0);
    return RM_OK;
}

static const struct {
    const char *name;
    rm_status_t (*call)(struct wait *);
    size_t size;
    enum state state;
    rm_status_t gone, damaged;
} calls[] = {
    {"alloc", alloc_small, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"alloc, aligned", alloc_aligned, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"realloc", resize, 40, PLAIN, RM_EHANDLE, RM_ECORRUPT},
    {"free", release, 40, PLAIN, RM_EHANDLE, RM_ECORRUPT},
    {"lock, moving", lock, 40, MOVING, RM_EHANDLE, RM_ECORRUPT},
    {"lock, the fourth", lock, 40, FULL, RM_EHANDLE, RM_ECORRUPT},
    {"unlock, moving", unlock, 40, MOVING, RM_EHANDLE, RM_ECORRUPT},
    {"peek, moving", peek, 40, MOVING, RM_EHANDLE, RM_ECORRUPT},
    {"size, moving", size, 40, MOVING, RM_EHANDLE, RM_ECORRUPT},
    {"size, of a large one", size, LARGE, PLAIN, RM_EHANDLE, RM_ECORRUPT},
    {"size, of many locks", size, 40, MANY, RM_EHANDLE, RM_ECORRUPT},
    {"locks, moving", locks, 40, MOVING, RM_EHANDLE, RM_ECORRUPT},
    {"heap, moving", which, 40, MOVING, RM_EHANDLE, RM_ECORRUPT},
    {"compact", compact, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"trim", trim, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"largest", largest, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"hold", hold, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"pause", suspend, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"stats", stats, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"stats, quick", stats_now, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"walk", walk, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"check", check, 40, PLAIN, RM_EINVAL, RM_ECORRUPT},
    {"idle", idle, 40, PLAIN, RM_OK, RM_OK},
};

static void test_calls(void) {
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
        for (enum fate fate = GONE; fate < N_FATES; fate++) {
            struct wait w = {.call = calls[i].call};
            open_heap(&w, calls[i].size, calls[i].state);
            rm_status_t status = wait_for(&w, fate);
            if (status != (fate == GONE ? calls[i].gone : calls[i].damaged))
                g_error("%s: status %d (fate %d)", calls[i].name, (int)status, (int)fate);
            close_heap(&w, fate);
        }
}

/* The same of a heap whose memory is gone with it: nothing of it is touched. */
static void test_unmapped(void) {
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        struct wait w = {.call = calls[i].call};
        open_heap_in(&w, NULL, calls[i].size, calls[i].state);
        g_assert_cmpint(wait_for(&w, GONE), ==, calls[i].gone);
        close_heap(&w, GONE);
    }
}

/* One that need not wait finds the damage itself, and so does each that comes after it. */
static void test_alone(void) {
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        struct wait w = {.call = calls[i].call};
        open_heap(&w, calls[i].size, calls[i].state);
        meet_fate(&w, DAMAGED);
        for (unsigned k = 0; k < 2; k++) {
            start(&w);
            g_assert_cmpint(pthread_join(w.pthread, NULL), ==, 0);
            if (w.status != calls[i].damaged)
                g_error("%s: status %d", calls[i].name, (int)w.status);
        }
        close_heap(&w, DAMAGED);
    }
}

/* --- what becomes of a block while it is waited for --- */

static void test_changed(void) {
    struct wait w;
    for (unsigned which = 0; which < 3; which++) {
        w = (struct wait){.call = which == 2 ? size : release};
        open_heap(&w, which == 2 ? LARGE : 40, PLAIN);
        struct table *t = &heap_of(&w)->store.table;
        uint32_t slot = handle_slot((uintptr_t)w.block);
        pthread_mutex_lock(&place_of(&w)->mutex);
        start(&w);
        await_sleep(&w);
        if (which == 0)
            table_set(t, slot, table_entry(t, slot) + ENTRY_LOCK_ONE);
        else
            table_set(t, slot,
                      table_entry(t, slot) + ((uint64_t)1 << ENTRY_GENERATION_SHIFT));
        pthread_mutex_unlock(&place_of(&w)->mutex);
        g_assert_cmpint(pthread_join(w.pthread, NULL), ==, 0);
        g_assert_cmpint(w.status, ==, which == 0 ? RM_ELOCKED : RM_EHANDLE);
        close_heap(&w, DAMAGED);
    }
}

/* A heap goes when nobody is inside any more. */
static rm_status_t destroy(struct wait *w) { return rm_heap_destroy(w->heap); }

static void test_destroyed(void) {
    struct wait w = {.call = destroy};
    open_heap(&w, 40, PLAIN);
    pthread_mutex_t *mutex = &place_of(&w)->mutex;
    pthread_mutex_lock(mutex);
    start(&w);
    while (atomic_load(&place_of(&w)->waiting) == 0)
        g_assert_cmpuint(atomic_load(&w.chapter), ==, BEGUN);
    await_sleep(&w);
    g_assert_cmpuint(place_of(&w)->gate.tag, !=, 0);
    pthread_mutex_unlock(mutex);
    g_assert_cmpint(pthread_join(w.pthread, NULL), ==, 0);
    g_assert_cmpint(w.status, ==, RM_OK);
    close_heap(&w, GONE);
}

/* --- a thread ends, and has something of the heap --- */

static struct cache *cache_in(const struct wait *w) { return place_of(w)->crowd.caches; }

static rm_status_t keep(struct wait *w) {
    rm_memory_t *made;
    g_assert_cmpint(rm_heap_alloc(w->heap, &made, 40, 0, 0), ==, RM_OK);
    g_assert_cmpint(rmfree(made), ==, RM_OK);
    struct cache *c = threads_cache(registry_live(tag_of(w)));
    g_assert_true(c != NULL && cache_bytes(c) > 0);
    atomic_store(&w->chapter, KEPT);
    while (atomic_load(&w->chapter) != TAKEN) sched_yield();
    return RM_OK;
}

static void test_thread_ends(void) {
    for (enum fate fate = GONE; fate < N_FATES; fate++) {
        struct wait w = {.call = keep};
        open_heap(&w, 40, PLAIN);
        g_assert_cmpint(rm_heap_alloc(w.heap, &w.block, LARGE, 64, 0), ==, RM_OK);
        struct cache *own = cache_in(&w);
        start(&w);
        while (atomic_load(&w.chapter) != KEPT) sched_yield();
        pthread_mutex_lock(&place_of(&w)->mutex);
        atomic_store(&w.chapter, TAKEN);
        await_sleep(&w);
        g_assert_true(cache_in(&w) != own);
        meet_fate(&w, fate);
        pthread_mutex_unlock(&place_of(&w)->mutex);
        g_assert_cmpint(pthread_join(w.pthread, NULL), ==, 0);
        if (fate != GONE) g_assert_true(cache_in(&w) == own); /* it is nobody's */
        close_heap(&w, fate);
    }
}

/* --- a heap ends under a call that lets others in --- */

static rm_status_t compact_patiently(struct wait *w) {
    const rm_budget_t budget = {0, UINT64_C(60000000000)};
    return rm_heap_compact(w->heap, &budget, NULL);
}

/* Something to compact: every other block of these is gone. */
static void perforate(struct wait *w, unsigned blocks) {
    enum { BLOCKS = 1000, EACH = 1000 };
    rm_memory_t *made[BLOCKS];
    for (unsigned i = 0; i < blocks; i++)
        g_assert_cmpint(rm_heap_alloc(w->heap, &made[i], EACH, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < blocks; i += 2) g_assert_cmpint(rmfree(made[i]), ==, RM_OK);
}

/* Who lets others in by giving this mutex back goes on when one of them has had it. */
static pthread_mutex_t *_Atomic let_in;
static _Atomic bool is_let_in, has_had;
/* Or, in the same thread: nobody waits any more when the mutex of this place is given back. */
static struct place *given;
static unsigned n_given;

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    pthread_mutex_t *expected = mutex;
    int error = __real_pthread_mutex_unlock(mutex);
    if (given != NULL && mutex == &given->mutex) {
        atomic_store(&given->waiting, 0);
        n_given++;
    }
    if (!atomic_compare_exchange_strong(&let_in, &expected, NULL)) return error;
    atomic_store(&is_let_in, true);
    while (!atomic_load(&has_had)) sched_yield();
    return error;
}

static rm_status_t idle_long(struct wait *w) {
    w->idle = rm_heap_idle(w->heap, UINT64_MAX);
    return RM_OK;
}
enum { BRIEFLY = 20 * 1000 * 1000 }; /* ns */
static rm_status_t idle_briefly(struct wait *w) {
    w->idle = rm_heap_idle(w->heap, os_now_ns() + BRIEFLY);
    return RM_OK;
}

/* A call that lets somebody in finds that the heap is gone; or, where it stays, that its time
   is over by then. So, too, where somebody reads, and nothing may move. */
enum fashion { GOES, STAYS, READ };
static void let_in_by(rm_status_t (*call)(struct wait *), enum fashion fashion,
                      rm_status_t status, uint64_t left) {
    bool stays = fashion == STAYS;
    struct wait w = {.call = call};
    open_heap_in(&w, stays ? g_malloc0(SIZE) : NULL, 40, PLAIN);
    perforate(&w, 1000);
    if (fashion == READ) g_assert_cmpint(rm_heap_hold(w.heap), ==, RM_OK);
    pthread_mutex_t *mutex = &place_of(&w)->mutex;
    atomic_store(&is_let_in, false);
    atomic_store(&has_had, false);
    atomic_store(&let_in, mutex);
    atomic_fetch_add(&place_of(&w)->waiting, 1);
    start(&w);
    while (!atomic_load(&is_let_in)) sched_yield();
    pthread_mutex_lock(mutex);
    atomic_store(&has_had, true);
    if (!stays) end_heap(&w);
    while (stays && atomic_load(&w.chapter) != OVER) sched_yield();
    pthread_mutex_unlock(mutex);
    g_assert_cmpint(pthread_join(w.pthread, NULL), ==, 0);
    atomic_fetch_sub(&place_of(&w)->waiting, 1);
    g_assert_cmpint(w.status, ==, status);
    g_assert_cmpuint(w.idle, ==, left);
    close_heap(&w, stays ? DAMAGED : GONE);
}

static void test_let_in(void) {
    let_in_by(compact, GOES, RM_EINVAL, 0);
    let_in_by(compact_patiently, READ, RM_EINVAL, 0);
    let_in_by(idle_long, GOES, RM_OK, 0);
    let_in_by(idle_briefly, STAYS, RM_OK, 1);
}

/* Somebody waits all the time, and has nothing done. A budget is not spent on waiting for ever. */
static void test_tired(void) {
    static const rm_budget_t budgets[] = {{1 << 20, 0}, {0, 1000 * 1000}};
    for (unsigned i = 0; i < G_N_ELEMENTS(budgets); i++) {
        struct wait w = {.call = keep};
        rm_progress_t progress = {.complete = true};
        void *pointer;
        open_heap(&w, 40, PLAIN);
        perforate(&w, 1000);
        g_assert_cmpint(rmlock(w.block, &pointer), ==, RM_OK);
        atomic_fetch_add(&place_of(&w)->waiting, 1);
        g_assert_cmpint(rm_heap_compact(w.heap, &budgets[i], &progress), ==, RM_OK);
        atomic_fetch_sub(&place_of(&w)->waiting, 1);
        g_assert_false(progress.complete);
        close_heap(&w, DAMAGED);
    }
}

/* Somebody waits, and no more when he has been let in: a call goes on then, if its budget lasts. So often it gives the
   mutex back. */
static void test_budgets(void) {
    static const struct {
        rm_budget_t budget;
        bool complete;
        unsigned n_given;
    } cases[] = {{{0, 0}, true, 2},
                 {{1 << 20, 0}, true, 2},
                 {{0, UINT64_C(60000000000)}, true, 2},
                 {{1 << 20, UINT64_C(60000000000)}, true, 2},
                 {{0, 1}, false, 1},
                 {{1 << 20, 1}, false, 1}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct wait w = {.call = keep};
        rm_progress_t progress;
        open_heap(&w, 40, PLAIN);
        perforate(&w, 40);
        n_given = 0;
        atomic_store(&place_of(&w)->waiting, 1);
        given = place_of(&w);
        g_assert_cmpint(rm_heap_compact(w.heap, &cases[i].budget, &progress), ==, RM_OK);
        given = NULL;
        g_assert_cmpint(progress.complete, ==, cases[i].complete);
        g_assert_cmpuint(n_given, ==, cases[i].n_given);
        close_heap(&w, DAMAGED);
    }
}

static void *nothing(void *context) { return context; }

int main(int argc, char **argv) {
    pthread_t thread;
    g_test_init(&argc, &argv, NULL);
    alarm(100);
    /* From the first thread on mutexes are taken. */
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_test_add_func("/waits/calls", test_calls);
    g_test_add_func("/waits/unmapped", test_unmapped);
    g_test_add_func("/waits/alone", test_alone);
    g_test_add_func("/waits/changed", test_changed);
    g_test_add_func("/waits/destroyed", test_destroyed);
    g_test_add_func("/waits/thread-ends", test_thread_ends);
    g_test_add_func("/waits/let-in", test_let_in);
    g_test_add_func("/waits/tired", test_tired);
    g_test_add_func("/waits/budgets", test_budgets);
    return g_test_run();
}
