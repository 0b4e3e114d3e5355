/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

/* Trials in one scene, the last of which ends with the damaged heap's destruction; seconds of processor time
   after which one hangs; and how a child says that it does. */
enum { EACH = 400, SECONDS = 4, HUNG = 77, JOBS_MOST = 64 };

/* What children say, even when they die. */
struct shared {
    uint64_t at;    /* the trial that is being made; */
    enum kind kind; /* and what it damages */
    bool in_trial;
    struct row rows[N_KINDS];
};

/* What has come of the trial that is being made, and how it is had again. */
static void tell(const struct work *work, const struct shared *shared, const char *what) {
    const char *kind = kind_names[shared->kind];
    printf("# trial %llu, %s: %s; again: hostile %s%s--seed %llu --only %llu%s%s\n",
           (unsigned long long)shared->at, kind, what,
           work->integrity ? "--integrity " : "", work->threads ? "--threads " : "",
           (unsigned long long)work->seed, (unsigned long long)shared->at,
           work->kind != N_KINDS ? " --kind " : "", work->kind != N_KINDS ? kind : "");
    fflush(stdout);
}

/* --- a trial --- */

static uint64_t mixed(uint64_t seed, uint64_t n) { return rng_mix(seed + rng_mix(n)); }

static enum kind kind_of(const struct work *work, uint64_t n) {
    return work->kind != N_KINDS ? work->kind : (enum kind)(n % N_KINDS);
}

static void trial(const struct work *work, struct shared *shared, struct scene *s,
                  uint64_t n, bool last) {
    struct rng rng = {mixed(work->seed + 1, n)};
    enum kind kind = kind_of(work, n);
    struct row *row = &shared->rows[kind];
    struct word hit;
    if (!aim_damage(s, &rng, kind, &hit)) return;
    row->trials++;
    shared->kind = kind;
    if (memcmp(s->memory, s->image, s->size) == 0) {
        row->unlike++;
        return;
    }
    shared->in_trial = true;
    struct outcome o = calls_make(s, &rng, &hit);
    shared->in_trial = false;
    bool intact = scene_intact(s), seen = !work->integrity || kind == K_ANY;
    if (!intact) tell(work, shared, "writes outside");
    if (o.missed && !seen) tell(work, shared, "is not found");
    if (o.wrote && !seen) tell(work, shared, "writes after it was found");
    row->found += o.found;
    row->missed += o.missed;
    row->wrote += o.wrote;
    row->strays += o.strays > 0;
    row->outside += !intact;
    if (!last) scene_restore(s);
}

/* --- a child --- */

static struct shared *watched;
static uint64_t last_seen = UINT64_MAX;
static unsigned n_seen;

static void watch(int signal) {
    (void)signal;
    if (watched->at != last_seen) n_seen = 0;
    last_seen = watched->at;
    if (++n_seen > SECONDS) _exit(HUNG);
}

static void begin_watch(struct shared *shared) {
    struct itimerval each = {{1, 0}, {1, 0}};
    struct sigaction action = {.sa_handler = watch};
    watched = shared;
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &each, NULL);
}

/* Where coverage is counted a child's counts as well. */
extern void __gcov_dump(void) __attribute__((weak));

/* Trials [from, end). */
static void trials(const struct work *work, struct shared *shared, uint64_t from,
                   uint64_t end) {
    struct scene s;
    if (work->threads) scene_threads();
    for (uint64_t n = from; n < end;) {
        uint64_t next = n / EACH * EACH + EACH;
        if (next > end) next = end;
        scene_make(&s, mixed(work->seed, n / EACH), work->integrity);
        for (; n < next; n++) {
            shared->at = n;
            trial(work, shared, &s, n, n + 1 == next);
        }
        shared->in_trial = true;
        scene_destroy(&s);
        shared->in_trial = false;
    }
}

/* --- children, one after the other --- */

static pid_t begin_child(const struct work *work, struct shared *shared, uint64_t from,
                         uint64_t end) {
    fflush(NULL);
    pid_t child = fork();
    if (child != 0) return child;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    begin_watch(shared);
    trials(work, shared, from, end);
    if (__gcov_dump != NULL) __gcov_dump();
    _exit(0);
}

/* A child has come to its end. Where does the next one go on? */
static uint64_t end_child(const struct work *work, struct shared *shared, int status,
                          uint64_t end) {
    struct row *row = &shared->rows[shared->kind];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return end;
    bool hung = WIFEXITED(status) && WEXITSTATUS(status) == HUNG;
    (*(hung ? &row->hangs : &row->crashes))++;
    shared->in_trial = false;
    tell(work, shared, hung ? "hangs" : "crashes");
    return shared->at + 1;
}

static void *share(size_t bytes) {
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) give_up("no shared memory");
    return memory;
}

static void sum(struct row *to, const struct row *from) {
    to->trials += from->trials;
    to->unlike += from->unlike;
    to->found += from->found;
    to->missed += from->missed;
    to->wrote += from->wrote;
    to->strays += from->strays;
    to->crashes += from->crashes;
    to->hangs += from->hangs;
    to->outside += from->outside;
}

bool work_do(const struct work *work, struct row rows[N_KINDS]) {
    struct shared *shared = share(JOBS_MOST * sizeof *shared);
    uint64_t end = work->from + work->trials, ends[JOBS_MOST];
    pid_t children[JOBS_MOST];
    unsigned left = work->jobs;
    bool made = true;
    if (work->alone) {
        trials(work, shared, work->from, end);
        left = 0;
    }
    for (unsigned i = 0; i < left; i++) {
        uint64_t from = work->from + work->trials / left * i;
        ends[i] =
            i + 1 < work->jobs ? work->from + work->trials / work->jobs * (i + 1) : end;
        children[i] = begin_child(work, &shared[i], from, ends[i]);
        made &= children[i] > 0;
    }
    while (left > 0 && made) {
        int status;
        pid_t ended = wait(&status);
        if (ended < 0 && errno == EINTR) continue;
        for (unsigned i = 0; i < work->jobs; i++) {
            if (children[i] != ended) continue;
            uint64_t from = end_child(work, &shared[i], status, ends[i]);
            children[i] = 0;
            left--;
            if (from >= ends[i]) continue;
            children[i] = begin_child(work, &shared[i], from, ends[i]);
            made &= children[i] > 0;
            left++;
        }
    }
    for (unsigned i = 0; i < JOBS_MOST; i++)
        for (unsigned kind = 0; kind < N_KINDS; kind++)
            sum(&rows[kind], &shared[i].rows[kind]);
    munmap(shared, JOBS_MOST * sizeof *shared);
    return made;
}
