/* SPDX-License-Identifier: MIT */
/*
 * rmtool replay: options, what watches the replay, and the files that come of it.
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "replay/heapmap.h"
#include "base/output.h"
#include "replay/report.h"
#include "base/say.h"
#include "replay/series.h"
#include "base/units.h"
#include "trace/options.h"

#define SAMPLES_DEFAULT 1000
#define SAMPLES_MAX 100000
#define FOOTPRINT_SAMPLES 1000
#define MAP_SAMPLES 300
#define CHECKS 200

static const char help[] =
    "Usage: rmtool replay [OPTION]... TRACE\n"
    "Replay an allocation trace (rmt 1, zstd or plain; '-' is standard input) into a\n"
    "heap, and report time, memory, compaction and fragmentation.\n"
    "\n"
    "The heap\n"
    "  --heap SIZE|FACTORx|grow  a region of that size, or of that many times the peak\n"
    "                            of live bytes (1.3x; with --compact manual the peak\n"
    "                            counts both copies of a block that a realloc grows);\n"
    "                            or a heap that grows (default)\n"
    "  --compact POLICY          demand (default), steady, or manual: then the replay\n"
    "                            compacts when memory is out, and tries once more\n"
    "  --step N:BYTES[:NANOSECONDS]\n"
    "                            compact every N operations (and when memory is out,\n"
    "                            in steps), each time at most so much; 0: no limit\n"
    "  --threads safe|none       synchronisation of the heap (default: safe)\n"
    "  --trim                    give empty pages back after each complete compaction\n"
    "\n"
    "The replay\n"
    "  --check                   verify every block's content at free, realloc, unlock\n"
    "                            and at the end, and the whole heap some 200 times\n"
    "  --no-touch                do not write to new blocks (default: --touch, a byte\n"
    "                            of every 64; a trace without lock events then locks\n"
    "                            each block for it when it is made or reallocated)\n"
    "  --limit-events N          replay the first N events only\n"
    "  --floor                   replay without a heap as well, and say what that takes\n"
    "\n"
    "Output ('-' as FILE is standard output, in place of the report)\n"
    "  --csv FILE                every metric over time; --samples N rows, about\n"
    "                            (default: 1000)\n"
    "  --heap-map FILE           what lies where, over time; --map-cells N cells of "
    "equal\n"
    "                            size (default: 256)\n"
    "  --steps FILE              one row per call that compacts, the final one excepted\n"
    "  --blockers FILE           the locked blocks that held free memory back\n"
    "  --json                    the report as JSON\n"
    "  -q, --quiet               no report, no progress bar\n"
    "  -h, --help                this text\n"
    "\n"
    "An operation is an alloc, a realloc or a free; the time of lock events is in that\n"
    "of the operations, the time of steps is not. The footprint is what a growing heap\n"
    "has committed, or extent and metadata in a region. The floor is the replay alone,\n"
    "without a heap and without writing to blocks. BYTES and SIZE may be written 64KiB.\n"
    "\n"
    "Who blocks what: after a compaction that is complete no unlocked block fits into a\n"
    "gap below it. Each byte that is free below the highest locked block is then held\n"
    "back by one block, the next locked one above it. --blockers lists these: their\n"
    "number in the trace, size, at how many compactions, the bytes held back summed\n"
    "over these, the most at one, and for how many events the locks lasted that did it.\n"
    "Only calls that compact are looked at (--step N:0 makes complete ones), not what a\n"
    "heap does within an allocation. After 1,000 looks, or 2^25 spans, only every "
    "second\n"
    "one is looked at, then every fourth, and so on; each counts for those it stands "
    "for.\n"
    "\n"
    "Example: rmtool replay --heap 1.3x --check tests/traces/lua-wordfreq.rmt.zst\n";

struct job {
    struct replay_options options;
    const char *path;
    uint64_t limit_events, samples;
    double factor; /* of the peak; 0: options.heap_size says all */
    bool check, floor, json, quiet;
    const char *csv_path, *map_path, *steps_path, *blockers_path;

    struct trace trace;
    struct provenance provenance;
    struct contents contents;
    struct footprint footprint;
    struct series series;
    struct heapmap map;
    struct output csv_file, map_file, steps_file, blockers_file;
    struct blockers blockers;
    struct watcher watchers[4];
};

/* --------------------------------------------------------------------- options */

static int parse_heap(struct job *job, const char *text) {
    uint64_t size;

    job->factor = 0;
    job->options.heap_size = 0;
    if (strcmp(text, "grow") == 0 || parse_factor(text, &job->factor)) return STATUS_OK;
    job->factor = 0;
    if (!parse_size(text, &size) || size == 0 || size > REGION_MAX)
        return complain_usage("replay",
                              "--heap is a size up to 16GiB such as 64MiB, a factor such "
                              "as 1.3x, or grow, not '%s'",
                              text);
    job->options.heap_size = size;
    return STATUS_OK;
}

/* N:BYTES[:NANOSECONDS] */
static int parse_step(struct job *job, const char *text) {
    char copy[96];
    char *bytes = NULL, *nanoseconds = NULL;
    uint64_t size = 0, time = 0;

    if (strlen(text) < sizeof(copy)) {
        strcpy(copy, text);
        bytes = strchr(copy, ':');
    }
    if (bytes) {
        *bytes++ = '\0';
        nanoseconds = strchr(bytes, ':');
    }
    if (nanoseconds) *nanoseconds++ = '\0';
    if (!bytes || !parse_count(copy, &job->options.step_every) ||
        job->options.step_every == 0 || !parse_size(bytes, &size) ||
        (nanoseconds && !parse_count(nanoseconds, &time)))
        return complain_usage(
            "replay", "--step is N:BYTES[:NANOSECONDS] such as 1000:64KiB, not '%s'",
            text);
    job->options.step = (rm_budget_t){.bytes = size, .nanoseconds = time};
    return STATUS_OK;
}

/* Even, for two become one when a heap outgrows them. */
static int parse_cells(struct job *job, const char *text) {
    uint64_t cells;
    int status = parse_number("replay", "map-cells", text, 2, HEAPMAP_CELLS_MAX, &cells);

    job->map.n_cells = cells + cells % 2;
    return status;
}

enum {
    OPTION_HEAP = 256,
    OPTION_COMPACT,
    OPTION_STEP,
    OPTION_THREADS,
    OPTION_TRIM,
    OPTION_CHECK,
    OPTION_TOUCH,
    OPTION_NO_TOUCH,
    OPTION_LIMIT,
    OPTION_FLOOR,
    OPTION_CSV,
    OPTION_SAMPLES,
    OPTION_MAP,
    OPTION_CELLS,
    OPTION_STEPS,
    OPTION_BLOCKERS,
    OPTION_JSON,
};

static const struct option options[] = {
    {"heap", required_argument, NULL, OPTION_HEAP},
    {"compact", required_argument, NULL, OPTION_COMPACT},
    {"step", required_argument, NULL, OPTION_STEP},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"trim", no_argument, NULL, OPTION_TRIM},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"touch", no_argument, NULL, OPTION_TOUCH},
    {"no-touch", no_argument, NULL, OPTION_NO_TOUCH},
    {"limit-events", required_argument, NULL, OPTION_LIMIT},
    {"floor", no_argument, NULL, OPTION_FLOOR},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"samples", required_argument, NULL, OPTION_SAMPLES},
    {"heap-map", required_argument, NULL, OPTION_MAP},
    {"map-cells", required_argument, NULL, OPTION_CELLS},
    {"steps", required_argument, NULL, OPTION_STEPS},
    {"blockers", required_argument, NULL, OPTION_BLOCKERS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case OPTION_HEAP: return parse_heap(job, optarg);
    case OPTION_COMPACT: return parse_policy("replay", optarg, &job->options.policy);
    case OPTION_STEP: return parse_step(job, optarg);
    case OPTION_THREADS: return parse_threads("replay", optarg, &job->options.threads);
    case OPTION_TRIM: job->options.trim = true; break;
    case OPTION_CHECK: job->check = true; break;
    case OPTION_TOUCH: job->options.touch = true; break;
    case OPTION_NO_TOUCH: job->options.touch = false; break;
    case OPTION_LIMIT: return parse_limit_events("replay", optarg, &job->limit_events);
    case OPTION_FLOOR: job->floor = true; break;
    case OPTION_CSV: job->csv_path = optarg; break;
    case OPTION_SAMPLES:
        return parse_number("replay", "samples", optarg, 1, SAMPLES_MAX, &job->samples);
    case OPTION_MAP: job->map_path = optarg; break;
    case OPTION_CELLS: return parse_cells(job, optarg);
    case OPTION_STEPS: job->steps_path = optarg; break;
    case OPTION_BLOCKERS: job->blockers_path = optarg; break;
    case OPTION_JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

/* A file on standard output takes the place of the report. */
static int check_outputs(struct job *job) {
    const char *const paths[] = {job->csv_path, job->map_path, job->steps_path,
                                 job->blockers_path};
    bool taken;
    int status = check_standard_output(
        "replay", "--csv, --heap-map, --steps, --blockers and --json", paths, 4,
        job->json, &taken);

    if (taken) job->quiet = true;
    return status;
}

static int parse(struct job *job, int argc, char **argv, bool *helped) {
    static const struct option_reader reader = {"replay", help, ":qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, job, helped);

    if (status || *helped) return status;
    status = parse_trace("replay", argc, argv, &job->path);
    return status ? status : check_outputs(job);
}

/* --------------------------------------------------------------------- the run */

/* Turns a factor into a size, for which the whole trace has to be known. */
static int measure_trace(struct job *job) {
    const struct trace_totals *totals = &job->trace.totals;
    uint64_t peak;
    double size;
    int status = trace_scan(&job->trace);

    if (status) return status;
    peak = job->options.policy == RM_COMPACT_MANUAL ? totals->peak_copies_bytes
                                                    : totals->peak_live_bytes;
    size = job->factor * (double)peak;
    if (size > (double)REGION_MAX)
        return complain(STATUS_FOUND,
                        "%s: %gx the peak of %" PRIu64
                        " bytes is more than the 16 GiB a heap can use",
                        job->path, job->factor, peak);
    job->options.heap_size = size < 1 ? 1 : (size_t)size;
    return trace_rewind(&job->trace);
}

static int replay_floor(struct job *job, struct replay_result *result) {
    struct replay_options bare = {.driver = &driver_null};
    int status = replay_run(&job->trace, &bare, result);

    return status ? status : trace_rewind(&job->trace);
}

static void write_step(void *context, const struct replay_step *step) {
    const rm_progress_t *progress = step->progress;
    const struct moment *now = step->now;
    FILE *file = context;

    fprintf(file, "%" PRIu64 ",%zu,%zu,%" PRIu64 ",%d", step->event, progress->moved,
            progress->moved_blocks, progress->nanoseconds, progress->complete);
    fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", now->live_blocks,
            now->live_bytes, now->locked_blocks, now->locked_bytes);
    if (step->held_back != UINT64_MAX) fprintf(file, "%" PRIu64, step->held_back);
    fputc('\n', file);
}

static void add_watcher(struct job *job, uint64_t wanted, void *context,
                        int (*look)(void *, const struct moment *),
                        void (*thin)(void *, uint64_t)) {
    struct watcher *watcher = &job->watchers[job->options.n_watchers++];

    *watcher = (struct watcher){.look = look, .thin = thin, .context = context};
    watcher_schedule(watcher, wanted, trace_expected_events(&job->trace));
}

static void set_up_watchers(struct job *job) {
    job->footprint.region = job->options.heap_size > 0;
    job->contents.path = job->path;
    job->options.contents = job->check ? &job->contents : NULL;
    job->options.watchers = job->watchers;
    /* A heap tidies up before it is looked at: whoever asks for nothing gets a replay that
       does not look, as those of minheap do not. */
    if (!job->quiet || job->json)
        add_watcher(job, FOOTPRINT_SAMPLES, &job->footprint, footprint_look,
                    footprint_thin);
    if (job->check) add_watcher(job, CHECKS, &job->contents, contents_look, NULL);
    /* So does a compaction, and what is locked is looked at only after one. */
    blockers_init(&job->blockers);
    if (job->blockers_path || job->steps_path || !job->quiet || job->json)
        job->options.blockers = &job->blockers;
    if (job->csv_path)
        add_watcher(job, job->samples, &job->series, series_look, series_thin);
    if (job->map_path)
        add_watcher(job, MAP_SAMPLES, &job->map, heapmap_look, heapmap_thin);
}

static void describe(struct job *job) {
    const struct replay_options *o = &job->options;
    struct provenance *p = &job->provenance;
    int n;

    p->trace = job->trace.name;
    if (o->heap_size == 0)
        snprintf(p->heap, sizeof(p->heap), "grow");
    else if (job->factor > 0)
        snprintf(p->heap, sizeof(p->heap), "%zu (%gx)", o->heap_size, job->factor);
    else
        snprintf(p->heap, sizeof(p->heap), "%zu", o->heap_size);
    n = snprintf(p->policy, sizeof(p->policy), "%s", policy_name(o->policy));
    if (o->step_every > 0)
        snprintf(p->policy + n, sizeof(p->policy) - (size_t)n,
                 ", step %" PRIu64 ":%zu:%" PRIu64, o->step_every, o->step.bytes,
                 o->step.nanoseconds);
}

static int open_outputs(struct job *job) {
    int status = output_open(&job->csv_file, job->csv_path);

    if (status == STATUS_OK) status = output_open(&job->map_file, job->map_path);
    if (status == STATUS_OK) status = output_open(&job->steps_file, job->steps_path);
    if (status == STATUS_OK)
        status = output_open(&job->blockers_file, job->blockers_path);
    if (status) return status;
    output_provenance(&job->csv_file, &job->provenance);
    output_provenance(&job->map_file, &job->provenance);
    output_provenance(&job->steps_file, &job->provenance);
    output_provenance(&job->blockers_file, &job->provenance);
    if (job->steps_file.file) {
        fputs("event,moved,moved_blocks,nanoseconds,complete,live_blocks,live_bytes,"
              "locked_blocks,locked_bytes,held_back\n",
              job->steps_file.file);
        job->options.on_step = write_step;
        job->options.on_step_context = job->steps_file.file;
    }
    return STATUS_OK;
}

static int close_outputs(struct job *job) {
    series_write(&job->series, &job->csv_file);
    heapmap_write(&job->map, &job->map_file);

    int status = blockers_write(&job->blockers, &job->blockers_file);
    if (status == STATUS_OK) status = output_close(&job->csv_file);
    if (status == STATUS_OK) status = output_close(&job->map_file);
    if (status == STATUS_OK) status = output_close(&job->blockers_file);
    if (status == STATUS_OK) status = output_close(&job->steps_file);
    return status;
}

static int finish(struct job *job, const struct replay_result *result,
                  const struct replay_result *floor) {
    const struct report report = {&job->trace, &job->options,   result,
                                  floor,       &job->footprint, job->factor};
    int status = close_outputs(job);

    if (status == STATUS_OK && job->json) status = report_json(&report);
    if (status == STATUS_OK && !job->json && !job->quiet) report_text(&report);
    return status;
}

static int replay(struct job *job) {
    bool twice = job->factor > 0 || job->floor;
    struct replay_result result = {0}, floor = {0};
    int status, written;

    status = trace_open(&job->trace, job->path, job->limit_events,
                        twice && strcmp(job->path, "-") == 0);
    if (status == STATUS_OK && job->factor > 0) status = measure_trace(job);
    if (status == STATUS_OK && job->floor) status = replay_floor(job, &floor);
    if (status) return status;

    describe(job);
    set_up_watchers(job);
    status = open_outputs(job);
    if (status) return status;
    status = replay_run(&job->trace, &job->options, &result);
    progress_end();
    if (!result.whole) return status;
    written = finish(job, &result, job->floor ? &floor : NULL);
    return status ? status : written;
}

int verb_replay(int argc, char **argv) {
    struct job job = {
        .options = {.driver = &driver_rmalloc, .touch = true, .final_compaction = true},
        .limit_events = UINT64_MAX,
        .samples = SAMPLES_DEFAULT,
    };
    bool helped;
    int status = parse(&job, argc, argv, &helped);

    if (status || helped) return status;
    provenance_init(&job.provenance, argc, argv);
    progress_begin("replay", !job.quiet);
    status = replay(&job);
    progress_end();
    output_discard(&job.csv_file);
    output_discard(&job.map_file);
    output_discard(&job.steps_file);
    output_discard(&job.blockers_file);
    blockers_finish(&job.blockers);
    footprint_finish(&job.footprint);
    series_finish(&job.series);
    heapmap_finish(&job.map);
    contents_finish(&job.contents);
    provenance_finish(&job.provenance);
    trace_close(&job.trace);
    return status;
}
