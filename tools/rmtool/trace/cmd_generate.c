/* SPDX-License-Identifier: MIT */
/*
 * rmtool generate: made-up traces as files. What is written has been read by the reader
 * of traces before, which says what the header has to.
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arguments.h"
#include "trace/generate.h"
#include "base/member.h"
#include "base/output.h"
#include "base/say.h"
#include "trace/trace_writer.h"
#include "base/units.h"

static const char help[] =
    "Usage: rmtool generate [OPTION]... NAME\n"
    "Write a made-up allocation trace (rmt 1, zstd). The same name, seed and scale give\n"
    "the same file. Every verb takes such a trace without a file as well, in place of\n"
    "TRACE, as synth:NAME[,seed=N][,scale=F].\n"
    "\n"
    "  -o, --output FILE   where it goes; '-' is standard output (default:\n"
    "                      NAME.rmt.zst)\n"
    "      --seed N        of the random numbers (default: 1)\n"
    "      --scale F       how much is live and how many events there are, against\n"
    "                      what the list says (default: 1)\n"
    "      --list          the names, and what each stands for\n"
    "      --json          what has been written, as JSON\n"
    "  -q, --quiet         no progress bar, no report\n"
    "  -h, --help          this text\n"
    "\n"
    "Example: rmtool generate redis --scale 0.1 -o redis-small.rmt.zst\n";

struct job {
    const char *seed, *scale, *output;
    char *path; /* synth:... */
    char *file;
    bool list, json, quiet;
    struct trace trace;
    struct trace_totals totals;
};

enum { OPTION_SEED = 256, OPTION_SCALE, OPTION_LIST, OPTION_JSON };

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"scale", required_argument, NULL, OPTION_SCALE},
    {"list", no_argument, NULL, OPTION_LIST},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_list(void) {
    for (const struct generator *g = generators; g->name; g++)
        printf("%-13s %s\n", g->name, g->summary);
}

static int set_option(void *context, int option) {
    struct job *job = context;
    uint64_t seed;
    double scale;

    switch (option) {
    case 'o': job->output = optarg; break;
    case OPTION_SEED:
        job->seed = optarg;
        if (generate_parse_seed(optarg, &seed)) return STATUS_OK;
        return complain_usage("generate", "--seed is a number, not '%s'", optarg);
    case OPTION_SCALE:
        job->scale = optarg;
        if (generate_parse_scale(optarg, &scale)) return STATUS_OK;
        return complain_usage("generate", "--scale is above 0 and at most 1000, not '%s'",
                              optarg);
    case OPTION_LIST: job->list = true; break;
    case OPTION_JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

/* The path that names what the options describe, and the file it goes to. */
static int make_names(struct job *job, const char *name) {
    if (asprintf(&job->path, GENERATE_PREFIX "%s%s%s%s%s", name,
                 job->seed ? ",seed=" : "", job->seed ? job->seed : "",
                 job->scale ? ",scale=" : "", job->scale ? job->scale : "") < 0)
        job->path = NULL;
    if (asprintf(&job->file, "%s.rmt.zst", name) < 0) job->file = NULL;
    if (!job->path || !job->file) return complain(STATUS_IO, "no memory for a name");
    if (!job->output) job->output = job->file;
    return STATUS_OK;
}

static int parse(struct job *job, int argc, char **argv, bool *done) {
    static const struct option_reader reader = {"generate", help, ":o:qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, job, done);

    if (status || *done) return status;
    if (job->list) {
        print_list();
        *done = true;
        return STATUS_OK;
    }
    if (optind == argc)
        return complain_usage("generate", "which trace? --list says what there is");
    if (optind + 1 < argc)
        return complain_usage("generate", "one trace only: what is '%s'?",
                              argv[optind + 1]);
    if (strpbrk(argv[optind], ",/"))
        return complain_usage("generate", "nothing to generate is called '%s'",
                              argv[optind]);
    if (job->json && is_standard_output(job->output))
        return complain_usage("generate",
                              "the trace and --json cannot both go to standard output");
    return make_names(job, argv[optind]);
}

/* ------------------------------------------------------------------- writing */

static void write_keys(const struct job *job, struct trace_writer *writer) {
    const struct generated *made = &job->trace.generated;

    trace_writer_key(writer, "name", "%s", job->trace.name);
    trace_writer_key(writer, "program", "rmtool");
    trace_writer_key(writer, "version", "%s", tool_version);
    trace_writer_key(writer, "command",
                     "rmtool generate %s --seed %" PRIu64 " --scale %g", made->name,
                     made->seed, made->scale);
    trace_writer_key(writer, "kind", "synthetic");
    trace_writer_key(writer, "note", "%s", made->summary);
}

static int write_file(struct job *job) {
    struct trace_event events[1024];
    struct trace_writer *writer;
    size_t n;
    int status = trace_writer_open(&writer, job->output);

    if (status) return status;
    write_keys(job, writer);
    do {
        status = trace_read(&job->trace, events, 1024, &n);
        for (size_t i = 0; i < n && status == STATUS_OK; i++)
            status = trace_writer_event(writer, &events[i]);
        progress_update(job->trace.totals.events, trace_expected_events(&job->trace));
    } while (status == STATUS_OK && n > 0);
    job->totals = job->trace.totals;
    if (status == STATUS_OK) return trace_writer_close(writer);
    trace_writer_discard(writer);
    return status;
}

/* -------------------------------------------------------------------- report */

static int print_json(const struct job *job) {
    const struct generated *made = &job->trace.generated;
    const struct trace_totals *t = &job->totals;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "version",
        tool_version, "trace", made->name, "file", job->output, "seed",
        (json_int_t)made->seed, "scale", made->scale, "events", (json_int_t)t->events,
        "allocations", (json_int_t)t->allocations, "reallocations",
        (json_int_t)t->reallocations, "frees", (json_int_t)t->frees, "peak_live_bytes",
        (json_int_t)t->peak_live_bytes, "peak_live_blocks",
        (json_int_t)t->peak_live_blocks, "end_live_bytes", (json_int_t)t->live_bytes,
        "end_live_blocks", (json_int_t)t->live_blocks);

    return member_print(object);
}

static int print_report(const struct job *job) {
    char peak[SIZE_TEXT], left[SIZE_TEXT];

    if (job->json) return print_json(job);
    if (job->quiet || is_standard_output(job->output)) return STATUS_OK;
    printf("%s: %" PRIu64 " events; peak %s in %" PRIu64 " blocks, %s at the end; seed "
           "%" PRIu64 ", scale %g\n",
           job->output, job->totals.events,
           format_size(peak, job->totals.peak_live_bytes), job->totals.peak_live_blocks,
           format_size(left, job->totals.live_bytes), job->trace.generated.seed,
           job->trace.generated.scale);
    return STATUS_OK;
}

int verb_generate(int argc, char **argv) {
    struct job job = {0};
    bool done;
    int status = parse(&job, argc, argv, &done);

    if (status == STATUS_OK && !done) {
        progress_begin("generating", !job.quiet);
        status = check_terminal("generate", job.output);
        if (status == STATUS_OK)
            status = trace_open(&job.trace, job.path, UINT64_MAX, true);
        if (status == STATUS_OK) status = write_file(&job);
        progress_end();
        if (status == STATUS_OK) status = print_report(&job);
        trace_close(&job.trace);
    }
    free(job.path);
    free(job.file);
    return status;
}
