/* SPDX-License-Identifier: MIT */
/*
 * rmtool minheap: the smallest region of a caller's memory in which a trace completes.
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "base/bisect.h"
#include "base/member.h"
#include "base/output.h"
#include "replay/replay.h"
#include "replay/report.h"
#include "base/say.h"
#include "base/units.h"
#include "trace/options.h"

#define RESOLUTION_SHARE 2048 /* of the peak: 0.05 % */
#define RESOLUTION_LEAST 16

static const char help[] =
    "Usage: rmtool minheap [OPTION]... TRACE\n"
    "Find the smallest region of memory, all metadata counted, in which an allocation\n"
    "trace (rmt 1, zstd or plain; '-' is standard input) completes: by bisection, to\n"
    "0.05 % of the peak of live bytes.\n"
    "\n"
    "  --compact POLICY      demand (default), steady, or manual: then the replay\n"
    "                        compacts when memory is out, and tries once more\n"
    "  --threads safe|none   synchronisation of the heap (default: safe)\n"
    "  --limit-events N      the first N events only\n"
    "  --json                the result as JSON\n"
    "  -q, --quiet           the number of bytes alone, no progress bar\n"
    "  -h, --help            this text\n"
    "\n"
    "The trace is kept in memory between the runs; where it takes more than 2 GiB "
    "there,\n"
    "it is read anew for each, which standard input cannot be.\n"
    "\n"
    "Example: rmtool minheap tests/traces/lua-wordfreq.rmt.zst\n";

struct search {
    struct replay_options options;
    const char *path;
    uint64_t limit_events;
    bool json, quiet;

    struct trace trace;
    struct trace_totals totals;
    struct bisection sizes;
};

enum { OPTION_COMPACT = 256, OPTION_THREADS, OPTION_LIMIT, OPTION_JSON };

static const struct option options[] = {
    {"compact", required_argument, NULL, OPTION_COMPACT},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"limit-events", required_argument, NULL, OPTION_LIMIT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_option(void *context, int option) {
    struct search *search = context;

    switch (option) {
    case OPTION_COMPACT: return parse_policy("minheap", optarg, &search->options.policy);
    case OPTION_THREADS:
        return parse_threads("minheap", optarg, &search->options.threads);
    case OPTION_LIMIT:
        return parse_limit_events("minheap", optarg, &search->limit_events);
    case OPTION_JSON: search->json = true; break;
    case 'q': search->quiet = true; break;
    }
    return STATUS_OK;
}

static int parse(struct search *search, int argc, char **argv, bool *helped) {
    static const struct option_reader reader = {"minheap", help, ":qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, search, helped);

    return status || *helped ? status : parse_trace("minheap", argc, argv, &search->path);
}

/* ---------------------------------------------------------------------- search */

static int try_size(void *context, uint64_t size, bool *good) {
    struct search *search = context;
    struct replay_result result;
    char what[SIZE_TEXT + 16];
    int status = trace_rewind(&search->trace);

    if (status) return status;
    snprintf(what, sizeof(what), "run %u: %.4fx", search->sizes.runs,
             ratio_of(size, search->totals.peak_live_bytes));
    progress_begin(what, !search->quiet);
    search->options.heap_size = size;
    status = replay_run(&search->trace, &search->options, &result);
    progress_end();
    *good = status == STATUS_OK;
    return result.out_of_memory ? STATUS_OK : status;
}

static int find(struct search *search) {
    struct bisection *sizes = &search->sizes;
    uint64_t peak = search->totals.peak_live_bytes;
    int status;

    sizes->resolution = peak / RESOLUTION_SHARE / RESOLUTION_LEAST * RESOLUTION_LEAST;
    if (sizes->resolution < RESOLUTION_LEAST) sizes->resolution = RESOLUTION_LEAST;
    sizes->fails = peak; /* there is no room for a handle */
    sizes->most = REGION_MAX;
    status = bisect(sizes, peak + peak / 4 + (UINT64_C(64) << 10), try_size, search);
    if (status == STATUS_OK && sizes->suffices == 0)
        return complain(STATUS_FOUND, "%s: does not complete in 16 GiB", search->path);
    return status;
}

static int print_json(const struct search *search, double factor) {
    json_t *name = json_string(search->trace.name);
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:s, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "version",
        tool_version, "trace", name ? name : json_string("(not UTF-8)"), "policy",
        policy_name(search->options.policy), "threads",
        threads_name(search->options.threads), "bytes",
        (json_int_t)search->sizes.suffices, "factor", factor, "peak_live_bytes",
        (json_int_t)search->totals.peak_live_bytes, "peak_live_blocks",
        (json_int_t)search->totals.peak_live_blocks, "peak_copies_bytes",
        (json_int_t)search->totals.peak_copies_bytes, "events",
        (json_int_t)search->totals.events, "resolution",
        (json_int_t)search->sizes.resolution, "runs", (json_int_t)search->sizes.runs);

    return member_print(object);
}

static int print_result(const struct search *search) {
    uint64_t peak = search->totals.peak_live_bytes;
    double factor = ratio_of(search->sizes.suffices, peak);

    if (search->json) return print_json(search, factor);
    if (search->quiet)
        printf("%" PRIu64 "\n", search->sizes.suffices);
    else
        printf("%s: %" PRIu64 " bytes, %.4f x the peak of %" PRIu64
               " live bytes in %" PRIu64 " blocks (%s, %u runs)\n",
               search->trace.name, search->sizes.suffices, factor, peak,
               search->totals.peak_live_blocks, policy_name(search->options.policy),
               search->sizes.runs);
    return STATUS_OK;
}

int verb_minheap(int argc, char **argv) {
    struct search search = {
        .options = {.driver = &driver_rmalloc, .memory_may_run_out = true},
        .limit_events = UINT64_MAX,
    };
    bool helped;
    int status = parse(&search, argc, argv, &helped);

    if (status || helped) return status;
    progress_begin("reading", !search.quiet);
    status = trace_open(&search.trace, search.path, search.limit_events, true);
    if (status == STATUS_OK) status = trace_scan(&search.trace);
    progress_end();
    search.totals = search.trace.totals;
    if (status == STATUS_OK) status = find(&search);
    if (status == STATUS_OK) status = print_result(&search);
    trace_close(&search.trace);
    return status;
}
