/* SPDX-License-Identifier: MIT */
/*
 * rmtool micro: options, which groups run, and where the results go.
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arguments.h"
#include "compare/crowd.h"
#include "micro/micro.h"
#include "micro/micro_report.h"
#include "base/output.h"
#include "base/say.h"
#include "base/units.h"
#include "trace/options.h"

enum { ROUNDS = 9, ROUNDS_MAX = MICRO_ROUNDS_MAX, TRACES_MAX = 64 };
enum { MILLISECONDS = 100, MILLISECONDS_MAX = 100000 };

static const struct group {
    const char *name;
    int (*run)(struct micro *micro);
} groups[] =
    {
        {"lock", micro_lock},
        {"alloc", micro_alloc},
        {"compact", micro_compact},
        {"steps", micro_steps},
        {"scale", micro_scale},
        {"small", micro_small},
        {"parallel", micro_parallel},
        {"threads", micro_threads}, /* here, or later: see there */
        {"latency", micro_latency},
};
enum { N_GROUPS = sizeof(groups) / sizeof(groups[0]) };

static const char help[] =
    "Usage: rmtool micro [OPTION]... [GROUP]...\n"
    "Measure what no trace shows by itself, and say which goal each figure is held\n"
    "against. Without a GROUP, all of them:\n"
    "\n"
    "  lock      lock, read and unlock, in the first-level cache\n"
    "  alloc     allocate and free 64 bytes, beside malloc and other libraries' malloc\n"
    "  compact   a full compaction beside one memcpy, by size of the blocks\n"
    "  steps     pauses: compaction steps of 64 KiB over traces\n"
    "  scale     time by live bytes (to 4 GiB) and by handles (to 10^8)\n"
    "  small     payload of small regions; the footprint of 100 small heaps\n"
    "  parallel  operations a second of several threads, beside other libraries\n"
    "  threads   locks beside bare counts, lock and alloc again, beside a second "
    "thread,\n"
    "            which sleeps\n"
    "  latency   lock and allocate, each time, while another thread compacts\n"
    "\n"
    "  --rounds N      of all that is compared, in turn; the medians count (default: 9)\n"
    "  --memory SIZE   the most that scale may take (default: half of what is "
    "available)\n"
    "  --trace TRACE   for steps, a file or synth:NAME; may be given several times\n"
    "                  (default: redis, churn, fragkill, browser, smallhot at a "
    "quarter)\n"
    "  --limit-events N  only the first N events of each of them\n"
    "  --threads N     the most that parallel has at a time; it doubles them from 1\n"
    "                  (default: as many as there are processors, 2 at least)\n"
    "  --milliseconds N  how long parallel and latency run, each time (default: 100)\n"
    "  --seed N        of the random numbers (default: 1)\n"
    "  --csv FILE      all figures, those of curves too; '-' is standard output, in\n"
    "                  place of the table\n"
    "  --json          the same as JSON, in place of the table\n"
    "  -q, --quiet     no table, no progress bar\n"
    "  -h, --help      this text\n"
    "\n"
    "Times are of the processor, those of steps, parallel and latency of the clock on\n"
    "the wall. A goal that is missed is no error: the exit status says only whether it\n"
    "could be measured. plots/README.rst says how to draw what --csv writes.\n"
    "\n"
    "Example: rmtool micro --rounds 15 lock alloc\n";

struct wish {
    struct micro micro;
    const char *traces[TRACES_MAX];
    const char *csv;
    bool wanted[N_GROUPS];
    bool json;
};

enum {
    OPTION_ROUNDS = 256,
    OPTION_MEMORY,
    OPTION_TRACE,
    OPTION_LIMIT,
    OPTION_THREADS,
    OPTION_MILLISECONDS,
    OPTION_SEED,
    OPTION_CSV,
    OPTION_JSON
};

static const struct option options[] = {
    {"rounds", required_argument, NULL, OPTION_ROUNDS},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"limit-events", required_argument, NULL, OPTION_LIMIT},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"milliseconds", required_argument, NULL, OPTION_MILLISECONDS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_option(void *context, int option) {
    struct wish *wish = context;
    struct micro *micro = &wish->micro;
    uint64_t number;
    int status;

    switch (option) {
    case OPTION_ROUNDS:
        status = parse_number("micro", "rounds", optarg, 1, ROUNDS_MAX, &number);
        if (status == STATUS_OK) micro->rounds = (unsigned)number;
        return status;
    case OPTION_MEMORY:
        if (parse_size(optarg, &micro->memory_most)) return STATUS_OK;
        return complain_usage("micro", "--memory is a size, not '%s'", optarg);
    case OPTION_TRACE:
        if (micro->n_traces == TRACES_MAX)
            return complain_usage("micro", "more than %d traces", TRACES_MAX);
        wish->traces[micro->n_traces++] = optarg;
        return STATUS_OK;
    case OPTION_LIMIT: return parse_limit_events("micro", optarg, &micro->limit_events);
    case OPTION_THREADS:
        status = parse_number("micro", "threads", optarg, 1, CROWD_THREADS_MAX, &number);
        if (status == STATUS_OK) micro->threads_most = (unsigned)number;
        return status;
    case OPTION_MILLISECONDS:
        status =
            parse_number("micro", "milliseconds", optarg, 1, MILLISECONDS_MAX, &number);
        if (status == STATUS_OK) micro->run_ns = number * 1000000;
        return status;
    case OPTION_SEED:
        return parse_number("micro", "seed", optarg, 0, UINT64_MAX, &micro->seed);
    case OPTION_CSV: wish->csv = optarg; break;
    case OPTION_JSON: wish->json = true; break;
    case 'q': micro->quiet = true; break;
    }
    return STATUS_OK;
}

static int want(struct wish *wish, const char *name) {
    for (size_t i = 0; i < N_GROUPS; i++) {
        if (strcmp(groups[i].name, name) != 0) continue;
        wish->wanted[i] = true;
        return STATUS_OK;
    }
    return complain_usage("micro", "no group '%s'", name);
}

static int parse(struct wish *wish, int argc, char **argv, bool *helped) {
    static const struct option_reader reader = {"micro", help, ":qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, wish, helped);

    if (status || *helped) return status;
    for (size_t i = 0; i < N_GROUPS && optind == argc; i++) wish->wanted[i] = true;
    for (int i = optind; i < argc && status == STATUS_OK; i++)
        status = want(wish, argv[i]);
    return status ? status
                  : check_standard_output("micro", "--csv and --json", &wish->csv, 1,
                                          wish->json, NULL);
}

/* Of the heaps in all groups that run. */
static const char *policy_of(const struct wish *wish) {
    for (size_t i = 0; i < N_GROUPS; i++)
        if (wish->wanted[i] &&
            (groups[i].run == micro_parallel || groups[i].run == micro_latency))
            return "by row";
    return "manual";
}

static unsigned processors(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 2 ? 2 : n > CROWD_THREADS_MAX ? CROWD_THREADS_MAX : (unsigned)n;
}

/* Half of what the kernel says is available. */
static uint64_t half_of_memory(void) {
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    uint64_t kib = 0;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1) break;
    if (file) fclose(file);
    return kib > 0 ? kib * 512 : UINT64_C(1) << 30;
}

/*
 * Some libraries need room among the thread-local variables that are laid out when a
 * process starts, which the dynamic linker reserves when it is told to: so the process
 * starts anew, once. Where that does not work such a library counts as absent.
 */
static void make_room_for_libraries(int argc, char **argv) {
    static const char room[] = "glibc.rtld.optional_static_tls";
    const char *tunables = getenv("GLIBC_TUNABLES");
    char **again, *text;

    if (tunables && strstr(tunables, room)) return;
    again = calloc((size_t)argc + 2, sizeof(*again));
    if (!again) return;
    if (asprintf(&text, "%s%s%s=65536", tunables ? tunables : "",
                 tunables && *tunables ? ":" : "", room) < 0) {
        free(again);
        return;
    }
    again[0] = (char *)"rmtool";
    for (int i = 0; i < argc; i++) again[i + 1] = argv[i];
    setenv("GLIBC_TUNABLES", text, 1);
    execv("/proc/self/exe", again);
    free(text);
    free(again);
}

static int run(struct wish *wish) {
    struct micro *micro = &wish->micro;
    int status = STATUS_OK;

    for (size_t i = 0; i < N_GROUPS && status == STATUS_OK; i++) {
        if (!wish->wanted[i]) continue;
        micro->group = groups[i].name;
        micro->chance = chance_of(micro->seed);
        progress_begin(groups[i].name, !micro->quiet);
        status = groups[i].run(micro);
        progress_end();
    }
    return status;
}

int verb_micro(int argc, char **argv) {
    struct wish wish = {.micro = {.rounds = ROUNDS,
                                  .seed = 1,
                                  .limit_events = UINT64_MAX,
                                  .threads_most = processors(),
                                  .run_ns = MILLISECONDS * UINT64_C(1000000)}};
    struct provenance provenance;
    bool helped;
    int status = parse(&wish, argc, argv, &helped);

    if (status || helped) return status;
    for (size_t i = 0; i < N_GROUPS; i++)
        if (wish.wanted[i] &&
            (groups[i].run == micro_alloc || groups[i].run == micro_threads))
            make_room_for_libraries(argc, argv);
    provenance_init(&provenance, argc, argv);
    provenance.trace = "by row";
    snprintf(provenance.heap, sizeof(provenance.heap), "by row");
    snprintf(provenance.policy, sizeof(provenance.policy), "%s", policy_of(&wish));
    if (wish.micro.memory_most == 0) wish.micro.memory_most = half_of_memory();
    wish.micro.traces = wish.traces;
    status = run(&wish);
    if (status == STATUS_OK && wish.csv)
        status = micro_write_csv(&wish.micro, wish.csv, &provenance);
    if (status == STATUS_OK && wish.json)
        status = micro_print_json(&wish.micro);
    else if (status == STATUS_OK && !wish.micro.quiet && !is_standard_output(wish.csv))
        micro_print(&wish.micro, &provenance);
    provenance_finish(&provenance);
    free(wish.micro.rows);
    return status;
}
