/* SPDX-License-Identifier: MIT */
#include "compare/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/say.h"

#define LEFT_OF 20 /* blocks at the peak, one stays */

static int stopped(struct worker *worker) {
    return worker_fail(worker, "an event failed, after %.1f %% of the trace",
                       100.0 * (double)(worker->race.at - reel_begin(worker->reel)) /
                           (double)worker->reel->n_words);
}

static int probe(struct worker *worker) {
    struct job *job = worker->job;

    if (job->entrant.kind == ENTRANT_HANDLES)
        snprintf(job->version, sizeof(job->version), "%d.%d.%d", RM_VERSION_MAJOR,
                 RM_VERSION_MINOR, RM_VERSION_PATCH);
    else if (job->entrant.kind != ENTRANT_FLOOR)
        library_version(&worker->library, job->version, sizeof(job->version));
    return STATUS_OK;
}

/* The wall clock is read without a system call, so that the marks cost nothing. */
static int measure_time(struct worker *worker) {
    const struct reel_mark *marks = reel_marks(worker->reel);
    uint64_t cpu = clock_cpu_ns(), began = clock_wall_ns(), last = began;
    bool good = worker_begin(worker);

    for (uint64_t i = 0; i < worker->reel->n_marks && good; i++) {
        good = worker_play(worker, marks[i].word);
        uint64_t now = clock_wall_ns();
        worker->job->at_mark[i] = (int64_t)(now - last);
        last = now;
    }
    worker->job->wall_ns = last - began;
    worker->job->cpu_ns = clock_cpu_ns() - cpu;
    return good ? STATUS_OK : stopped(worker);
}

static int measure_footprint(struct worker *worker) {
    const struct reel_mark *marks = reel_marks(worker->reel);
    bool good = worker_begin(worker), peak_due = true;

    for (uint64_t i = 0; i < worker->reel->n_marks && good; i++) {
        if (peak_due && worker->reel->peak.word <= marks[i].word) {
            good = worker_play(worker, worker->reel->peak.word);
            worker->job->at_peak = worker_footprint(worker);
            peak_due = false;
        }
        good = good && worker_play(worker, marks[i].word);
        worker->job->at_mark[i] = worker_footprint(worker);
    }
    return good ? STATUS_OK : stopped(worker);
}

static int measure_fit(struct worker *worker) {
    bool good = worker_begin(worker) && worker_play(worker, worker->reel->n_words);

    return good ? STATUS_OK : stopped(worker);
}

/* ------------------------------------------------------------------ what is left */

/* The blocks alive at the peak, in a random order. Returns how many. */
static size_t shuffle_live(struct worker *worker) {
    const uint64_t *words = reel_begin(worker->reel);
    struct chance chance = chance_of(worker->job->seed);
    size_t n = 0;

    for (uint64_t at = 0; at < worker->reel->peak.word; at += reel_words(words[at])) {
        enum trace_op op = reel_op(words[at]);
        if (op > TRACE_FREE) continue;
        /* Marked by a size one too large, so that a block of no bytes is alive too. */
        worker->sizes[reel_slot(words[at])] =
            op == TRACE_FREE ? 0 : reel_size(words[at]) + 1;
    }
    for (uint32_t slot = 0; slot < worker->reel->n_slots; slot++)
        if (worker->sizes[slot] > 0) worker->live[n++] = slot;
    for (size_t i = n; i > 1; i--) {
        size_t j = chance_below(&chance, i);
        uint32_t slot = worker->live[i - 1];
        worker->live[i - 1] = worker->live[j];
        worker->live[j] = slot;
    }
    return n;
}

static bool free_block(struct worker *worker, uint32_t slot) {
    void *block = worker->race.slots[slot];

    if (worker->job->entrant.kind != ENTRANT_HANDLES) {
        worker->library.calls.free(block);
        return true;
    }
    while (rmfree(block) == RM_ELOCKED) /* by an event of the trace */
        if (rmunlock(block) != RM_OK) return false;
    return true;
}

static bool give_back(struct worker *worker) {
    if (worker->job->entrant.kind != ENTRANT_HANDLES) {
        library_trim(&worker->library);
        return true;
    }
    return rm_heap_compact(worker->heap, NULL, NULL) == RM_OK &&
           rm_heap_trim(worker->heap) == RM_OK;
}

static int measure_left(struct worker *worker) {
    struct job_left *left = &worker->job->left;
    size_t n = shuffle_live(worker);
    uint64_t began, freed;
    bool good = worker_begin(worker) && worker_play(worker, worker->reel->peak.word);

    if (!good) return stopped(worker);
    left->footprint_at_peak = worker_footprint(worker);
    left->frees = n - n / LEFT_OF;
    began = clock_cpu_ns();
    for (size_t i = 0; i < left->frees && good; i++)
        good = free_block(worker, worker->live[i]);
    freed = clock_cpu_ns();
    good = good && give_back(worker);
    left->trim_ns = clock_cpu_ns() - freed;
    left->free_ns = freed - began;
    left->footprint = worker_footprint(worker);
    left->live_blocks = n - left->frees;
    for (size_t i = left->frees; i < n; i++)
        left->live_bytes += worker->sizes[worker->live[i]] - 1;
    return good ? STATUS_OK : worker_fail(worker, "memory cannot be given back");
}

/* --------------------------------------------------------------- largest request */

/* In a copy of the process, so that the trace goes on as if nobody had asked. The limit is
   there already. */
static void ask_malloc(struct worker *worker, int64_t *answer) {
    uint64_t good = 0, bad = worker->job->limit + 1;

    while (bad - good > 1) {
        uint64_t size = good + (bad - good) / 2;
        void *block = worker->library.calls.malloc(size);
        if (block) worker->library.calls.free(block);
        *(block ? &good : &bad) = size;
    }
    *answer = (int64_t)good;
}

static bool ask_largest(struct worker *worker, int64_t *answer) {
    size_t size;
    pid_t child;
    int state;

    *answer = 0;
    if (worker->job->entrant.kind == ENTRANT_HANDLES) {
        if (rm_heap_largest(worker->heap, true, &size) != RM_OK) return false;
        *answer = (int64_t)size;
        return true;
    }
    child = fork();
    if (child < 0) return false;
    if (child == 0) {
        ask_malloc(worker, answer); /* to shared memory */
        _exit(0);
    }
    return waitpid(child, &state, 0) == child;
}

static int measure_largest(struct worker *worker) {
    const struct reel_mark *marks = reel_marks(worker->reel);
    bool good = worker_begin(worker);

    for (uint64_t i = 0; i < worker->reel->n_marks && good; i++) {
        good = worker_play(worker, marks[i].word);
        if (good && !ask_largest(worker, &worker->job->at_mark[i]))
            return worker_fail(worker, "the largest request cannot be found");
    }
    return good ? STATUS_OK : stopped(worker);
}

/* --------------------------------------------------------------------- threads */

static int measure_crowd(struct worker *worker) {
    struct crowd_allocator allocator = {.calls = &worker->library.calls};

    if (!worker_begin(worker)) return worker_fail(worker, "no heap");
    allocator.heap = worker->heap;
    if (crowd_run(&worker->job->crowd, &allocator)) return STATUS_OK;
    return worker_fail(worker, "%s", errno ? strerror(errno) : "a call failed");
}

int jobs_run(struct worker *worker) {
    static int (*const kinds[JOB_KINDS])(struct worker *) = {
        [JOB_PROBE] = probe,
        [JOB_TIME] = measure_time,
        [JOB_FOOTPRINT] = measure_footprint,
        [JOB_LEFT] = measure_left,
        [JOB_FITS] = measure_fit,
        [JOB_LARGEST] = measure_largest,
        [JOB_CROWD] = measure_crowd,
    };

    return kinds[worker->job->kind](worker);
}
