/* SPDX-License-Identifier: MIT */
/*
 * What a measuring process is before it measures: the reel mapped, the table of blocks in
 * place, the allocator loaded but not yet called. It ends soon, so it frees nothing.
 */
#include "compare/worker.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "compare/jobs.h"
#include "base/say.h"

/* An allocator that finds no memory may look for it for ever. */
#define SECONDS_MAX 600

int worker_fail(struct worker *worker, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(worker->job->reason, sizeof(worker->job->reason), format, arguments);
    va_end(arguments);
    worker->job->state = JOB_FAILED;
    return STATUS_FOUND;
}

/* ------------------------------------------------------------ the kernel's counts */

static int64_t value_of(const char *text, const char *key) {
    const char *at = strstr(text, key);

    return at ? strtoll(at + strlen(key), NULL, 10) * 1024 : 0;
}

static bool read_whole(int file, char *text, size_t size) {
    ssize_t n = pread(file, text, size - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The pages of files are not the allocator's: its code, and this program's. */
static int64_t pages_now(struct worker *worker) {
    char text[2048];

    if (!read_whole(worker->rollup, text, sizeof(text))) return 0;
    return value_of(text, "\nPss_Anon:") + value_of(text, "\nPss_Shmem:");
}

int64_t worker_footprint(struct worker *worker) {
    return pages_now(worker) - worker->before;
}

static uint64_t data_now(void) {
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    int64_t bytes = 0;

    if (file >= 0 && read_whole(file, text, sizeof(text)))
        bytes = value_of(text, "\nVmData:");
    if (file >= 0) close(file);
    return (uint64_t)bytes;
}

static int limit_mappings(struct worker *worker) {
    struct rlimit limit;

    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = worker->data_before + worker->job->limit;
    if (setrlimit(RLIMIT_DATA, &limit) == 0) return STATUS_OK;
    return worker_fail(worker, "no limit can be set");
}

/* ----------------------------------------------------------------------- setup */

static void *map(size_t bytes, int more) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static int map_reel(struct worker *worker, int file) {
    worker->reel = reel_map(file);
    if (!worker->reel) return worker_fail(worker, "the trace cannot be mapped");

    size_t slots = worker->reel->n_slots + 1;
    bool left = worker->job->kind == JOB_LEFT;
    worker->race.at = reel_begin(worker->reel);
    worker->race.slots = map(slots * sizeof(void *), MAP_POPULATE);
    if (left) worker->sizes = map(slots * sizeof(*worker->sizes), MAP_POPULATE);
    if (left) worker->live = map(slots * sizeof(*worker->live), MAP_POPULATE);
    if (worker->race.slots && (!left || (worker->sizes && worker->live)))
        return STATUS_OK;
    return worker_fail(worker, "no memory for the replay");
}

static int prepare_bump(struct worker *worker) {
    size_t largest = worker->reel ? worker->reel->largest : 0;

    worker->bump.turn = RACE_BUMP_TURN;
    worker->bump.base = map(RACE_BUMP_TURN + largest, MAP_POPULATE);
    return worker->bump.base ? STATUS_OK : worker_fail(worker, "no memory for the floor");
}

static bool is_limited(const struct worker *worker) {
    return worker->job->kind == JOB_FITS || worker->job->kind == JOB_LARGEST;
}

/* A heap with handles is given a region of the limit instead of the limit. */
static int prepare_region(struct worker *worker) {
    if (!is_limited(worker)) return STATUS_OK;
    worker->region = map(worker->job->limit, MAP_NORESERVE);
    return worker->region ? STATUS_OK : worker_fail(worker, "no region of that size");
}

/* The allocator itself, up to where its first call is due. */
static int prepare_entrant(struct worker *worker) {
    struct job *job = worker->job;

    if (job->entrant.kind == ENTRANT_FLOOR) return prepare_bump(worker);
    if (job->entrant.kind == ENTRANT_HANDLES) return prepare_region(worker);
    if (is_limited(worker)) {
        if (!library_loadable())
            return worker_fail(worker, "a sanitizer's malloc cannot be limited");
        int status = limit_mappings(worker);
        if (status) return status;
    }
    if (job->entrant.kind == ENTRANT_LIBC) {
        library_of_process(&worker->library);
        return STATUS_OK;
    }
    if (library_open(&worker->library, job->entrant.path, job->reason,
                     sizeof(job->reason)))
        return STATUS_OK;
    job->state = JOB_FAILED;
    return STATUS_FOUND;
}

static int prepare(struct worker *worker, int reel) {
    if (worker->job->no_huge_pages && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
        return worker_fail(worker, "huge pages cannot be turned off");
    if (reel >= 0) {
        int status = map_reel(worker, reel);
        if (status) return status;
    }
    worker->rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    if (worker->rollup < 0)
        return worker_fail(worker, "/proc/self/smaps_rollup cannot be read");
    worker->before = pages_now(worker);
    worker->data_before = data_now();
    return prepare_entrant(worker);
}

/* --------------------------------------------------------------------- playing */

bool worker_begin(struct worker *worker) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    if (worker->job->entrant.kind != ENTRANT_HANDLES) return true;
    options.threads = worker->job->entrant.threads;
    options.compaction = worker->job->entrant.policy;
    options.memory = worker->region;
    if (worker->region) options.size = worker->job->limit;
    return rm_heap_create(&worker->heap, &options) == RM_OK;
}

bool worker_play(struct worker *worker, uint64_t word) {
    worker->race.end = reel_begin(worker->reel) + word;
    switch (worker->job->entrant.kind) {
    case ENTRANT_FLOOR: return race_bump(&worker->race, &worker->bump);
    case ENTRANT_HANDLES:
        return worker->job->entrant.by_call
                   ? race_handles_by_call(&worker->race, worker->heap)
                   : race_handles(&worker->race, worker->heap);
    default: return race_malloc(&worker->race, &worker->library.calls);
    }
}

static void limit_time(struct worker *worker) {
    struct rlimit limit = {worker->job->seconds, RLIM_INFINITY};

    if (worker->job->seconds > 0) setrlimit(RLIMIT_CPU, &limit);
    alarm(SECONDS_MAX);
}

int worker_main(const char *files) {
    struct worker worker = {0};
    int file, reel, status;

    if (sscanf(files, "%d:%d", &file, &reel) != 2)
        return complain_usage("compare", WORKER_OPTION " is for rmtool itself");
    worker.job = mmap(NULL, sizeof(*worker.job), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, file, 0);
    if (worker.job == MAP_FAILED)
        return complain_usage("compare", WORKER_OPTION " is for rmtool itself");
    limit_time(&worker);
    status = prepare(&worker, reel);
    if (status == STATUS_OK) status = jobs_run(&worker);
    if (status == STATUS_OK) worker.job->state = JOB_DONE;
    /* At once: what is still allocated is no leak, and nobody has to look at it again. */
    _exit(status);
}
