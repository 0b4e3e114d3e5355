/* SPDX-License-Identifier: MIT */
/*
 * hostile [--trials N] [--seed N] [--integrity] [--kind KIND] [--jobs N] [--only N]
 *
 * Words of a heap are damaged, and every call is made: TAP, one line for each kind of word, and a table.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hostile.h"

enum { ROUND = 100 * 1000 }; /* trials, after which it says how far it is */

static const char help[] =
    "Usage: hostile [OPTION]...\n"
    "Damage words of heaps between guard pages, and make every call: nothing may crash, "
    "hang, or\n"
    "write outside of the heap.\n"
    "\n"
    "  --trials N    how many (20000)\n"
    "  --seconds N   and more, by hundreds of thousands, until so much time has passed\n"
    "  --seed N      the same heaps and damage again (else the clock's)\n"
    "  --integrity   heaps that verify themselves: they have to say RM_ECORRUPT, and "
    "write no more\n"
    "  --threads     in processes that have had another thread: heaps have caches then\n"
    "  --kind KIND   one kind of words; `--kind list` prints them\n"
    "  --jobs N      processes at a time (1)\n"
    "  --only N      one trial of that number, in this process: for a debugger\n"
    "  -h, --help    this text\n"
    "\n"
    "Exit status: 0 all well; 1 something is wrong; 2 usage; 3 no memory or process.\n"
    "Examples: hostile --trials 10000000 --jobs 2\n"
    "          hostile --integrity --seed 7 --kind entry\n"
    "          gdb --args hostile --seed 7 --only 1234\n";

static _Noreturn void usage(const char *problem, const char *what) {
    fprintf(stderr, "hostile: %s '%s'; try --help\n", problem, what);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least) {
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);
    if (end == text || *end != '\0' || *text == '-') usage("not a number:", text);
    if (value < least) usage("too small:", text);
    return value;
}

static enum kind kind_named(const char *name) {
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        if (strcmp(name, "list") == 0) puts(kind_names[kind]);
        if (strcmp(name, kind_names[kind]) == 0) return (enum kind)kind;
    }
    if (strcmp(name, "list") == 0) exit(0);
    usage("no such kind:", name);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct work parse(int argc, char **argv, uint64_t *seconds) {
    static const struct option options[] = {{"trials", required_argument, NULL, 't'},
                                            {"seconds", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"integrity", no_argument, NULL, 'i'},
                                            {"threads", no_argument, NULL, 'm'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct work work = {
        .seed = (uint64_t)time(NULL), .trials = 20000, .kind = N_KINDS, .jobs = 1};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
        case 't': work.trials = number(optarg, 1); break;
        case 'n': *seconds = number(optarg, 1); break;
        case 's': work.seed = number(optarg, 0); break;
        case 'm': work.threads = true; break;
        case 'i': work.integrity = true; break;
        case 'k': work.kind = kind_named(optarg); break;
        case 'j': work.jobs = (unsigned)number(optarg, 1); break;
        case 'o':
            work.from = number(optarg, 0);
            work.alone = true;
            break;
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    if (optind < argc) usage("unknown argument", argv[optind]);
    if (work.jobs > 64) usage("at most 64 jobs, not", "more");
    if (work.alone) work.trials = 1;
    return work;
}

/* Of words that were damaged a call or rm_heap_check has to say so, in heaps that verify themselves; what
   lies in no block and means nothing may be anything. */
static bool is_well(const struct work *work, enum kind kind, const struct row *r) {
    if (r->crashes + r->hangs + r->outside > 0) return false;
    return !work->integrity || kind == K_ANY ||
           (r->missed == 0 && r->wrote == 0 && r->found == r->trials - r->unlike);
}

int main(int argc, char **argv) {
    struct row rows[N_KINDS] = {{0}};
    uint64_t seconds = 0, trials = 0, seed;
    struct work work = parse(argc, argv, &seconds);
    bool well = true;
    double begun = now();
    seed = work.seed;
    printf("# seed %" PRIu64 "\n1..%u\n", seed, (unsigned)N_KINDS);
    uint64_t wanted = work.trials;
    while (trials < wanted || now() - begun < (double)seconds) {
        work.trials =
            trials < wanted && wanted - trials < ROUND ? wanted - trials : ROUND;
        if (work.alone) work.trials = wanted;
        if (!work_do(&work, rows)) {
            fprintf(stderr, "hostile: no process can be made\n");
            return 3;
        }
        work.from += work.trials;
        trials += work.trials;
        printf("# %" PRIu64 " trials, %.0f s\n", trials, now() - begun);
        fflush(stdout);
    }
    printf("# %-17s %10s %10s %8s %8s %8s %8s %8s %8s\n", "kind", "damaged", "found",
           "missed", "wrote", "strays", "crashes", "hangs", "outside");
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        const struct row *r = &rows[kind];
        bool ok = is_well(&work, (enum kind)kind, r);
        printf("# %-17s %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
               " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
               kind_names[kind], r->trials - r->unlike, r->found, r->missed, r->wrote,
               r->strays, r->crashes, r->hangs, r->outside);
        printf("%s %u - %s\n", ok ? "ok" : "not ok", kind + 1, kind_names[kind]);
        well &= ok;
    }
    printf("# %" PRIu64 " trials, %s, %.1f s; again: hostile %s%s--seed %" PRIu64
           " --trials %" PRIu64 "\n",
           trials, work.integrity ? "integrity" : "plain", now() - begun,
           work.integrity ? "--integrity " : "", work.threads ? "--threads " : "", seed,
           trials);
    return well ? 0 : 1;
}
