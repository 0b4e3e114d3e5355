/* SPDX-License-Identifier: MIT */
/*
 * rmtool compare: its arguments.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "compare.h"
#include "say.h"
#include "verbs.h"

static const char help[] =
    "Usage: rmtool compare [OPTION]... TRACE...\n"
    "Replay traces on rmalloc, glibc, and what else is there: jemalloc, mimalloc and\n"
    "tcmalloc, loaded as shared objects. Runs are interleaved, each in a process of its\n"
    "own; the same memory is written to, a byte of every 64.\n"
    "\n"
    "  -a, --allocators LIST  only those, with commas between (default: all)\n"
    "      --peer NAME=LIBRARY\n"
    "                         one more malloc, in that shared object\n"
    "  -m, --measure LIST     of time, footprint, left, smallest, largest, with commas\n"
    "                         between (default: all)\n"
    "  -n, --runs N           of each pair for the time (default: 5)\n"
    "      --samples N        along a trace (default: 200)\n"
    "      --seed N           of the blocks that are freed for 'left' (default: 1)\n"
    "      --limit-events N   only the first N events of each trace\n"
    "      --no-huge-pages    forbid them to all (default: as the system has it)\n"
    "  -q, --quiet            no progress bar\n"
    "  -h, --help             this text\n"
    "\n"
    "The time is user and system time of the whole replay, page faults included, per\n"
    "alloc, realloc or free. From it the floor is taken off: the same replay, in which\n"
    "a pointer runs through a small buffer. The footprint is the memory that the kernel\n"
    "says is there (Pss, without files), less what there was before the allocator "
    "began.\n"
    "\n"
    "Example: rmtool compare -a rmalloc,glibc tests/traces/lua-wordfreq.rmt.zst\n";

enum { PEER = 256, SAMPLES, SEED, LIMIT_EVENTS, NO_HUGE_PAGES };

static const struct option options[] = {
    {"allocators", required_argument, NULL, 'a'},
    {"peer", required_argument, NULL, PEER},
    {"runs", required_argument, NULL, 'n'},
    {"measure", required_argument, NULL, 'm'},
    {"seed", required_argument, NULL, SEED},
    {"samples", required_argument, NULL, SAMPLES},
    {"limit-events", required_argument, NULL, LIMIT_EVENTS},
    {"no-huge-pages", no_argument, NULL, NO_HUGE_PAGES},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int parse_measures(const char *text, unsigned *measures) {
    static const char *const names[] = {"time", "footprint", "left", "smallest",
                                        "largest"};

    *measures = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < 5 && (strlen(names[i]) != length || memcmp(names[i], at, length) != 0))
            i++;
        if (i == 5)
            return complain_usage("compare", "nothing to measure is called '%.*s'",
                                  (int)length, at);
        *measures |= 1u << i;
        at += length;
        if (*at == '\0') return STATUS_OK;
    }
}

static int set_option(struct compare *compare, int option, char **argv,
                      const char **allocators) {
    struct compare_options *to = &compare->options;

    switch (option) {
    case 'a': *allocators = optarg; return STATUS_OK;
    case PEER: return entrants_add(&compare->entrants, optarg);
    case 'm': return parse_measures(optarg, &to->measures);
    case 'n':
        return parse_number("compare", "runs", optarg, 1, COMPARE_RUNS_MAX, &to->runs);
    case SAMPLES:
        return parse_number("compare", "samples", optarg, 1, JOB_MARKS_MAX - 1,
                            &to->samples);
    case SEED:
        return parse_number("compare", "seed", optarg, 0, UINT64_MAX / 4, &to->seed);
    case LIMIT_EVENTS:
        return parse_number("compare", "limit-events", optarg, 0, UINT64_MAX - 1,
                            &to->limit_events);
    case NO_HUGE_PAGES: to->no_huge_pages = true; return STATUS_OK;
    case 'q': to->quiet = true; return STATUS_OK;
    default: return complain_option("compare", option, argv);
    }
}

static int parse(struct compare *compare, int argc, char **argv, bool *helped) {
    const char *allocators = NULL;
    int option;

    optind = 0; /* getopt begins anew */
    opterr = 0;
    *helped = false;
    while ((option = getopt_long(argc, argv, ":a:m:n:qh", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            *helped = true;
            return STATUS_OK;
        }
        int status = set_option(compare, option, argv, &allocators);
        if (status) return status;
    }
    if (optind == argc) return complain_usage("compare", "which trace?");
    return allocators ? entrants_keep(&compare->entrants, allocators) : STATUS_OK;
}

int verb_compare(int argc, char **argv) {
    struct compare compare = {.options = {.limit_events = UINT64_MAX,
                                          .runs = 5,
                                          .samples = 200,
                                          .seed = 1,
                                          .measures = MEASURE_ALL}};
    bool helped;
    int status;

    if (argc == 3 && strcmp(argv[1], WORKER_OPTION) == 0) return worker_main(argv[2]);
    entrants_known(&compare.entrants);
    status = parse(&compare, argc, argv, &helped);
    if (status || helped) return status;
    status = entrants_find(&compare.entrants);
    if (status == STATUS_OK)
        status = compare_run(&compare, argv + optind, (size_t)(argc - optind));
    if (status == STATUS_OK || status == STATUS_FOUND) compare_print(&compare);
    compare_finish(&compare);
    return status;
}
