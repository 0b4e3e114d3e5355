/* SPDX-License-Identifier: MIT */
/*
 * Random operations against a naive model, over kinds of heap, policies and threads. See
 * --help. One TAP line for each batch; a failing one is cut down, and can be done again.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "batch.h"
#include "fault.h"

static void help(FILE *file) {
    fputs("Usage: model [OPTION]...\n"
          "Random operations on heaps of all kinds, held against a naive model. What "
          "fails is cut\n"
          "down to the operations that it takes, printed as calls in C, and kept in a "
          "file.\n"
          "\n"
          "  -n, --operations N   in all (1000000), in batches of 1,000,000 at most\n"
          "  -s, --seed N         of the first batch; the others follow. Without: the "
          "time\n"
          "  -j, --jobs N         processes at a time (1)\n"
          "  -o, --only PART      episodes alone with this in their names, as "
          "4KiB/steady, racing\n"
          "  -J, --journal FILE   note batches that are done; those that are in it are "
          "not done\n"
          "                       again. It holds the seed, which --seed must not "
          "contradict\n"
          "  -e, --episode SEED   this one alone, as a failing batch names it\n"
          "  -r, --replay FILE    a trace that was kept\n"
          "  -d, --directory DIR  where traces of failures are kept (.)\n"
          "  -q, --quick          a failure is told, and not cut down\n"
          "  -l, --list           print the trace of --episode or --replay as calls in "
          "C, too\n"
          "  -h, --help           this text\n"
          "\n"
          "Exit status: 0 nothing is wrong; 1 something is; 2 usage; 3 cannot read or "
          "write;\n"
          "4 the file is not a trace.\n"
          "Examples:\n"
          "  model --operations 10000000 --seed 7 --jobs 2\n"
          "  model --operations 1000000000 --journal done.txt   # goes on where it was "
          "stopped\n"
          "  model --replay model-4711.trace\n",
          file);
}

static _Noreturn void usage(const char *problem, const char *what) {
    fprintf(stderr, "model: %s%s; try --help\n", problem, what);
    exit(2);
}

static uint64_t number(const char *text) {
    char *end = NULL;
    uint64_t value;

    errno = 0;
    value = strtoull(text, &end, 0);
    if (end == text || *end != '\0' || errno != 0 || text[0] == '-')
        usage("not a number: ", text);
    return value;
}

static uint64_t seed_by_time(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) % 1000000007u;
}

static const struct option options[] = {
    {"operations", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},
    {"jobs", required_argument, NULL, 'j'},
    {"only", required_argument, NULL, 'o'},
    {"journal", required_argument, NULL, 'J'},
    {"episode", required_argument, NULL, 'e'},
    {"replay", required_argument, NULL, 'r'},
    {"directory", required_argument, NULL, 'd'},
    {"quick", no_argument, NULL, 'q'},
    {"list", no_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct command {
    struct plan plan;
    const char *replay;
    bool episode, list;
    uint64_t episode_seed;
};

static struct command parse(int argc, char **argv) {
    struct command command = {
        .plan = {.operations = 1000000, .jobs = 1, .only = "", .directory = "."}};
    int c;

    while ((c = getopt_long(argc, argv, "n:s:j:o:J:e:r:d:qlh", options, NULL)) != -1)
        switch (c) {
        case 'n': command.plan.operations = number(optarg); break;
        case 's':
            command.plan.seed = number(optarg);
            command.plan.seeded = true;
            break;
        case 'j': command.plan.jobs = (unsigned)number(optarg); break;
        case 'o': command.plan.only = optarg; break;
        case 'J': command.plan.journal = optarg; break;
        case 'e':
            command.episode_seed = number(optarg);
            command.episode = true;
            break;
        case 'r': command.replay = optarg; break;
        case 'd': command.plan.directory = optarg; break;
        case 'q': command.plan.quick = true; break;
        case 'l': command.list = true; break;
        case 'h': help(stdout); exit(0);
        default: usage("that was not understood", "");
        }
    if (optind < argc) usage("an argument too many: ", argv[optind]);
    if (command.plan.operations == 0) usage("no operations", "");
    if (command.plan.jobs == 0 || command.plan.jobs > JOBS_MOST)
        usage("1 to 64 jobs", "");
    return command;
}

static int replay(const struct command *command) {
    struct shared *shared = shared_make();
    struct trace trace = {{0}, 0, 0, NULL};
    const char *text = trace_read(&trace, command->replay);

    if (text != FINE) {
        fprintf(stderr, "model: %s\n", text);
        return trace.spec.n_heaps == 0 && trace.n == 0 && trace.ops == NULL && errno != 0
                   ? 3
                   : 4;
    }
    if (trace.n > TRACE_MOST) usage("too long a trace: ", command->replay);
    shared->trace.spec = trace.spec;
    shared->trace.n = trace.n;
    memcpy(shared->ops, trace.ops, trace.n * sizeof(*trace.ops));
    free(trace.ops);
    if (command->list) trace_print(&shared->trace, stdout, "# ");
    text = reduce_replay(shared, true, false);
    if (text == FINE) text = reduce_replay(shared, false, false);
    printf("1..1\n%s 1 - %s%s%s\n", text == FINE ? "ok" : "not ok", command->replay,
           text == FINE ? "" : ": ", text == FINE ? "" : text);
    return text != FINE;
}

int main(int argc, char **argv) {
    struct command command = parse(argc, argv);

    setvbuf(stdout, NULL, _IOLBF, 0);
    run_init();
    if (command.replay != NULL) return replay(&command);
    if (command.episode)
        return batch_episode(&command.plan, command.episode_seed, command.list);
    if (!command.plan.seeded) command.plan.seed = seed_by_time();
    return batch_all(&command.plan);
}
