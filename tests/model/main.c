/* SPDX-License-Identifier: MIT */
/*
 * model [--seed N] [--steps N] [--only NAME] [--stress] [--threads] [--log]
 *
 * Random operations against a naive model, over kinds of heap, policies and thread
 * modes: one TAP line each. A failure names the seed and the step; the same seed and
 * number of steps do the same again, with --only just that line of it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"

/* clang-format off */
static const struct kind kinds[] = {
    /* name        region        limit              most     every  phase */
    {"4KiB",       4096,         0,                 700,     1,     300},
    {"16KiB",      16384,        0,                 3000,    1,     600},
    {"100KiB",     102400,       0,                 15000,   4,     1500},
    {"1MiB",       1u << 20,     0,                 200000,  64,    3000},
    {"growable",   0,            (size_t)6 << 20,   700000,  64,    2000},
};
/* clang-format on */
static const char *const policies[] = {"demand", "manual", "steady"};
static const char *const modes[] = {"safe", "none"};

enum { N_KINDS = 5, N_POLICIES = 3, N_MODES = 2, N_CASES = 30 };

struct arguments {
    uint64_t seed;
    size_t steps;
    const char *only;
    bool stress, log, between;
};

static _Noreturn void usage(const char *problem) {
    fprintf(stderr,
            "model: %s\n"
            "usage: model [--seed N] [--steps N] [--only NAME] [--stress] [--threads]\n"
            "             [--log]\n"
            "example: model --seed 7 --steps 100000 --only 4KiB/manual\n",
            problem);
    exit(2);
}

static uint64_t number(const char *text) {
    char *end = NULL;
    uint64_t value;

    if (text == NULL) usage("a number is missing");
    value = strtoull(text, &end, 0);
    if (end == text || *end != '\0') usage("not a number");
    return value;
}

static void *nothing(void *context) { return context; }

/* There has been a second thread: from here on all is done as between threads. */
static bool begin_thread(void) {
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) != 0) usage("no second thread");
    pthread_join(thread, NULL);
    return true;
}

static struct arguments parse(int argc, char **argv) {
    struct arguments arguments = {0, 90000, "", false, false, false};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    arguments.seed =
        ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) % 1000000007u;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0)
            arguments.seed = number(argv[++i]);
        else if (strcmp(argv[i], "--steps") == 0)
            arguments.steps = (size_t)number(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            arguments.only = argv[++i];
        else if (strcmp(argv[i], "--stress") == 0)
            arguments.stress = true;
        else if (strcmp(argv[i], "--threads") == 0)
            arguments.between = begin_thread();
        else if (strcmp(argv[i], "--log") == 0)
            arguments.log = true;
        else
            usage("unknown argument");
    }
    if (arguments.steps < N_CASES) usage("at least 30 steps: one for each kind of heap");
    return arguments;
}

/* True where all is well. */
static bool run_case(const struct arguments *arguments, unsigned n) {
    static struct model model;
    char name[64];
    const char *text;

    memset(&model, 0, sizeof(model));
    model.kind = &kinds[n % N_KINDS];
    model.compaction = (rm_compaction_t)(n / N_KINDS % N_POLICIES);
    model.threads = (rm_threads_t)(n / N_KINDS / N_POLICIES);
    model.stress = arguments->stress;
    model.log = arguments->log;
    model.between = arguments->between;
    snprintf(name, sizeof(name), "%s/%s/%s", model.kind->name, policies[model.compaction],
             modes[model.threads]);
    if (strstr(name, arguments->only) == NULL) {
        printf("ok %u - %s # SKIP --only %s\n", n + 1, name, arguments->only);
        return true;
    }
    text = model_run(&model, rng_mix(arguments->seed * N_CASES + n),
                     arguments->steps / N_CASES);
    if (text != NULL) {
        printf("not ok %u - %s\n", n + 1, name);
        printf("# at step %zu: %s\n", model.step, text);
        printf("# again: model --seed %llu --steps %zu --only %s%s\n",
               (unsigned long long)arguments->seed, arguments->steps, name,
               arguments->stress ? " --stress" : "");
    } else {
        printf("ok %u - %s # %zu steps, %zu refused for want of memory\n", n + 1, name,
               model.step, model.n_refused);
    }
    return text == NULL;
}

int main(int argc, char **argv) {
    struct arguments arguments = parse(argc, argv);
    unsigned n_failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%d\n", (int)N_CASES);
    printf("# seed %llu, %zu steps in all%s\n", (unsigned long long)arguments.seed,
           arguments.steps, arguments.stress ? ", everything movable moves" : "");
    for (unsigned n = 0; n < N_CASES; n++) n_failed += !run_case(&arguments, n);
    return n_failed > 0;
}
