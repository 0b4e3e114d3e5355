/* SPDX-License-Identifier: MIT */
/*
 * rmtool locks: when a program written for malloc would have locked its blocks.
 */
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arguments.h"
#include "base/child.h"
#include "locks/locks.h"
#include "locks/locks_report.h"
#include "base/output.h"
#include "base/say.h"

static const char help[] =
    "Usage: rmtool locks [OPTION]... -- COMMAND [ARGUMENT]...\n"
    "       rmtool locks [OPTION]... ACCESSLOG\n"
    "Run a program, see every access to its blocks (valgrind's lackey; the recorder is\n"
    "preloaded), and infer when it would lock each block, had it been written for\n"
    "handles. Or do so again from the log of an earlier run (--log).\n"
    "\n"
    "  -m, --model MODEL     when a block is unlocked (it is locked at an access); may "
    "be\n"
    "                        given several times (default: gap:1000):\n"
    "                          gap:G         after G accesses to other blocks\n"
    "                          gap:Ti        after T instructions without an access\n"
    "                          frame[:UP]    when the call frame ends that accessed it\n"
    "                                        first, or the one UP callers above\n"
    "                          life:CAP[:OWN:FOREIGN]\n"
    "                                        when its life is 0: each access adds OWN\n"
    "                                        (1), up to CAP, each to another block "
    "takes\n"
    "                                        FOREIGN (0.5) away\n"
    "                          truth         when the program itself says so "
    "(rmrecord.h)\n"
    "                          none          never locked\n"
    "      --sweep           the models gap, frame and life with many parameters\n"
    "      --truth           compare each with the program's own locks: precision and\n"
    "                        recall by blocks x time and by locks\n"
    "      --cost            replay each model's trace, compacting in steps of 64 KiB,\n"
    "                        and find the smallest region in which it completes\n"
    "      --plot DIR        all of it: --sweep --cost, and pictures of it in DIR\n"
    "      --limit-accesses N\n"
    "                        end after N accesses to the heap\n"
    "\n"
    "Output ('-' as FILE is standard output, in place of the report)\n"
    "  -o, --output FILE     the trace with its lock events (rmt 1, zstd); with several\n"
    "                        models each has its name in front of the ending\n"
    "      --log FILE        the accesses, to be used again (rma 1, zstd)\n"
    "      --csv FILE        a row for each model\n"
    "      --json            the report as JSON\n"
    "  -q, --quiet           no report, no progress bar\n"
    "  -h, --help            this text\n"
    "\n"
    "      --join TEXT --records LOG\n"
    "                        from what lackey has written to a file, and the recorder\n"
    "\n"
    "Only COMMAND itself is watched: what it starts, or becomes by exec, runs as ever. "
    "OWN\n"
    "and FOREIGN are above 0 and at most 1000. A signal ends the program, a second "
    "one\n"
    "kills it, and what it has done until then is reported.\n"
    "\n"
    "Time is counted in accesses to the heap. Of several threads valgrind runs one at a\n"
    "time; the order of events is right, how long a lock lasts is as serial as the run,\n"
    "and which frame ends is not exact where they take turns. Instructions are all that\n"
    "run, those of malloc and of the recorder among them.\n"
    "\n"
    "Example: rmtool locks --model gap:1000 -o ls.rmt.zst -- ls -l /usr/share/doc\n";

struct job {
    struct locks locks;
    const char *csv_path, *plot_path;
    char *plot_csv;
    bool sweep, truth, json, quiet;
};

enum {
    OPTION_SWEEP = 256,
    OPTION_TRUTH,
    OPTION_COST,
    OPTION_PLOT,
    OPTION_LIMIT,
    OPTION_LOG,
    OPTION_CSV,
    OPTION_JSON,
    OPTION_JOIN,
    OPTION_RECORDS,
};

static const struct option options[] = {
    {"model", required_argument, NULL, 'm'},
    {"sweep", no_argument, NULL, OPTION_SWEEP},
    {"truth", no_argument, NULL, OPTION_TRUTH},
    {"cost", no_argument, NULL, OPTION_COST},
    {"plot", required_argument, NULL, OPTION_PLOT},
    {"limit-accesses", required_argument, NULL, OPTION_LIMIT},
    {"output", required_argument, NULL, 'o'},
    {"log", required_argument, NULL, OPTION_LOG},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"json", no_argument, NULL, OPTION_JSON},
    {"join", required_argument, NULL, OPTION_JOIN},
    {"records", required_argument, NULL, OPTION_RECORDS},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* ------------------------------------------------------------------------ models */

/* A model that is there already is not added again. */
static int add_model(struct job *job, const char *text) {
    struct locks *locks = &job->locks;
    struct lockmodel_spec spec;

    if (!lockmodel_parse(text, &spec))
        return complain_usage("locks",
                              "'%s' is no model: gap:G, gap:Ti, frame[:UP], "
                              "life:CAP[:OWN:FOREIGN], truth and none are",
                              text);
    for (size_t i = 0; i < locks->n_models; i++)
        if (strcmp(locks->models[i].name, spec.name) == 0) return STATUS_OK;
    if (locks->n_models == LOCKS_MODELS_MAX)
        return complain_usage("locks", "more than %d models", LOCKS_MODELS_MAX);
    locks->models[locks->n_models++] = spec;
    return STATUS_OK;
}

static int add_models(struct job *job) {
    static const char *const sweep[] = {"gap:10",
                                        "gap:30",
                                        "gap:100",
                                        "gap:300",
                                        "gap:1000",
                                        "gap:3000",
                                        "gap:10000",
                                        "gap:30000",
                                        "gap:100000", //
                                        "gap:100i",
                                        "gap:1000i",
                                        "gap:10000i",
                                        "gap:100000i",
                                        "gap:1000000i", //
                                        "frame",
                                        "frame:1",
                                        "frame:2",
                                        "frame:3",
                                        "frame:4",
                                        "frame:6",
                                        "frame:8", //
                                        "life:1",
                                        "life:3",
                                        "life:10",
                                        "life:30",
                                        "life:100",
                                        "life:300",
                                        "life:1000",
                                        "life:3000",
                                        "life:10000", //
                                        "life:10000:3:0.5",
                                        "life:10000:10:0.5",
                                        "life:10000:30:0.5",
                                        "life:10000:100:0.5",
                                        "life:10000:300:0.5",
                                        "life:10000:1000:0.5"};
    int status = STATUS_OK;

    for (size_t i = 0; i < sizeof(sweep) / sizeof(sweep[0]) && job->sweep; i++)
        if (status == STATUS_OK) status = add_model(job, sweep[i]);
    if (status == STATUS_OK && job->locks.n_models == 0)
        status = add_model(job, "gap:1000");
    if (status == STATUS_OK && job->truth) status = add_model(job, "truth");
    if (status == STATUS_OK && job->locks.costs) status = add_model(job, "none");
    return status;
}

/* ----------------------------------------------------------------------- options */

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case 'm': return add_model(job, optarg);
    case OPTION_SWEEP: job->sweep = true; break;
    case OPTION_TRUTH: job->truth = true; break;
    case OPTION_COST: job->locks.costs = true; break;
    case OPTION_PLOT:
        job->plot_path = optarg;
        job->locks.costs = true;
        break;
    case OPTION_LIMIT:
        return parse_number("locks", "limit-accesses", optarg, 1, UINT64_MAX - 1,
                            &job->locks.limit_accesses);
    case 'o': job->locks.trace_path = optarg; break;
    case OPTION_LOG: job->locks.keep_path = optarg; break;
    case OPTION_CSV: job->csv_path = optarg; break;
    case OPTION_JSON: job->json = true; break;
    case OPTION_JOIN: job->locks.text_path = optarg; break;
    case OPTION_RECORDS: job->locks.records_path = optarg; break;
    case 'q': job->quiet = job->locks.quiet = true; break;
    }
    return STATUS_OK;
}

static int parse_source(struct job *job, int argc, char **argv) {
    struct locks *locks = &job->locks;

    if (locks->text_path || locks->records_path) {
        if (!locks->text_path || !locks->records_path)
            return complain_usage("locks", "--join and --records go together");
        if (optind < argc)
            return complain_usage("locks", "with --join, what is '%s'?", argv[optind]);
        return STATUS_OK;
    }
    if (optind == argc)
        return complain_usage("locks", "which access log, or '-- COMMAND'?");
    if (strcmp(argv[optind - 1], "--") == 0) {
        locks->command = argv + optind;
        return STATUS_OK;
    }
    if (optind + 1 < argc)
        return complain_usage("locks",
                              "one access log only: what is '%s'? A command comes "
                              "after '--'",
                              argv[optind + 1]);
    locks->log_path = argv[optind];
    if (locks->keep_path)
        return complain_usage("locks", "--log is for a program that is run");
    return STATUS_OK;
}

static int check_outputs(struct job *job) {
    const struct locks *locks = &job->locks;
    const char *const paths[] = {locks->trace_path, locks->keep_path, job->csv_path};
    bool taken;
    int status = check_standard_output("locks", "--output, --log, --csv and --json",
                                       paths, 3, job->json, &taken);

    if (status) return status;
    if (is_standard_output(locks->trace_path) && (locks->n_models > 1 || locks->costs))
        return complain_usage("locks", "several traces do not go to standard output");
    if ((is_standard_output(locks->trace_path) || is_standard_output(locks->keep_path)) &&
        isatty(STDOUT_FILENO))
        return complain_usage("locks", "compressed data is not for a terminal");
    if (taken) job->quiet = true;
    job->locks.output_aside = taken || job->json;
    return STATUS_OK;
}

static int parse(struct job *job, int argc, char **argv, bool *helped) {
    static const struct option_reader reader = {"locks", help, ":m:o:qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, job, helped);

    if (status || *helped) return status;
    if (job->plot_path && job->locks.n_models == 0) job->sweep = true;
    status = add_models(job);
    if (status == STATUS_OK) status = parse_source(job, argc, argv);
    return status ? status : check_outputs(job);
}

/* ------------------------------------------------------------------------ results */

static int write_csv(const struct locks_report *report, const char *path, int argc,
                     char **argv) {
    struct provenance provenance;
    struct output output;
    int status = output_open(&output, path);

    if (status) return status;
    provenance_init(&provenance, argc, argv);
    provenance.trace = report->name;
    output_provenance(&output, &provenance);
    locks_report_csv(report, &output);
    provenance_finish(&provenance);
    return output_close(&output);
}

/* DIR/NAME-locks.csv, for the pictures. */
static int prepare_plot(struct job *job) {
    int status = output_directory(job->plot_path);

    if (status) return status;
    if (asprintf(&job->plot_csv, "%s/%s-locks.csv", job->plot_path,
                 job->locks.header.name) < 0) {
        job->plot_csv = NULL;
        return complain(STATUS_IO, "no memory for a name");
    }
    return STATUS_OK;
}

static int plot(struct job *job) {
    const char *argv[] = {"/proc/self/exe", "plot",        "-q", "-o",
                          job->plot_path,   job->plot_csv, NULL};
    char program[4096];
    ssize_t length = readlink(argv[0], program, sizeof(program) - 1);
    bool found;

    if (length < 0) return complain(STATUS_IO, "%s: %s", argv[0], strerror(errno));
    program[length] = '\0';
    argv[0] = program;
    int status = child_run(argv, NULL, true, &found);
    if (status == STATUS_OK && !job->quiet)
        printf("\npictures and their numbers: %s\n", job->plot_path);
    return status;
}

static int finish(struct job *job, int argc, char **argv) {
    const struct locks *locks = &job->locks;
    const struct locks_report report = {
        .name = locks->header.name,
        .command = locks->header.command,
        .locking = &locks->locking,
        .gathered = locks->has_gathered ? &locks->gathered : NULL,
        .costs = locks->cost,
        .seconds = locks->seconds,
    };
    int status = write_csv(&report, job->csv_path, argc, argv);

    if (status == STATUS_OK && job->plot_path) {
        status = prepare_plot(job);
        if (status == STATUS_OK) status = write_csv(&report, job->plot_csv, argc, argv);
    }
    if (status == STATUS_OK && job->json) status = locks_report_json(&report);
    if (status == STATUS_OK && !job->json && !job->quiet) locks_report_text(&report);
    if (status == STATUS_OK && job->plot_path && locks->locking.population.clock == 0)
        return complain(STATUS_FOUND, "%s: no accesses, so there is nothing to draw",
                        locks->header.name);
    if (status == STATUS_OK && job->plot_path) status = plot(job);
    if (status == STATUS_OK && locks->locking.truth && locks->locking.own_locks == 0)
        status = complain(STATUS_FOUND,
                          "%s says nothing of its own locks: there is no "
                          "truth to compare with",
                          locks->header.name);
    return status;
}

int verb_locks(int argc, char **argv) {
    struct job job = {.locks.limit_accesses = UINT64_MAX};
    bool helped;
    int status = parse(&job, argc, argv, &helped);

    if (status || helped) return status;
    status = locks_run(&job.locks);
    if (status == STATUS_OK) status = finish(&job, argc, argv);
    if (status == STATUS_OK) status = job.locks.cost_status;
    locks_finish(&job.locks);
    free(job.plot_csv);
    return status;
}
