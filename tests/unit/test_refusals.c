/* SPDX-License-Identifier: MIT */
/*
 * What the system refuses is said, and nothing is half there; what need not be had is done without. The background
 * thread: there is one, as long as a heap needs it. (tests/faults refuses all requests of whole programs.)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "background.h"
#include "guarded.h"
#include "inject.h"
#include "listed.h"
#include "os.h"
#include "watch.h"

enum { ERRNO = 77, NS_MS = 1000 * 1000 };

static void refuse(enum system_request request, unsigned choice, bool forever) {
    inject_begin(&(struct fault){1, forever, choice, 1u << request});
}

static uint64_t tag_of(rm_heap_t *heap) { return (uintptr_t)heap >> 4; }
static struct place *place_of(rm_heap_t *heap) {
    return (struct place *)(uintptr_t)&registry_sign.places[registry_place(tag_of(heap))];
}
static rm_heap_t *make_heap(rm_compaction_t compaction) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    options.compaction = compaction;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    return heap;
}
static void end_heap(rm_heap_t *heap) {
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* --- the system's doors --- */

static void test_pages(void) {
    size_t page = os_page();
    char *memory = os_reserve(page);
    g_assert_nonnull(memory);
    g_assert_true(os_commit(memory, page));
    errno = ERRNO;
    refuse(REQUEST_ADVISE, 0, true);
    os_prefer_huge(memory, page);
    os_avoid_huge(memory, page);
    inject_end();
    g_assert_cmpint(errno, ==, ERRNO); /* it is advice */
    refuse(REQUEST_RELEASE, 0, false);
    g_assert_false(os_uncommit(memory, page));
    inject_end();
    memory[0] = 1; /* it is there still */
    char *other = os_reserve(page);
    g_assert_nonnull(other);
    unsigned asked = injected->asked[REQUEST_RELEASE];
    os_unreserve(other, page);
    g_assert_cmpuint(injected->asked[REQUEST_RELEASE], ==, asked);
    refuse(REQUEST_UNMAP, 0, false);
    os_unreserve(memory, page);
    inject_end();
    g_assert_cmpint(memory[0], ==, 0); /* so there is nothing in it, at least */
}

/* What the table needs no more, and the system does not take, is not said to be given back. */
static void test_table(void) {
    enum { MANY = 40000 };
    static rm_memory_t *blocks[MANY];
    rm_heap_t *heap = make_heap(RM_COMPACT_MANUAL);
    struct heap *h = (struct heap *)place_of(heap)->gate.heap;
    h->store.ebb.next = UINT64_MAX; /* nothing goes back meanwhile */
    h->store.ebb.large = SIZE_MAX;
    for (unsigned i = 0; i < MANY; i++)
        g_assert_cmpint(rm_heap_alloc(heap, &blocks[i], 1, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < MANY; i++) g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    heap_settle(h);
    g_assert_true(table_shrink(&h->store.table, false));
    const char *table_end = h->region.table_end;
    g_assert_cmpuint(h->store.returned, ==, 0);
    refuse(REQUEST_RELEASE, 0, true);
    region_give_back(&h->region, &h->store, SIZE_MAX, false);
    inject_end();
    g_assert_true(h->region.table_end > table_end + os_page());
    g_assert_cmpuint(h->store.returned, ==, 0);
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    end_heap(heap);
}

#if defined(SYS_userfaultfd) && defined(UFFDIO_REGISTER_MODE_WP)
/* Does the system let pages change their place? */
static bool can_move(void) {
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
    struct uffdio_api api = {.api = UFFD_API, .features = 1 << 16};
    bool can = fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0;
    if (fd >= 0) close(fd);
    return can;
}

/* Each process has a descriptor of its own. */
static void test_mover(void) {
    size_t page = os_page();
    char *memory = os_reserve(page);
    bool can = can_move();
    int status;
    g_assert_nonnull(memory);
    unsigned before = n_descriptors();
    g_assert_cmpint(os_move_prepare(memory, page), ==, can);
    g_assert_cmpint(os_move_prepare(memory, page), ==, can);
    g_assert_cmpuint(n_descriptors() - before, ==, can); /* one is enough */
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        unsigned inherited = n_descriptors();
        bool prepared = os_move_prepare(memory, page);
        _exit(prepared == can && n_descriptors() - inherited == can ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    os_unreserve(memory, page);
}
#endif

/* Short of memory for a moment the system is asked again; the others need no fences of their own. */
static void test_barrier(void) {
    long has = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    os_barrier_open();
    g_assert_true(os_barrier_full ==
                  (has < 0 || !(has & MEMBARRIER_CMD_PRIVATE_EXPEDITED)));
    if (os_barrier_full) {
        g_test_skip("the system has no barriers");
        return;
    }
    os_barrier_seldom();
    g_assert_false(os_barrier_full);
    for (unsigned choice = 0; choice < 2; choice++) {
        unsigned opened = injected->asked[REQUEST_BARRIER_OPEN];
        refuse(REQUEST_BARRIER, choice, false);
        os_barrier_seldom();
        inject_end();
        g_assert_false(os_barrier_full);
        g_assert_cmpint(injected->reason == EPERM, ==, choice == 1);
        g_assert_cmpuint(injected->asked[REQUEST_BARRIER_OPEN] - opened, ==, choice);
    }
}

/* What it refuses for good is not asked for any more, whoever has found that. */
static int give_up(unsigned way) {
    unsigned asked = injected->asked[REQUEST_BARRIER];
    if (way == 0) refuse(REQUEST_BARRIER, 2, false); /* there is no such call */
    if (way == 1) refuse(REQUEST_BARRIER_OPEN, 0, false);
    if (way == 1) os_barrier_open();
    if (way == 2) os_barrier_full = true;
    os_barrier_seldom();
    inject_end();
    if (!os_barrier_full) return 1;
    return injected->asked[REQUEST_BARRIER] - asked == (way == 0) ? 0 : 2;
}
static void test_no_barrier(void) {
    for (unsigned way = 0; way < 3; way++) {
        int status;
        fflush(NULL);
        pid_t child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) _exit(give_up(way));
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_cmpint(status, ==, 0);
    }
}

/* --- heaps --- */

/* Of what guards a heap all is there, or there is no such heap. */
static void test_guards(void) {
    unsigned n_made = 0;
    g_setenv("RMALLOC_STRESS", "onchange:1", TRUE);
    for (unsigned k = 1; n_made == 0; k++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap;
        const unsigned all = GUARD_STRESS | GUARD_FENCE | GUARD_INTEGRITY;
        options.integrity = true;
        options.fence_every = 2;
        inject_begin(&(struct fault){k, false, 0, 1u << REQUEST_RESERVE});
        rm_status_t status = rm_heap_create(&heap, &options);
        inject_end();
        if (injected->n_asked < k) n_made++;
        if (status == RM_OK) {
            g_assert_cmpuint(place_of(heap)->guard->by, ==, all);
            end_heap(heap);
        } else {
            g_assert_cmpint(status, ==, RM_ESYSTEM);
        }
    }
    /* What the environment alone asks for is done without: after the heap's own memory the first is the guard's. */
    for (unsigned k = 2; k < 6; k++) {
        rm_heap_t *heap = NULL;
        inject_begin(&(struct fault){k, true, 0, 1u << REQUEST_RESERVE});
        rm_status_t status = rm_heap_create(&heap, NULL);
        inject_end();
        g_assert_cmpint(status, ==, RM_OK);
        end_heap(heap);
    }
    g_unsetenv("RMALLOC_STRESS");
}

/* What is not given back is said. */
static void test_trim(void) {
    rm_heap_t *heap = make_heap(RM_COMPACT_MANUAL);
    rm_memory_t *block;
    g_assert_cmpint(rm_heap_alloc(heap, &block, 1 << 20, 0, 0), ==, RM_OK);
    g_assert_cmpint(rmfree(block), ==, RM_OK);
    refuse(REQUEST_RELEASE, 0, true);
    rm_status_t status = rm_heap_trim(heap);
    inject_end();
    g_assert_cmpint(status, ==, RM_ESYSTEM);
    g_assert_cmpint(rm_heap_trim(heap), ==, RM_OK);
    end_heap(heap);
}

/* A key, by which the end of a thread is seen: why there is none is told. */
static void test_key(void) {
    rm_heap_t *heap = make_heap(RM_COMPACT_MANUAL);
    for (unsigned choice = 0; choice < inject_choices(REQUEST_KEY); choice++) {
        refuse(REQUEST_KEY, choice, true);
        errno = ERRNO;
        rm_status_t status = rm_heap_hold(heap);
        inject_end();
        g_assert_cmpint(status, ==, RM_ESYSTEM);
        g_assert_cmpint(errno, ==, injected->reason);
    }
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    end_heap(heap);
}

/* --- the background thread --- */

/* One that has been joined may still be listed for a moment. */
static void assert_threads(unsigned n) {
    for (unsigned i = 0; n_threads() != n && i < 1000; i++) g_usleep(1000);
    g_assert_cmpuint(n_threads(), ==, n);
}

static void test_one_thread(void) {
    unsigned before = n_threads();
    atomic_load (&registry_alarm)(); /* no heap needs it */
    g_assert_cmpuint(n_threads(), ==, before);
    rm_heap_t *first = make_heap(RM_COMPACT_BACKGROUND);
    rm_heap_t *second = make_heap(RM_COMPACT_BACKGROUND);
    rm_heap_t *third = make_heap(RM_COMPACT_BACKGROUND);
    rm_heap_t *other = make_heap(RM_COMPACT_MANUAL);
    g_assert_cmpuint(n_threads(), ==, before + 1);
    uint64_t tag = tag_of(second);
    end_heap(second);
    assert_threads(before + 1);
    background_remove(tag); /* it has gone */
    background_remove(tag);
    background_remove(tag_of(other)); /* it has never been there */
    background_remove(tag_of(other));
    assert_threads(before + 1);
    /* Where those were that are gone others come; it goes on looking at each. */
    for (unsigned i = 0; i < RM_HEAPS_MAX + 200; i++)
        end_heap(make_heap(RM_COMPACT_BACKGROUND));
    atomic_load (&registry_alarm)();
    g_usleep(2000);
    assert_threads(before + 1);
    end_heap(other);
    end_heap(third);
    assert_threads(before + 1);
    end_heap(first);
    assert_threads(before);
}

static uint64_t spent_ns(void) {
    struct timespec is;
    g_assert_cmpint(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &is), ==, 0);
    return (uint64_t)is.tv_sec * 1000000000u + (uint64_t)is.tv_nsec;
}

/* It sleeps where there is nothing to do, or not yet, also when it has been woken. */
static void test_sleeps(void) {
    enum { PAUSE_MS = 20, TURNS = 50 };
    rm_heap_t *heap = make_heap(RM_COMPACT_BACKGROUND);
    struct watch *w = place_of(heap)->watch;
    for (unsigned turn = 0; turn < 3; turn++) {
        bool slept = false;
        if (turn == 2) w->not_before = os_now_ns() + UINT64_C(100000000000);
        for (unsigned i = 0; !slept && i < TURNS; i++) {
            uint64_t before = spent_ns();
            if (turn > 0) atomic_load (&registry_alarm)();
            g_usleep(PAUSE_MS * 1000);
            slept = spent_ns() - before < PAUSE_MS * NS_MS / 8;
        }
        g_assert_true(slept);
    }
    g_assert_cmpuint(w->steps, ==, 0);
    end_heap(heap);
}

/* A heap with much to do, which may not be touched yet. */
static rm_heap_t *make_gaps(void) {
    enum { BLOCKS = 2000, SIZE = 1000 };
    rm_heap_t *heap = make_heap(RM_COMPACT_BACKGROUND);
    rm_memory_t *blocks[BLOCKS];
    g_assert_cmpint(rm_heap_pause(heap), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++)
        g_assert_cmpint(rm_heap_alloc(heap, &blocks[i], SIZE, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    return heap;
}

#define AWAIT(condition)                                                                 \
    do {                                                                                 \
        for (unsigned n = 0; !(condition) && n < 5000; n++) g_usleep(1000);              \
        g_assert_true(condition);                                                        \
    } while (0)

/* Somebody is inside when it comes, or reads: it comes again by itself. */
static void test_again(void) {
    for (unsigned reads = 0; reads < 2; reads++) {
        rm_heap_t *heap = make_gaps();
        rm_heap_t *other = make_heap(RM_COMPACT_BACKGROUND); /* it need not come there */
        struct place *p = place_of(heap);
        volatile struct watch *w = p->watch;
        if (reads) g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
        pthread_mutex_lock(&p->mutex);
        w->paused = 0;
        w->awake = true;
        atomic_load (&registry_alarm)();
        if (reads) {
            pthread_mutex_unlock(&p->mutex);
            AWAIT(w->not_before != 0); /* nothing moves: in a moment, then */
            g_assert_cmpuint(w->moved, ==, 0);
            g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
        } else {
            g_usleep(20000); /* it comes, and is not let in */
            pthread_mutex_unlock(&p->mutex);
        }
        AWAIT(w->moved > 0);
        end_heap(heap);
        end_heap(other);
    }
}

/* Where everything moves at each call what it has put together stays so. */
static void test_stressed(void) {
    enum { BLOCKS = 100, SIZE = 1000 };
    rm_memory_t *blocks[BLOCKS];
    g_setenv("RMALLOC_STRESS", "onall:1", TRUE);
    rm_heap_t *heap = make_heap(RM_COMPACT_BACKGROUND);
    g_unsetenv("RMALLOC_STRESS");
    volatile struct watch *w = place_of(heap)->watch;
    g_assert_cmpint(rm_heap_pause(heap), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++)
        g_assert_cmpint(rm_heap_alloc(heap, &blocks[i], SIZE, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    g_assert_cmpint(rm_heap_resume(heap), ==, RM_OK);
    AWAIT(w->steps > 0 && !w->awake);
    g_assert_cmpuint(w->backoffs, ==, 0);
    end_heap(heap);
}

/* It finds that a heap is damaged: nobody enters that any more. */
static void test_damaged(void) {
    rm_heap_t *heap = make_gaps();
    struct place *p = place_of(heap);
    ((struct heap *)p->gate.heap)->store.table.room ^= 2;
    p->watch->paused = 0;
    atomic_load (&registry_alarm)();
    AWAIT(atomic_load(&p->corrupt));
    g_assert_cmpint(rm_heap_trim(heap), ==, RM_ECORRUPT);
    end_heap(heap);
}

/* What it knows of a heap is looked at anew when it is let in again, and not for a call that is refused. */
static void test_resume(void) {
    rm_heap_t *heap = make_heap(RM_COMPACT_BACKGROUND),
              *other = make_heap(RM_COMPACT_MANUAL);
    struct watch *w = place_of(heap)->watch;
    const uint64_t later = UINT64_MAX - 1;
    g_assert_cmpint(rm_heap_resume(other), ==, RM_EINVAL);
    g_assert_cmpint(rm_heap_pause(heap), ==, RM_OK);
    w->not_before = later;
    g_assert_cmpint(rm_heap_pause(heap), ==, RM_OK);
    g_assert_cmpuint(w->not_before, ==, later);
    g_assert_cmpint(rm_heap_resume(heap), ==, RM_OK);
    g_assert_cmpuint(w->not_before, ==, 0);
    g_assert_cmpint(rm_heap_resume(heap), ==, RM_OK);
    w->not_before = later;
    g_assert_cmpint(rm_heap_resume(heap), ==, RM_EUNLOCKED);
    g_assert_cmpuint(w->not_before, ==, later);
    end_heap(heap);
    end_heap(other);
}

/* What it waits by is there, with the clock that times are told by, or there is no such heap; and no thread for it. */
static void test_clock(void) {
    static const enum system_request requests[] = {REQUEST_CONDATTR,
                                                   REQUEST_CONDATTR_CLOCK, REQUEST_COND};
    unsigned before = n_threads();
    for (unsigned i = 0; i < G_N_ELEMENTS(requests); i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap;
        options.compaction = RM_COMPACT_BACKGROUND;
        refuse(requests[i], 0, true);
        rm_status_t status = rm_heap_create(&heap, &options);
        inject_end();
        g_assert_cmpint(status, ==, RM_ESYSTEM);
        g_assert_cmpint(errno, ==, injected->reason);
    }
    end_heap(make_heap(RM_COMPACT_BACKGROUND));
    assert_threads(before);
}

/* A forked child can have no thread: heaps that need one are put off, but for those that have been left for good.
   They are entered as always. */
static int put_off(rm_heap_t *heap, rm_heap_t *frozen, rm_heap_t *damaged) {
    struct watch *w = place_of(heap)->watch, *none = place_of(frozen)->watch;
    struct heap *h = (struct heap *)place_of(heap)->gate.heap;
    if (w->awake) return 5; /* whom it waited for is not here */
    w->awake = none->awake = true;
    h->store.concurrent = false;
    ((struct heap *)place_of(damaged)->gate.heap)->store.table.room ^= 2;
    refuse(REQUEST_THREAD, 0, true);
    atomic_load (&registry_alarm)();
    inject_end();
    if (w->not_before == 0 || w->awake) return 1;
    if (none->not_before != 0 || !none->awake) return 2;
    if (!atomic_load(&place_of(damaged)->corrupt)) return 3;
    return h->store.concurrent ? 0 : 4;
}

static void test_put_off(void) {
    rm_heap_t *other = make_heap(RM_COMPACT_MANUAL);
    rm_heap_t *gone = make_heap(RM_COMPACT_BACKGROUND);
    rm_heap_t *damaged = make_heap(RM_COMPACT_BACKGROUND);
    rm_heap_t *heap = make_heap(RM_COMPACT_BACKGROUND);
    rm_heap_t *frozen = make_heap(RM_COMPACT_BACKGROUND);
    struct access a = {.place = registry_place(tag_of(frozen))};
    int status;
    g_assert_cmpint(rm_heap_pause(frozen), ==, RM_OK);
    g_assert_cmpint(registry_freeze(&a), ==, RM_ECORRUPT);
    end_heap(gone);
    place_of(heap)->watch->awake = true;
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        alarm(20);
        _exit(put_off(heap, frozen, damaged));
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    end_heap(heap);
    end_heap(frozen);
    end_heap(damaged);
    end_heap(other);
}

static void *nothing(void *context) { return context; }

int main(int argc, char **argv) {
    pthread_t thread;
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    /* From the first thread on mutexes are taken. */
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_test_add_func("/refusals/barrier", test_barrier);
    g_test_add_func("/refusals/no-barrier", test_no_barrier);
    g_test_add_func("/refusals/key", test_key);
    g_test_add_func("/refusals/clock", test_clock);
    g_test_add_func("/refusals/pages", test_pages);
    g_test_add_func("/refusals/table", test_table);
#if defined(SYS_userfaultfd) && defined(UFFDIO_REGISTER_MODE_WP)
    g_test_add_func("/refusals/mover", test_mover);
#endif
    g_test_add_func("/refusals/guards", test_guards);
    g_test_add_func("/refusals/trim", test_trim);
    g_test_add_func("/refusals/one-thread", test_one_thread);
    g_test_add_func("/refusals/sleeps", test_sleeps);
    g_test_add_func("/refusals/again", test_again);
    g_test_add_func("/refusals/stressed", test_stressed);
    g_test_add_func("/refusals/damaged", test_damaged);
    g_test_add_func("/refusals/resume", test_resume);
    g_test_add_func("/refusals/put-off", test_put_off);
    return g_test_run();
}
