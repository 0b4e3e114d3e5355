/* SPDX-License-Identifier: MIT */
/*
 * What a measuring process does. It ends soon, so it frees nothing of its own.
 */
#include "worker.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"
#include "race.h"
#include "say.h"

struct worker {
    struct job *job;
    const struct reel *reel;
    void *library;
    struct race_calls calls;
    struct race_bump bump;
    rm_heap_t *heap;
    struct race race;
    int rollup;     /* /proc/self/smaps_rollup, open */
    int64_t before; /* footprint before the allocator began */
};

static int fail(struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(struct worker *worker, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(worker->job->reason, sizeof(worker->job->reason), format, arguments);
    va_end(arguments);
    worker->job->state = JOB_FAILED;
    return STATUS_FOUND;
}

/* ------------------------------------------------------------------- footprint */

static int64_t value_of(const char *text, const char *key) {
    const char *at = strstr(text, key);

    return at ? strtoll(at + strlen(key), NULL, 10) * 1024 : 0;
}

/* Pages that hold something, in bytes, by the kernel's count; the pages of files are not
   the allocator's. */
static int64_t footprint(struct worker *worker) {
    char text[2048];
    ssize_t n = pread(worker->rollup, text, sizeof(text) - 1, 0);

    if (n <= 0) return 0;
    text[n] = '\0';
    return value_of(text, "\nPss_Anon:") + value_of(text, "\nPss_Shmem:");
}

/* ----------------------------------------------------------------------- setup */

static void *map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static int open_library(struct worker *worker) {
    struct race_calls *calls = &worker->calls;
    const char *path = worker->job->entrant.path;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library) return fail(worker, "%s", dlerror());
    worker->library = library;
    calls->malloc = (void *(*)(size_t))dlsym(library, "malloc");
    calls->calloc = (void *(*)(size_t, size_t))dlsym(library, "calloc");
    calls->realloc = (void *(*)(void *, size_t))dlsym(library, "realloc");
    calls->free = (void (*)(void *))dlsym(library, "free");
    calls->posix_memalign =
        (int (*)(void **, size_t, size_t))dlsym(library, "posix_memalign");
    if (!calls->malloc || !calls->calloc || !calls->realloc || !calls->free ||
        !calls->posix_memalign || calls->malloc == malloc)
        return fail(worker, "%s: no allocator in it", path);
    return STATUS_OK;
}

static int prepare_bump(struct worker *worker) {
    size_t bytes = RACE_BUMP_TURN + (worker->reel ? worker->reel->largest : 0) + 64;

    worker->bump.turn = RACE_BUMP_TURN;
    worker->bump.base = map(bytes);
    return worker->bump.base ? STATUS_OK : fail(worker, "no memory for the floor");
}

/* The allocator itself, up to where its first call is due. */
static int prepare_entrant(struct worker *worker) {
    switch (worker->job->entrant.kind) {
    case ENTRANT_FLOOR: return prepare_bump(worker);
    case ENTRANT_LIBRARY: return open_library(worker);
    case ENTRANT_LIBC:
        worker->calls =
            (struct race_calls){malloc, calloc, realloc, free, posix_memalign};
        break;
    case ENTRANT_HANDLES: break;
    }
    return STATUS_OK;
}

static int prepare(struct worker *worker, int reel) {
    if (worker->job->no_huge_pages && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
        return fail(worker, "huge pages cannot be turned off");
    if (reel >= 0) {
        worker->reel = reel_map(reel);
        if (!worker->reel) return fail(worker, "the reel cannot be mapped");
        worker->race.slots = map((worker->reel->n_slots + 1) * sizeof(void *));
        if (!worker->race.slots) return fail(worker, "no memory for the replay");
        worker->race.at = reel_begin(worker->reel);
    }
    worker->rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    if (worker->rollup < 0) return fail(worker, "/proc/self/smaps_rollup cannot be read");
    worker->before = footprint(worker);
    return prepare_entrant(worker);
}

/* What is begun by the allocator's first call, where it is not by itself. */
static bool begin(struct worker *worker) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    if (worker->job->entrant.kind != ENTRANT_HANDLES) return true;
    options.threads = worker->job->entrant.threads;
    options.compaction = worker->job->entrant.policy;
    return rm_heap_create(&worker->heap, &options) == RM_OK;
}

static bool play_to(struct worker *worker, uint64_t word) {
    worker->race.end = reel_begin(worker->reel) + word;
    switch (worker->job->entrant.kind) {
    case ENTRANT_FLOOR: return race_bump(&worker->race, &worker->bump);
    case ENTRANT_HANDLES:
        return worker->job->entrant.by_call
                   ? race_handles_by_call(&worker->race, worker->heap)
                   : race_handles(&worker->race, worker->heap);
    default: return race_malloc(&worker->race, &worker->calls);
    }
}

static int out_of_memory(struct worker *worker) {
    return fail(worker, "failed at word %zu of %zu",
                (size_t)(worker->race.at - reel_begin(worker->reel)),
                (size_t)worker->reel->n_words);
}

/* ------------------------------------------------------------------------ jobs */

static void ask_version(struct worker *worker) {
    int (*mallctl)(const char *, void *, size_t *, void *, size_t) = NULL;
    int (*mi_version)(void) = NULL;
    const char *(*tc_version)(int *, int *, const char **) = NULL;
    char *text = worker->job->version;
    const char *version;
    size_t length = sizeof(version);

    if (worker->job->entrant.kind == ENTRANT_LIBC) {
        snprintf(text, ENTRANT_NOTE, "%s", gnu_get_libc_version());
        return;
    }
    if (worker->job->entrant.kind == ENTRANT_HANDLES) {
        snprintf(text, ENTRANT_NOTE, "%d.%d.%d", RM_VERSION_MAJOR, RM_VERSION_MINOR,
                 RM_VERSION_PATCH);
        return;
    }
    if (!worker->library) return;
    *(void **)&mallctl = dlsym(worker->library, "mallctl");
    *(void **)&mi_version = dlsym(worker->library, "mi_version");
    *(void **)&tc_version = dlsym(worker->library, "tc_version");
    if (mallctl && mallctl("version", &version, &length, NULL, 0) == 0) {
        snprintf(text, ENTRANT_NOTE, "%.*s", (int)strcspn(version, "-"), version);
    } else if (mi_version) {
        int number = mi_version();
        snprintf(text, ENTRANT_NOTE, "%d.%d.%d", number / 100, number / 10 % 10,
                 number % 10);
    } else if (tc_version) {
        snprintf(text, ENTRANT_NOTE, "%s", tc_version(NULL, NULL, NULL));
    } else {
        snprintf(text, ENTRANT_NOTE, "unknown");
    }
}

static int probe(struct worker *worker) {
    ask_version(worker);
    return STATUS_OK;
}

static int measure_time(struct worker *worker) {
    uint64_t wall, cpu = clock_cpu_ns();
    bool good;

    wall = clock_wall_ns();
    good = begin(worker) && play_to(worker, worker->reel->n_words);
    worker->job->wall_ns = clock_wall_ns() - wall;
    worker->job->cpu_ns = clock_cpu_ns() - cpu;
    return good ? STATUS_OK : out_of_memory(worker);
}

static int measure_footprint(struct worker *worker) {
    const struct reel_mark *marks = reel_marks(worker->reel);
    bool good = begin(worker), peak_due = true;

    for (uint64_t i = 0; i < worker->reel->n_marks && good; i++) {
        if (peak_due && worker->reel->peak.word <= marks[i].word) {
            good = play_to(worker, worker->reel->peak.word);
            worker->job->at_peak = footprint(worker) - worker->before;
            peak_due = false;
        }
        good = good && play_to(worker, marks[i].word);
        worker->job->footprint[i] = footprint(worker) - worker->before;
    }
    return good ? STATUS_OK : out_of_memory(worker);
}

int worker_main(const char *files) {
    static int (*const kinds[])(struct worker *) = {
        [JOB_PROBE] = probe,
        [JOB_TIME] = measure_time,
        [JOB_FOOTPRINT] = measure_footprint,
    };
    struct worker worker = {0};
    int file, reel, status;

    if (sscanf(files, "%d:%d", &file, &reel) != 2) return STATUS_USAGE;
    worker.job = mmap(NULL, sizeof(*worker.job), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, file, 0);
    if (worker.job == MAP_FAILED) return STATUS_USAGE;
    status = prepare(&worker, reel);
    if (status == STATUS_OK) status = kinds[worker.job->kind](&worker);
    if (status == STATUS_OK) worker.job->state = JOB_DONE;
    return status;
}
