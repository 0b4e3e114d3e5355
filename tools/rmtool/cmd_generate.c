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
#include <unistd.h>

#include "arguments.h"
#include "generate.h"
#include "member.h"
#include "output.h"
#include "packer.h"
#include "say.h"
#include "trace.h"
#include "units.h"

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
    uint64_t largest; /* block, bytes */
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

static int read_all(struct job *job) {
    struct trace_event events[1024];
    size_t n;
    int status;

    do {
        status = trace_read(&job->trace, events, 1024, &n);
        for (size_t i = 0; i < n; i++)
            if (events[i].size > job->largest) job->largest = events[i].size;
    } while (status == STATUS_OK && n > 0);
    job->totals = job->trace.totals;
    return status;
}

static void write_header(const struct job *job, FILE *file) {
    const struct trace_totals *t = &job->totals;

    fprintf(file, "# rmt 1\n# name: %s\n# program: rmtool\n# version: %s\n",
            job->trace.name, tool_version);
    fprintf(file, "# command: rmtool generate %s --seed %" PRIu64 " --scale %g\n",
            job->trace.generated.name, job->trace.generated.seed,
            job->trace.generated.scale);
    fprintf(file, "# kind: synthetic\n# events: %" PRIu64 "\n# threads: 1\n", t->events);
    fprintf(file,
            "# allocs: %" PRIu64 "\n# reallocs: %" PRIu64 "\n# frees: %" PRIu64 "\n",
            t->allocations, t->reallocations, t->frees);
    fprintf(file, "# peak-live-bytes: %" PRIu64 "\n# peak-live-blocks: %" PRIu64 "\n",
            t->peak_live_bytes, t->peak_live_blocks);
    fprintf(file, "# end-live-bytes: %" PRIu64 "\n# end-live-blocks: %" PRIu64 "\n",
            t->live_bytes, t->live_blocks);
    fprintf(file, "# max-size: %" PRIu64 "\n# note: %s\n", job->largest,
            job->trace.generated.summary);
}

static void write_events(struct job *job, FILE *file) {
    struct trace_line line;

    tape_rewind(&job->trace.tape);
    while (tape_read(&job->trace.tape, &line)) {
        if (line.op == 'r')
            fprintf(file, "r %" PRIu64 " %" PRIu64 "\n", line.first, line.second);
        else
            fprintf(file, "%c %" PRIu64 "\n", line.op, line.first);
        if (line.number % 65536 == 0) progress_update(line.number, job->totals.events);
    }
}

static int write_file(struct job *job) {
    struct output output;
    struct packer *packer;
    int status = output_open(&output, job->output);

    if (status) return status;
    status = packer_open(&packer, output.file, job->output);
    if (status == STATUS_OK) {
        write_header(job, packer_stream(packer));
        write_events(job, packer_stream(packer));
        status = packer_close(packer);
    }
    if (status == STATUS_OK) return output_close(&output);
    output_discard(&output);
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
        if (is_standard_output(job.output) && isatty(STDOUT_FILENO))
            status = complain_usage("generate", "compressed data is not for a terminal");
        if (status == STATUS_OK)
            status = trace_open(&job.trace, job.path, UINT64_MAX, true);
        if (status == STATUS_OK) status = read_all(&job);
        if (status == STATUS_OK) status = write_file(&job);
        progress_end();
        if (status == STATUS_OK) status = print_report(&job);
        trace_close(&job.trace);
    }
    free(job.path);
    free(job.file);
    return status;
}
