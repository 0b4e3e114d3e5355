/* SPDX-License-Identifier: MIT */
/*
 * rmtool top: the heaps of a running program, live. On a terminal a screen; with --once,
 * --json, --csv and elsewhere lines.
 */
#include "verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arguments.h"
#include "base/clock.h"
#include "base/output.h"
#include "base/say.h"
#include "top/top.h"

static const char help[] =
    "Usage: rmtool top [OPTION]... PID\n"
    "  or:  rmtool top [OPTION]... --core FILE\n"
    "Watch the heaps of a running program that uses rmalloc: what lies where, "
    "fragmentation,\n"
    "locks, compaction, allocations. The program need not know, and may be stripped or\n"
    "linked statically. For each look it is stopped for a moment, some 0.1 ms for a "
    "small\n"
    "heap and 1 ms for some 5 MiB of small blocks; how long is shown. Threads that sleep "
    "are\n"
    "left asleep; a call that a signal may interrupt in one that runs can end with "
    "EINTR,\n"
    "as when a debugger attaches. Nothing is written to the program.\n"
    "\n"
    "      --interval S    seconds between two looks (default: 1)\n"
    "      --heap N        the heap of this number, or 'all' (not on a screen); the "
    "default\n"
    "                      is the one with the most memory\n"
    "      --list          the heaps there are, one a line\n"
    "      --once          one look as a report; exit status 1: none was possible\n"
    "      --count N       so many looks, then end\n"
    "      --json          a line of JSON for each look; the members are those of\n"
    "                      rm_stats_t, and what happened per second since the last look\n"
    "      --csv           the same as lines of CSV, with a header\n"
    "      --map FILE      the map of each look, as CSV in the form of 'replay --map'\n"
    "      --cells N       so many cells of the map at most (default: 256; a screen "
    "takes\n"
    "                      what fits)\n"
    "      --core FILE     the core file of a program, in place of a process; implies "
    "--once\n"
    "  -h, --help          this text\n"
    "\n"
    "Keys on the screen: q ends, h says what the others do. Colours only where NO_COLOR\n"
    "is unset or empty; ASCII where the locale is not UTF-8.\n"
    "\n"
    "It takes the permission to debug the program: be the same user, or root, and where\n"
    "/proc/sys/kernel/yama/ptrace_scope is not 0, root. It has to have been built with "
    "the\n"
    "same version of rmalloc as this rmtool.\n"
    "\n"
    "Example: rmtool top --interval 0.5 $(pidof lua)\n";

enum { ALL = -2, LARGEST = -1, CELLS = 256, CELLS_MOST = 1 << 20 };

struct job {
    const char *core, *map;
    bool once, json, csv, list, quiet;
    long heap;
    uint64_t count, cells;
    double interval;
    struct top top;
    struct top_watch *watches; /* n_watches of them */
    size_t n_watches;
    struct output output; /* the map */
    bool missed;
};

enum {
    OPTION_INTERVAL = 256,
    OPTION_HEAP,
    OPTION_LIST,
    OPTION_ONCE,
    OPTION_COUNT,
    OPTION_JSON,
    OPTION_CSV,
    OPTION_MAP,
    OPTION_CELLS,
    OPTION_CORE
};

static const struct option options[] = {
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"heap", required_argument, NULL, OPTION_HEAP},
    {"list", no_argument, NULL, OPTION_LIST},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"csv", no_argument, NULL, OPTION_CSV},
    {"map", required_argument, NULL, OPTION_MAP},
    {"cells", required_argument, NULL, OPTION_CELLS},
    {"core", required_argument, NULL, OPTION_CORE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_interval(struct job *job, const char *text) {
    char *end;

    job->interval = strtod(text, &end);
    if (*text < '0' || *text > '9' || *end != '\0' || !(job->interval >= 0.01) ||
        job->interval > 86400)
        return complain_usage("top",
                              "--interval is a number of seconds from 0.01 to 86400, "
                              "not '%s'",
                              text);
    return STATUS_OK;
}

static int set_option(void *context, int option) {
    struct job *job = context;
    uint64_t number;
    int status = STATUS_OK;

    switch (option) {
    case OPTION_INTERVAL: return parse_interval(job, optarg);
    case OPTION_HEAP:
        if (strcmp(optarg, "all") == 0) {
            job->heap = ALL;
        } else {
            status = parse_number("top", "heap", optarg, 0, 8191, &number);
            if (status == STATUS_OK) job->heap = (long)number;
        }
        return status;
    case OPTION_LIST: job->list = true; break;
    case OPTION_ONCE: job->once = true; break;
    case OPTION_COUNT:
        return parse_number("top", "count", optarg, 1, UINT64_MAX - 1, &job->count);
    case OPTION_JSON: job->json = true; break;
    case OPTION_CSV: job->csv = true; break;
    case OPTION_MAP: job->map = optarg; break;
    case OPTION_CELLS:
        return parse_number("top", "cells", optarg, 2, CELLS_MOST, &job->cells);
    case OPTION_CORE: job->core = optarg; break;
    }
    return status;
}

static int parse(struct job *job, int argc, char **argv, bool *done) {
    static const struct option_reader reader = {"top", help, ":h", options, set_option};
    uint64_t pid;
    int status = parse_options(&reader, argc, argv, job, done);

    if (status || *done) return status;
    if (job->json && job->csv)
        return complain_usage("top", "one of --json and --csv only");
    if (is_standard_output(job->map) && !(job->once && !job->json && !job->csv))
        return complain_usage("top", "the map goes to standard output with --once alone");
    if (job->core) {
        if (optind < argc)
            return complain_usage("top", "a process or --core: what is '%s'?",
                                  argv[optind]);
        job->once = true;
        return target_open_core(&job->top.target, job->core);
    }
    if (optind == argc) return complain_usage("top", "which process?");
    if (optind + 1 < argc)
        return complain_usage("top", "one process only: what is '%s'?", argv[optind + 1]);
    status = parse_number("top", "PID", argv[optind], 1, INT32_MAX, &pid);
    if (status) return complain_usage("top", "a process is named by its number");
    return target_open(&job->top.target, argv[optind], (pid_t)pid);
}

/* --- looks --- */

/* Of heaps that are not in the list any more nothing is kept. */
static void forget_gone(struct job *job) {
    const struct top *top = &job->top;

    for (size_t i = 0; i < job->n_watches; i++) {
        struct top_watch *watch = &job->watches[i];
        size_t k = 0;
        while (k < top->n_heaps && top->heaps[k].heap != watch->look.heap.heap) k++;
        if (k < top->n_heaps) continue;
        look_finish(&watch->look);
        memset(watch, 0, sizeof(*watch));
    }
}

/* What is known of a heap; NULL: no memory. */
static struct top_watch *watch_of(struct job *job, const rm_view_heap_t *heap) {
    struct top_watch *vacant = NULL;

    for (size_t i = 0; i < job->n_watches; i++) {
        if (job->watches[i].look.heap.heap == heap->heap) return &job->watches[i];
        if (!job->watches[i].look.heap.heap) vacant = &job->watches[i];
    }
    if (vacant) return vacant;
    void *more = realloc(job->watches, (job->n_watches + 1) * sizeof(*job->watches));
    if (!more) return NULL;
    job->watches = more;
    vacant = &job->watches[job->n_watches++];
    memset(vacant, 0, sizeof(*vacant));
    return vacant;
}

static void show(struct job *job, const struct top_watch *watch) {
    if (job->output.file) top_map(watch, job->output.file);
    if (is_standard_output(job->map)) return;
    if (job->json)
        top_json(&job->top, watch, stdout);
    else if (job->csv)
        top_csv(&job->top, watch, stdout);
    else
        top_report(&job->top, watch, stdout);
    fflush(stdout);
}

static int look_at(struct job *job, const rm_view_heap_t *heap, bool *ended) {
    struct top_watch *watch = watch_of(job, heap);
    char why[200];

    if (!watch) return complain(STATUS_IO, "no memory for what is known of a heap");
    int status = top_look(&job->top, watch, heap, job->cells, ended);
    if (status == STATUS_OK) {
        show(job, watch);
    } else if (status == STATUS_FOUND && !*ended) {
        complain(STATUS_FOUND, "%s (%s): heap #%u: %s", job->top.target.name,
                 job->top.target.program, look_number(heap->heap), top_why(watch, why));
        job->missed = true;
        status = STATUS_OK;
    }
    return status;
}

/* Once round: the heaps that are wanted. */
static int look_round(struct job *job, bool *ended) {
    struct top *top = &job->top;
    int status =
        look_heaps(&top->target, job->heap == LARGEST, &top->heaps, &top->n_heaps);
    bool any = false;

    if (status == STATUS_FOUND) *ended = true;
    if (status == STATUS_OK) forget_gone(job);
    for (size_t i = 0; status == STATUS_OK && i < top->n_heaps && !*ended; i++) {
        const rm_view_heap_t *heap = &top->heaps[i];
        if (job->heap >= 0 && look_number(heap->heap) != (unsigned)job->heap) continue;
        any = true;
        status = look_at(job, heap, ended);
        if (job->heap != ALL) break;
    }
    if (status != STATUS_OK || *ended || any) return status;
    job->missed = true;
    if (job->heap >= 0)
        return complain(STATUS_FOUND, "%s (%s): there is no heap #%ld%s",
                        top->target.name, top->target.program, job->heap,
                        top->n_heaps == 0 ? ", nor any other"
                                          : "; --list says which are");
    return complain(STATUS_FOUND, "%s (%s): there is no heap yet", top->target.name,
                    top->target.program);
}

static void sleep_until(uint64_t ns) {
    struct timespec until = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static int run_lines(struct job *job) {
    uint64_t next = clock_wall_ns(), n = 0;
    bool ended = false;
    int status = output_open(&job->output, job->map);

    if (status) return status;
    if (job->output.file) top_map_header(job->output.file);
    if (job->csv) top_csv_header(stdout);
    for (;;) {
        status = look_round(job, &ended);
        if (status == STATUS_FOUND && !ended && !job->once && job->count == 0)
            status = STATUS_OK; /* there may be one later */
        if (status || ended || job->once || ++n == job->count || ferror(stdout)) break;
        next += job->top.interval_ns;
        if (next < clock_wall_ns()) next = clock_wall_ns() + job->top.interval_ns;
        sleep_until(next);
    }
    if (ended && job->n_watches == 0)
        status = complain(STATUS_IO, "%s (%s): it has ended", job->top.target.name,
                          job->top.target.program);
    else if (ended)
        status = STATUS_OK;
    if (status == STATUS_OK && job->missed && (job->once || job->count > 0))
        status = STATUS_FOUND;
    if (status == STATUS_OK || status == STATUS_FOUND) {
        int closed = output_close(&job->output);
        return closed ? closed : status;
    }
    output_discard(&job->output);
    return status;
}

static int run_list(struct job *job) {
    struct top *top = &job->top;
    char text[100];
    int status = look_heaps(&top->target, true, &top->heaps, &top->n_heaps);

    if (status == STATUS_FOUND)
        return complain(STATUS_IO, "%s (%s): it has ended", top->target.name,
                        top->target.program);
    if (status) return status;
    puts("heap        capacity            used    blocks");
    for (size_t i = 0; i < top->n_heaps; i++) {
        const rm_view_heap_t *heap = &top->heaps[i];
        printf("#%-4u %14zu  %14zu  %8zu  %s\n", look_number(heap->heap), heap->capacity,
               heap->used, heap->live_blocks, top_describe(heap, text));
    }
    return STATUS_OK;
}

static int run_screen(struct job *job) {
    char said[200] = "";

    if (job->heap == ALL)
        return complain_usage("top", "--heap all is for --once, --json and --csv");
    if (job->map) return complain_usage("top", "--map is for --once, --json and --csv");
    int status = top_screen(&job->top, job->heap, said);
    if (said[0]) printf("%s\n", said);
    return status;
}

static int run(struct job *job) {
    job->top.interval_ns = (uint64_t)llround(job->interval * 1e9);
    if (job->list) return run_list(job);
    if (job->once || job->json || job->csv || job->count > 0) return run_lines(job);
    if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) return run_lines(job);
    if (!top_has_screen)
        return complain_usage("top",
                              "this rmtool was built without ncurses: --once, --json, "
                              "--csv or --count are needed");
    return run_screen(job);
}

int verb_top(int argc, char **argv) {
    struct job job = {.heap = LARGEST, .cells = CELLS, .interval = 1};
    bool done = false;
    int status;

    job.top.target.pagemap = -1;
    setlocale(LC_CTYPE, "");
    status = parse(&job, argc, argv, &done);
    if (status == STATUS_OK && !done) status = run(&job);
    for (size_t i = 0; i < job.n_watches; i++) look_finish(&job.watches[i].look);
    free(job.watches);
    free(job.top.heaps);
    target_close(&job.top.target);
    return status;
}
