/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "journal.h"

enum { BATCH = 1000000, NAME = 64, TRIES = 100000 };
enum { HANG_SECONDS = 300 };

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --------------------------------------------------------------------- a batch */

/* The seed of the k-th episode of a batch; odd where there has been a second thread. */
static uint64_t episode_seed(uint64_t batch, uint64_t k, bool between) {
    return (rng_mix(rng_mix(batch) + k) % (UINT64_C(1) << 40) & ~UINT64_C(1)) | between;
}

static bool is_meant(const struct plan *plan, uint64_t seed) {
    struct spec spec;
    char name[NAME];

    generate_spec(&spec, seed);
    spec_name(&spec, name, sizeof(name));
    return strstr(name, plan->only) != NULL;
}

/* Episodes until there are so many operations; false: none has such a name. */
static const char *half(const struct plan *plan, struct shared *shared,
                        struct world *world, uint64_t batch, bool between,
                        uint64_t until) {
    uint64_t vain = 0;

    for (uint64_t k = 0; world->tally.operations < until && vain < TRIES; k++) {
        const char *text;

        shared->seed = episode_seed(batch, k, between);
        if (!is_meant(plan, shared->seed)) {
            vain++;
            continue;
        }
        vain = 0;
        alarm(HANG_SECONDS);
        text = run_random(world, &shared->trace, shared->seed);
        shared->tally = world->tally;
        if (text != FINE) return text;
    }
    return FINE;
}

static _Noreturn void work(const struct plan *plan, struct shared *shared, uint64_t batch,
                           uint64_t operations) {
    static struct world world;
    const char *text = half(plan, shared, &world, batch, false, operations / 2);

    if (text == FINE) {
        run_between();
        text = half(plan, shared, &world, batch, true, operations);
    }
    shared_exit(shared, text);
}

/* -------------------------------------------------------------------- failures */

static void keep(const struct plan *plan, const struct shared *shared, const char *text) {
    char name[512];
    FILE *file;

    snprintf(name, sizeof(name), "%s/model-%" PRIu64 ".trace", plan->directory,
             shared->seed);
    file = fopen(name, "w");
    if (file == NULL) {
        printf("# %s cannot be written\n", name);
        return;
    }
    trace_write(&shared->trace, file, text);
    fclose(file);
    printf("# again: model --replay %s\n", name);
}

static void explain(const struct plan *plan, struct shared *shared, const char *text) {
    char name[NAME], first[400];
    bool closely = true;

    spec_name(&shared->trace.spec, name, sizeof(name));
    strncpy(first, text, sizeof(first) - 1);
    first[sizeof(first) - 1] = '\0';
    printf("# %s, after %zu operations: %s\n", name, shared->trace.n, first);
    printf("# again: model --episode %" PRIu64 "\n", shared->seed);
    if (plan->quick) return;
    text = reduce(shared, &closely);
    if (text == FINE) {
        printf("# it does not fail by itself: what was before it in the batch matters, "
               "or time\n");
        keep(plan, shared, first);
        return;
    }
    strncpy(first, text, sizeof(first) - 1);
    trace_print(&shared->trace, stdout, "#     ");
    printf("# %s\n", first);
    keep(plan, shared, first);
}

int batch_episode(const struct plan *plan, uint64_t seed, bool list) {
    struct shared *shared = shared_make();
    const char *text;
    int status;
    pid_t child = fork();

    if (child < 0) give_up("no fork");
    shared->seed = seed;
    if (child == 0) {
        static struct world world;

        alarm(HANG_SECONDS);
        if (seed % 2 == 1) run_between();
        text = run_random(&world, &shared->trace, seed);
        shared->tally = world.tally;
        shared_exit(shared, text);
    }
    if (waitpid(child, &status, 0) != child) give_up("waitpid");
    text = shared_outcome(shared, status);
    if (list) trace_print(&shared->trace, stdout, "# ");
    printf("1..1\n%s 1 - episode %" PRIu64 " # %" PRIu64 " operations\n",
           text == FINE ? "ok" : "not ok", seed, shared->tally.operations);
    if (text != FINE) explain(plan, shared, text);
    return text != FINE;
}

/* ------------------------------------------------------------------ all batches */

struct job {
    pid_t child; /* 0: none */
    struct shared *shared;
    uint64_t batch, n;
    double begun;
};

static void start(const struct plan *plan, struct job *job, uint64_t batch, uint64_t n) {
    struct op *ops = job->shared->trace.ops;

    memset(&job->shared->tally, 0, sizeof(job->shared->tally));
    job->shared->trace = (struct trace){{0}, 0, TRACE_MOST, ops};
    job->shared->wrong[0] = '\0';
    job->batch = batch;
    job->n = n;
    job->begun = now();
    fflush(NULL);
    job->child = fork();
    if (job->child < 0) give_up("no fork");
    if (job->child == 0) work(plan, job->shared, batch, n);
}

static struct job *wait_for(struct job *jobs, unsigned n, int *status) {
    pid_t child = waitpid(-1, status, 0);

    for (unsigned i = 0; i < n; i++)
        if (jobs[i].child == child) return &jobs[i];
    give_up("waitpid");
}

static void add(struct tally *sum, const struct tally *tally) {
    sum->operations += tally->operations;
    sum->skipped += tally->skipped;
    sum->proofs += tally->proofs;
    sum->verified += tally->verified;
    sum->pictures += tally->pictures;
    sum->refused += tally->refused;
    sum->traces += tally->traces;
}

static void finish(const struct plan *plan, struct job *job, int status, unsigned n,
                   struct tally *sum, unsigned *n_failed) {
    const struct tally *tally = &job->shared->tally;
    const char *text = shared_outcome(job->shared, status);
    double seconds = now() - job->begun;

    job->child = 0;
    add(sum, tally);
    printf("%s %u - seed %" PRIu64 " # %" PRIu64 " operations in %.1f s\n",
           text == FINE ? "ok" : "not ok", n, job->batch, tally->operations, seconds);
    if (text == FINE) {
        journal_note(plan->journal, job->batch, tally, seconds);
    } else {
        ++*n_failed;
        explain(plan, job->shared, text);
    }
}

static void close_with(const struct tally *sum, double seconds, unsigned n_failed) {
    printf("# %" PRIu64 " operations in %" PRIu64 " episodes, %" PRIu64
           " refused for want of "
           "memory; whole heaps: %" PRIu64 " proofs, %" PRIu64
           " verified block by block, %" PRIu64
           " pictures; %.0f s, %.0f ns an operation; %u failed\n",
           sum->operations, sum->traces, sum->refused, sum->proofs, sum->verified,
           sum->pictures, seconds,
           1e9 * seconds / (double)(sum->operations > 0 ? sum->operations : 1), n_failed);
}

int batch_all(struct plan *plan) {
    static struct job jobs[JOBS_MOST];
    struct journal journal;
    struct tally sum = {0};
    uint64_t n_batches = (plan->operations + BATCH - 1) / BATCH, k = 0;
    unsigned n = 0, running = 0, n_failed = 0;
    double begun = now();
    const char *text = journal_read(&journal, plan->journal, &plan->seed, plan->seeded);

    if (text != FINE) {
        fprintf(stderr, "model: %s\n", text);
        return 4;
    }
    for (unsigned i = 0; i < plan->jobs; i++) jobs[i].shared = shared_make();
    printf("# seed %" PRIu64 ", %" PRIu64 " operations in %" PRIu64 " batches\n",
           plan->seed, plan->operations, n_batches);
    add(&sum, &journal.sum);
    while (k < n_batches || running > 0) {
        struct job *free_job = jobs;
        int status;

        while (k < n_batches && journal_has(&journal, plan->seed + k)) k++;
        while (free_job < jobs + plan->jobs && free_job->child != 0) free_job++;
        if (k < n_batches && free_job < jobs + plan->jobs) {
            uint64_t left = plan->operations - k * BATCH;

            start(plan, free_job, plan->seed + k++, left < BATCH ? left : BATCH);
            running++;
        } else if (running > 0) {
            free_job = wait_for(jobs, plan->jobs, &status);
            running--;
            finish(plan, free_job, status, ++n, &sum, &n_failed);
        }
    }
    if (n == 0) printf("ok %u - all in %s\n", ++n, plan->journal);
    printf("1..%u\n", n);
    close_with(&sum, now() - begun + journal.seconds, n_failed);
    journal_finish(&journal);
    return n_failed > 0;
}
