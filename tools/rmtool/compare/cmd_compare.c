/* SPDX-License-Identifier: MIT */
/*
 * rmtool compare: its arguments, and the files that come of it.
 */
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "compare/compare.h"
#include "compare/compare_files.h"
#include "base/say.h"
#include "trace/options.h"
#include "verbs.h"

static const char help[] =
    "Usage: rmtool compare [OPTION]... TRACE...\n"
    "Replay traces on rmalloc, glibc, and what else is there: jemalloc, mimalloc and\n"
    "tcmalloc, loaded as shared objects. Runs are interleaved, each in a process of its\n"
    "own. All write to the same memory, a byte of every 64 of what is new; rmalloc\n"
    "locks and unlocks each block for that, and for a trace's own lock events.\n"
    "\n"
    "  -a, --allocators LIST  only those, with commas between (default: all)\n"
    "      --peer NAME=LIBRARY\n"
    "                         one more malloc, in that shared object; one called tlsf\n"
    "                         or mesh is set against the goals that name these\n"
    "  -m, --measure LIST     what, with commas between (default: all)\n"
    "  -n, --runs N           of each pair for the time (default: 5)\n"
    "      --samples N        along a trace (default: 200)\n"
    "      --seed N           of the blocks that are freed for 'left' (default: 1)\n"
    "      --limit-events N   only the first N events of each trace\n"
    "      --no-huge-pages    forbid them to all (default: as the system has it)\n"
    "      --scores           the thesis's penalties of every trace, not only of all\n"
    "\n"
    "Output ('-' as FILE is standard output, in place of the tables)\n"
    "      --csv FILE         one row per trace and allocator, with all figures\n"
    "      --series FILE      along the traces: footprint, largest request, time\n"
    "      --times FILE       one row per timed run\n"
    "      --json             all as JSON, in place of the tables\n"
    "  -q, --quiet            no tables, no progress bar\n"
    "  -h, --help             this text\n"
    "\n"
    "What can be measured\n"
    "  time         user and system time of the whole replay, page faults included, per\n"
    "               alloc, realloc or free, less the floor: the same replay where a\n"
    "               pointer runs through a small buffer; median of the runs\n"
    "  footprint    memory by the kernel's count (Pss, without files), less what was\n"
    "               there before the allocator began; over requested bytes. Peak: the\n"
    "               most over the most; mean: sums over the samples\n"
    "  left         the same, when a random 95 % of the blocks alive at the peak are\n"
    "               freed and all is compacted, trimmed or purged\n"
    "  smallest     the smallest heap in which the trace completes: of rmalloc a "
    "region,\n"
    "               of the others a limit to what they map writable (RLIMIT_DATA). It "
    "may\n"
    "               take 10 times its time there, or 2 seconds\n"
    "  largest      the largest request that would succeed, along the trace, in a heap "
    "of\n"
    "               1.3 times the peak of live bytes, limited in the same ways\n"
    "  small-pages  the time once more, where nobody is given huge pages\n"
    "\n"
    "Exit status: 1 where an allocator failed on a trace without a limit.\n"
    "\n"
    "Example: rmtool compare -a rmalloc,glibc tests/traces/lua-wordfreq.rmt.zst\n";

enum {
    PEER = 256,
    SCORES,
    CSV,
    SERIES,
    TIMES,
    JSON,
    SAMPLES,
    SEED,
    LIMIT_EVENTS,
    NO_HUGE_PAGES
};

static const struct option options[] = {
    {"allocators", required_argument, NULL, 'a'},
    {"peer", required_argument, NULL, PEER},
    {"runs", required_argument, NULL, 'n'},
    {"measure", required_argument, NULL, 'm'},
    {"seed", required_argument, NULL, SEED},
    {"samples", required_argument, NULL, SAMPLES},
    {"limit-events", required_argument, NULL, LIMIT_EVENTS},
    {"no-huge-pages", no_argument, NULL, NO_HUGE_PAGES},
    {"scores", no_argument, NULL, SCORES},
    {"csv", required_argument, NULL, CSV},
    {"series", required_argument, NULL, SERIES},
    {"times", required_argument, NULL, TIMES},
    {"json", no_argument, NULL, JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int parse_measures(const char *text, unsigned *measures) {
    static const char *const names[] = {"time",     "footprint", "left",
                                        "smallest", "largest",   "small-pages"};
    enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

    *measures = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < N_NAMES &&
               (strlen(names[i]) != length || memcmp(names[i], at, length) != 0))
            i++;
        if (i == N_NAMES)
            return complain_usage("compare", "nothing to measure is called '%.*s'",
                                  (int)length, at);
        *measures |= 1u << i;
        at += length;
        if (*at == '\0') return STATUS_OK;
    }
}

enum { N_FILES = 3 };

struct wish {
    struct compare compare;
    const char *allocators;
    const char *files[N_FILES]; /* the summary, series, times */
    bool json, printed;         /* printed: one of the files goes to standard output */
};

static int set_option(void *context, int option) {
    struct wish *wish = context;
    struct compare_options *to = &wish->compare.options;

    switch (option) {
    case 'a': wish->allocators = optarg; break;
    case PEER: return entrants_add(&wish->compare.entrants, optarg);
    case 'm': return parse_measures(optarg, &to->measures);
    case 'n':
        return parse_number("compare", "runs", optarg, 1, COMPARE_RUNS_MAX, &to->runs);
    case SAMPLES:
        return parse_number("compare", "samples", optarg, 1, JOB_MARKS_MAX - 1,
                            &to->samples);
    case SEED:
        return parse_number("compare", "seed", optarg, 0, UINT64_MAX / 4, &to->seed);
    case LIMIT_EVENTS: return parse_limit_events("compare", optarg, &to->limit_events);
    case NO_HUGE_PAGES: to->no_huge_pages = true; break;
    case SCORES: to->scores = true; break;
    case CSV: wish->files[0] = optarg; break;
    case SERIES: wish->files[1] = optarg; break;
    case TIMES: wish->files[2] = optarg; break;
    case JSON: wish->json = true; break;
    case 'q': to->quiet = true; break;
    }
    return STATUS_OK;
}

static int parse(struct wish *wish, int argc, char **argv, bool *helped) {
    static const struct option_reader reader = {"compare", help, ":a:m:n:qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, wish, helped);

    if (status || *helped) return status;
    if (optind == argc) return complain_usage("compare", "which trace?");
    status = check_standard_output("compare", "--csv, --series, --times and --json",
                                   wish->files, N_FILES, wish->json, &wish->printed);
    if (status || !wish->allocators) return status;
    return entrants_keep(&wish->compare.entrants, wish->allocators);
}

/* ------------------------------------------------------------------------ files */

static int open_files(struct output files[N_FILES], const struct wish *wish) {
    int status = STATUS_OK;

    for (size_t i = 0; i < N_FILES && status == STATUS_OK; i++)
        status = output_open(&files[i], wish->files[i]);
    return status;
}

static int write_files(const struct compare *compare, struct output files[N_FILES],
                       const struct provenance *provenance) {
    int status = STATUS_OK;

    compare_write_summary(compare, &files[0], provenance);
    compare_write_series(compare, &files[1], provenance);
    compare_write_runs(compare, &files[2], provenance);
    for (size_t i = 0; i < N_FILES && status == STATUS_OK; i++)
        status = output_close(&files[i]);
    return status;
}

static int run(struct wish *wish, int argc, char **argv) {
    struct compare *compare = &wish->compare;
    struct output files[N_FILES] = {{0}};
    struct provenance provenance;
    int status, failed = STATUS_OK;

    provenance_init(&provenance, argc, argv);
    provenance.trace = "by row";
    snprintf(provenance.heap, sizeof(provenance.heap), "grow");
    snprintf(provenance.policy, sizeof(provenance.policy), "by allocator");
    status = open_files(files, wish);
    if (status == STATUS_OK) status = entrants_find(&compare->entrants);
    if (status == STATUS_OK)
        status = compare_run(compare, argv + optind, (size_t)(argc - optind));
    if (status == STATUS_OK || status == STATUS_FOUND) {
        failed = write_files(compare, files, &provenance);
        if (failed == STATUS_OK && wish->json)
            failed = compare_print_json(compare, &provenance);
        else if (failed == STATUS_OK && !wish->printed && !compare->options.quiet)
            compare_print(compare, &provenance);
    }
    for (size_t i = 0; i < N_FILES; i++) output_discard(&files[i]);
    provenance_finish(&provenance);
    return failed ? failed : status;
}

int verb_compare(int argc, char **argv) {
    struct wish wish = {.compare.options = {.limit_events = UINT64_MAX,
                                            .runs = 5,
                                            .samples = 200,
                                            .seed = 1,
                                            .measures = MEASURE_ALL}};
    bool helped;
    int status;

    if (argc == 3 && strcmp(argv[1], WORKER_OPTION) == 0) return worker_main(argv[2]);
    entrants_known(&wish.compare.entrants);
    status = parse(&wish, argc, argv, &helped);
    if (status || helped) return status;
    status = run(&wish, argc, argv);
    compare_finish(&wish.compare);
    return status;
}
