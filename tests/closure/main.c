/* SPDX-License-Identifier: MIT */
/*
 * closure [--long] [--config NAME] [--twice N] [--most N] [--replay TRACE]
 *
 * Every state of small heaps: a TAP line for each configuration, which says that there are no more.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "closure.h"

struct arguments {
    const char *only, *replay;
    bool all;
    struct search search;
};

static const char help[] =
    "usage: closure [--long] [--config NAME] [--twice N] [--most N] [--replay TRACE]\n"
    "\n"
    "All states of small heaps, searched until there are no more; what must hold is seen "
    "in\n"
    "each of them. Without options: those configurations that take seconds.\n"
    "\n"
    "  -l, --long           all configurations, and more calls made twice\n"
    "  -c, --config NAME    those whose name begins so\n"
    "  -t, --twice N        of N states one has all its calls made twice, with other "
    "rubbish in\n"
    "                       free memory: the outcome must be the same; 0: none\n"
    "  -m, --most N         stop, and fail, when there are more than N states\n"
    "  -r, --replay TRACE   make the calls of a trace, as a failure prints it, and "
    "examine each\n"
    "                       state on the way; needs --config with a whole name\n"
    "  -L, --list           name the configurations\n"
    "\n"
    "Exit status: 0 all is well, 1 something is wrong, 2 usage.\n"
    "\n"
    "Examples: closure --long\n"
    "          closure --config runs --twice 1\n"
    "          closure --config runs --replay 00003005\n";

static _Noreturn void usage(const char *problem, const char *what) {
    fprintf(stderr, "closure: %s: %s; try --help\n", what, problem);
    exit(2);
}

static uint64_t number(const char *text) {
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);
    if (end == text || *end != '\0' || *text == '-') usage("not a number", text);
    return value;
}

static bool chosen(const struct arguments *a, const struct config *c) {
    if (a->replay != NULL) return strcmp(c->name, a->only) == 0;
    if (a->only != NULL) return strncmp(c->name, a->only, strlen(a->only)) == 0;
    return a->all || c->quick;
}

static void list(void) {
    for (unsigned i = 0; i < n_configs; i++)
        printf("%-16s %s%s\n", configs[i].name, configs[i].about,
               configs[i].quick ? "" : " (long)");
}

static void parse(struct arguments *a, int argc, char **argv) {
    static const struct option options[] = {{"long", no_argument, NULL, 'l'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"twice", required_argument, NULL, 't'},
                                            {"most", required_argument, NULL, 'm'},
                                            {"replay", required_argument, NULL, 'r'},
                                            {"list", no_argument, NULL, 'L'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    bool twice = false;
    *a = (struct arguments){.search = {.most = UINT32_MAX - 1, .twice = 8}};
    while ((option = getopt_long(argc, argv, "lc:t:m:r:Lh", options, NULL)) != -1) {
        switch (option) {
        case 'l': a->all = true; break;
        case 'c': a->only = optarg; break;
        case 't':
            a->search.twice = (unsigned)number(optarg);
            twice = true;
            break;
        case 'm': a->search.most = number(optarg); break;
        case 'r': a->replay = optarg; break;
        case 'L': list(); exit(0);
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    }
    if (optind < argc) usage("not an option", argv[optind]);
    if (a->replay != NULL && a->only == NULL) usage("needs --config", "--replay");
    if (a->all && !twice) a->search.twice = 4;
    a->search.progress = a->all || a->only != NULL;
}

static void *nothing(void *context) { return context; }

/* From here on a heap of RM_THREADS_SAFE is used as between threads. */
static void begin_thread(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        usage("none", "a second thread");
    pthread_join(thread, NULL);
}

static bool run(struct arguments *a, const struct config *c, unsigned n) {
    struct search *s = &a->search;
    if (c->between) begin_thread();
    const char *text = a->replay != NULL ? search_replay(c, a->replay) : search(c, s);
    if (text != NULL) {
        printf("not ok %u - %s\n# %s\n", n, c->name, text);
    } else if (a->replay != NULL) {
        printf("ok %u - %s, nothing is wrong on the way\n", n, c->name);
    } else {
        printf("ok %u - %s: closed, %llu states\n", n, c->name,
               (unsigned long long)s->n_states);
        printf(
            "# %llu calls, %llu failed, %llu of them without a trace, %llu made twice; "
            "%u deep, %zu MiB waiting at most, %.1f s\n",
            (unsigned long long)s->tally.calls, (unsigned long long)s->tally.failed,
            (unsigned long long)s->tally.same, (unsigned long long)s->tally.twice,
            s->depth, s->waiting_most >> 20, s->seconds);
    }
    return text == NULL;
}

int main(int argc, char **argv) {
    struct arguments a;
    unsigned n = 0, failed = 0;
    uint64_t states = 0, calls = 0;
    double seconds = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    parse(&a, argc, argv);
    for (unsigned i = 0; i < n_configs; i++) {
        if (!chosen(&a, &configs[i])) continue;
        failed += !run(&a, &configs[i], ++n);
        states += a.search.n_states;
        calls += a.search.tally.calls;
        seconds += a.search.seconds;
    }
    if (n == 0) usage("no such configuration", a.only);
    printf("1..%u\n", n);
    if (a.replay == NULL)
        printf("# %llu states, %llu calls, %u configurations, %.0f s\n",
               (unsigned long long)states, (unsigned long long)calls, n, seconds);
    return failed > 0;
}
