/* SPDX-License-Identifier: MIT */
/*
 * rmtool stats: what traces consist of.
 */
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arguments.h"
#include "trace/census_report.h"
#include "base/member.h"
#include "base/say.h"
#include "trace/options.h"

#define POINTS 1000

static const char help[] =
    "Usage: rmtool stats [OPTION]... TRACE...\n"
    "Read allocation traces (rmt 1, zstd, gzip or plain; '-' is standard input) and say\n"
    "what they consist of: all that a header counts, counted anew; the sizes of blocks;\n"
    "lifetimes, in events and in bytes that are allocated in the meantime; how far "
    "reallocs\n"
    "grow a block; threads, and frees of other threads' blocks; live bytes over the "
    "trace.\n"
    "\n"
    "      --limit-events N  the first N events only\n"
    "      --csv FILE        live and locked bytes and blocks over the trace\n"
    "      --sizes FILE      the sizes of blocks, as CSV\n"
    "      --lifetimes FILE  lifetimes by powers of two, as CSV\n"
    "      --samples N       rows of --csv, about (default: 1000)\n"
    "      --json            all of it as JSON\n"
    "  -q, --quiet           no progress bar\n"
    "  -h, --help            this text\n"
    "\n"
    "FILE may be '-', standard output. CSV files are of one trace.\n"
    "\n"
    "Example: rmtool stats --csv curve.csv tests/traces/lua-wordfreq.rmt.zst\n";

struct job {
    uint64_t limit_events, samples;
    const char *curve, *sizes, *lifetimes;
    bool json, quiet, silent;
    struct provenance provenance;
    json_t *traces;
};

enum {
    OPTION_LIMIT = 256,
    OPTION_CSV,
    OPTION_SIZES,
    OPTION_LIFETIMES,
    OPTION_SAMPLES,
    OPTION_JSON
};

static const struct option options[] = {
    {"limit-events", required_argument, NULL, OPTION_LIMIT},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"sizes", required_argument, NULL, OPTION_SIZES},
    {"lifetimes", required_argument, NULL, OPTION_LIFETIMES},
    {"samples", required_argument, NULL, OPTION_SAMPLES},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case OPTION_LIMIT: return parse_limit_events("stats", optarg, &job->limit_events);
    case OPTION_CSV: job->curve = optarg; break;
    case OPTION_SIZES: job->sizes = optarg; break;
    case OPTION_LIFETIMES: job->lifetimes = optarg; break;
    case OPTION_SAMPLES:
        return parse_number("stats", "samples", optarg, 1, 1000000, &job->samples);
    case OPTION_JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

static int parse(struct job *job, int argc, char **argv, bool *done) {
    static const struct option_reader reader = {"stats", help, ":qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, job, done);

    if (status || *done) return status;
    if (optind == argc)
        return complain_usage("stats", "which traces? '-' is standard input");
    if (optind + 1 < argc && (job->curve || job->sizes || job->lifetimes))
        return complain_usage("stats", "a CSV file is of one trace: what is '%s'?",
                              argv[optind + 1]);
    const char *paths[] = {job->curve, job->sizes, job->lifetimes};
    return check_standard_output("stats", "--csv, --sizes, --lifetimes, --json", paths, 3,
                                 job->json, &job->silent);
}

static int write_csv(const struct job *job, const char *path, const struct census *census,
                     void (*write)(const struct census *, struct output *)) {
    struct output output;
    int status = output_open(&output, path);

    if (status || !path) return status;
    fprintf(output.file, "# command: %s\n# version: rmtool %s\n# trace: %s\n",
            job->provenance.command ? job->provenance.command : "rmtool stats",
            tool_version, census->trace->name);
    write(census, &output);
    return output_close(&output);
}

static int report(struct job *job, const struct census *census, const char *path) {
    int status = write_csv(job, job->curve, census, census_write_curve);

    if (status == STATUS_OK)
        status = write_csv(job, job->sizes, census, census_write_sizes);
    if (status == STATUS_OK)
        status = write_csv(job, job->lifetimes, census, census_write_lifetimes);
    if (status) return status;
    if (job->json) {
        json_array_append_new(job->traces, census_json(census, path));
    } else if (!job->silent) {
        census_print(census, path);
    }
    return STATUS_OK;
}

static int look_at(struct job *job, const char *path) {
    struct trace trace;
    /* Two histograms of 30 KiB: too large for a stack that is not ours to size. */
    struct census *census = calloc(1, sizeof(*census));
    int status;

    if (!census) return complain(STATUS_IO, "no memory");
    progress_begin("counting", !job->quiet);
    status = trace_open(&trace, path, job->limit_events, false);
    if (status == STATUS_OK) status = census_take(census, &trace, job->samples);
    progress_end();
    if (status == STATUS_OK) status = report(job, census, path);
    census_finish(census);
    free(census);
    trace_close(&trace);
    return status;
}

int verb_stats(int argc, char **argv) {
    struct job job = {.limit_events = UINT64_MAX, .samples = POINTS};
    bool done;
    int status = parse(&job, argc, argv, &done);

    if (status || done) return status;
    provenance_init(&job.provenance, argc, argv);
    job.traces = job.json ? json_array() : NULL;
    for (int i = optind; i < argc && status == STATUS_OK; i++) {
        if (i > optind && !job.json) putchar('\n');
        status = look_at(&job, argv[i]);
    }
    if (job.json && status == STATUS_OK) {
        json_t *object = json_object();
        member_text(object, "version", tool_version);
        json_object_set_new(object, "traces", job.traces);
        status = member_print(object);
    } else {
        json_decref(job.traces);
    }
    provenance_finish(&job.provenance);
    return status;
}
