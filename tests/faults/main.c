/* SPDX-License-Identifier: MIT */
/*
 * Each request of the library to the system is refused in turn, the k-th for every k until there is no k-th
 * any more: once, and from then on. Every run is a child of its own, so that what a process does once is
 * done in each.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"
#include "scenarios.h"
#include "threads.h"

enum { PATIENCE_S = 20, PATIENCE_LONG_S = 300, TRYLOCKS = 25, REPORTS = 5, DIGITS = 10 };
static const char load_variable[] = "RMFAULTS_LOAD";

struct arguments {
    const char *only, *self;
    uint64_t seed;
    unsigned seeds;
    unsigned part, parts; /* of the requests, which are refused */
    unsigned most;        /* no more of each scenario and way; 0: all */
    bool whole;           /* the long set */
    struct fault fault;   /* just this one, where k is not 0 */
    bool looked;
};

static struct {
    unsigned n_runs, n_failed, n_requests;
    unsigned refused[N_REQUESTS];
    time_t begun;
} total;
static struct injected *report; /* of the child that runs */
static unsigned patience =
    PATIENCE_S; /* the long set yields to whatever else there is to do */

/* Nothing of the library is malloc's: a search for leaks in each child would find nothing, and take long. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return 1; }

/* --- a child --- */

static unsigned descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;

    while (folder != NULL && readdir(folder) != NULL) n++;
    if (folder != NULL) closedir(folder);
    return n;
}

/* What this thread keeps for the heaps that it uses is not lost. */
static size_t caches(void) {
    size_t bytes = 0;

    for (unsigned i = 0; i < THREADS_CACHES; i++)
        for (const struct cache *c = threads_mine[i]; c != NULL; c = c->chain)
            bytes += sizeof(*c);
    return bytes;
}

static int leaks(unsigned before, const struct fault *fault) {
    size_t kept = inject_kept() - sizeof(*report), /* the test's own */
        stuck = fault->forever ? 0 : inject_stuck_pages();
    unsigned opened = descriptors() - before;
    /* That of userfaultfd stays open, if it is of any use. */
    bool open = injected->asked[REQUEST_UFFD_API] > injected->refused[REQUEST_UFFD_API];

    if (kept != caches())
        printf("# %zu bytes of address space are lost\n", kept - caches());
    else if (stuck > 0)
        printf("# %zu pages lie in what could not be unmapped\n", stuck);
    else if (opened > open)
        printf("# %u descriptors are lost\n", opened);
    else
        return 0;
    fflush(stdout);
    return 1;
}

static _Noreturn void be_child(const struct scenario *scenario, const struct fault *fault,
                               uint64_t seed, bool looked) {
    unsigned before = descriptors();

    alarm(patience); /* it must not hang */
    injected = report;
    inject_begin(fault);
    scenario->run(seed, looked);
    inject_end();
    int status = leaks(before, fault);
    fflush(stdout);
    exit(status);
}

/* --- a program that is refused something before its main function begins --- */

static void load(const struct arguments *arguments, const struct fault *fault, int fd) {
    char text[5 * DIGITS + 8];

    snprintf(text, sizeof(text), "%d %u %d %u", fd, fault->k, fault->forever,
             fault->choice);
    setenv(load_variable, text, 1);
    execl("/proc/self/exe", arguments->self, (char *)NULL);
    printf("# %s: %s\n", arguments->self, strerror(errno));
    exit(1);
}

/* Before those of the library. */
__attribute__((constructor(101))) static void begin_loaded(void) {
    const char *text = getenv(load_variable);
    struct fault fault = {.kinds = REQUESTS_ALL};
    int fd, forever;

    if (text == NULL ||
        sscanf(text, "%d %u %d %u", &fd, &fault.k, &forever, &fault.choice) != 4)
        return;
    fault.forever = forever != 0;
    inject_suspend();
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    inject_resume();
    if (report == MAP_FAILED) abort();
    injected = report;
    inject_begin(&fault);
}

/* --- runs --- */

static int report_file;

static void open_report(void) {
    report_file = memfd_create("faults", 0);
    if (report_file < 0 || ftruncate(report_file, sizeof(*report)) != 0) abort();
    inject_suspend();
    report =
        mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, report_file, 0);
    inject_resume();
    if (report == MAP_FAILED) abort();
}

/* scenario NULL: a program that is loaded. Returns whether all was well. */
static bool run(const struct arguments *arguments, const struct scenario *scenario,
                const struct fault *fault, uint64_t seed, bool looked) {
    int status = 0;

    memset(report, 0, sizeof(*report));
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) abort();
    if (child == 0 && scenario == NULL) load(arguments, fault, report_file);
    if (child == 0) be_child(scenario, fault, seed, looked);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    total.n_runs++;
    for (unsigned i = 0; i < N_REQUESTS; i++) total.refused[i] += report->refused[i];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    total.n_failed++;
    if (WIFSIGNALED(status))
        printf("# %s\n",
               WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
    printf("# again: faults --only %s --seed %llu --fault %u%s,%u,%s%s\n",
           scenario ? scenario->name : "loaded", (unsigned long long)seed, fault->k,
           fault->forever ? "+" : "", fault->choice, looked ? "looked" : "blind",
           fault->kinds == REQUESTS_ALL ? "" : ",trylock");
    return false;
}

/* The k-th: for one reason, looked at or not; in the long set for all reasons that it can give, and both. */
static bool every_reason(const struct arguments *arguments,
                         const struct scenario *scenario, struct fault *fault,
                         uint64_t seed) {
    unsigned choices = 1;
    bool well = true;

    if (!arguments->whole) {
        fault->choice = fault->k + fault->forever;
        return run(arguments, scenario, fault, seed, fault->k % 2);
    }
    for (fault->choice = 0; fault->choice < choices; fault->choice++) {
        well &= run(arguments, scenario, fault, seed, false);
        if (report->n_refused > 0) choices = inject_choices(report->first);
        well &= run(arguments, scenario, fault, seed, true);
    }
    return well;
}

/* Every k, with a step; returns whether all was well. */
static bool every(const struct arguments *arguments, const struct scenario *scenario,
                  struct fault *fault, uint64_t seed) {
    unsigned step = arguments->parts;
    bool well = true;
    const unsigned enough = total.n_failed + REPORTS;

    fault->k = 0;
    well = run(arguments, scenario, fault, seed, false);
    unsigned most = report->n_asked;
    if (fault->kinds != REQUESTS_ALL) step *= 1 + most / TRYLOCKS;
    if (step > 1 && arguments->whole) step = 1 + step / 8;
    unsigned first = arguments->part;
    if (arguments->most > 0 && most > arguments->most) {
        step *= (most / arguments->most + 1) | 1; /* odd: each second is looked at */
        first += (unsigned)(seed % step);
    }
    const unsigned limit = 3 * most;
    total.n_requests += most;
    for (fault->k = 1 + first; fault->k <= most && total.n_failed < enough;
         fault->k += step) {
        well &= every_reason(arguments, scenario, fault, seed);
        /* What has been refused may have led to more. */
        if (step == 1 && fault->k == most && report->n_asked > most && most < limit)
            most = report->n_asked < limit ? report->n_asked : limit;
    }
    return well;
}

static void line(unsigned n, bool well, const char *name, const char *how,
                 unsigned runs) {
    printf("%s %u - %s, %s # %u runs\n", well ? "ok" : "not ok", n, name, how, runs);
    fflush(stdout);
}

static unsigned scenario_lines(const struct arguments *arguments,
                               const struct scenario *scenario, unsigned n) {
    static const char *const hows[] = {"once", "from then on", "locks taken, once",
                                       "locks taken, from then on"};
    const char *name = scenario ? scenario->name : "loaded";

    for (unsigned how = 0; how < 4; how++) {
        struct fault fault = {.forever = how % 2, .kinds = REQUESTS_ALL};
        unsigned before = total.n_runs;
        bool well = true;
        if (how >= 2) fault.kinds = 1u << REQUEST_TRYLOCK;
        if (how >= 2 && scenario == NULL) continue;
        if (arguments->only != NULL && strcmp(arguments->only, name) != 0) {
            printf("ok %u - %s, %s # SKIP --only %s\n", ++n, name, hows[how],
                   arguments->only);
            continue;
        }
        unsigned seeds = scenario && scenario->by_chance ? arguments->seeds : 1;
        for (unsigned i = 0; i < seeds; i++)
            well &= every(arguments, scenario, &fault, arguments->seed + i);
        line(++n, well, name, hows[how], total.n_runs - before);
    }
    return n;
}

static bool is_optional(enum system_request request) {
    /* The system may have none of it: then it refuses by itself. */
    return request == REQUEST_UFFD_API || request == REQUEST_UFFD_REGISTER ||
           request == REQUEST_UFFD_MOVE || request == REQUEST_CLOSE;
}

/* What has never been refused has not been tried. */
static bool all_kinds(const struct arguments *arguments) {
    bool all = true;

    for (enum system_request r = 0; r < N_REQUESTS; r++) {
        if (arguments->only == NULL || total.refused[r] > 0)
            printf("# %7u times refused: %s\n", total.refused[r], inject_name(r));
        if (total.refused[r] == 0 && !is_optional(r)) all = false;
    }
    return all || arguments->only != NULL;
}

/* The last line of TAP; returns whether it is well. */
static bool all_kinds_line(const struct arguments *arguments, unsigned n) {
    bool all = all_kinds(arguments), part = arguments->parts > 1 || arguments->most > 0;

    printf("%s %u - every kind of request has been refused%s\n",
           all || part ? "ok" : "not ok", n,
           !all && part ? " # SKIP not all requests" : "");
    return all || part;
}

static int run_all(const struct arguments *arguments) {
    unsigned n = 0;

    printf("1..%u\n", 4 * n_scenarios + 3);
    printf("# seed %llu\n", (unsigned long long)arguments->seed);
    for (unsigned i = 0; i < n_scenarios; i++)
        n = scenario_lines(arguments, &scenarios[i], n);
    n = scenario_lines(arguments, NULL, n);
    bool all = all_kinds_line(arguments, ++n);
    printf("# %u requests, %u runs, %ld seconds, %u failed\n", total.n_requests,
           total.n_runs, (long)(time(NULL) - total.begun), total.n_failed);
    return total.n_failed > 0 || !all;
}

static int run_one(const struct arguments *arguments) {
    const struct scenario *scenario = NULL;

    for (unsigned i = 0; i < n_scenarios; i++)
        if (strcmp(scenarios[i].name, arguments->only) == 0) scenario = &scenarios[i];
    printf("1..1\n");
    bool well =
        run(arguments, scenario, &arguments->fault, arguments->seed, arguments->looked);
    printf("# %u requests, %u refused", report->n_asked, report->n_refused);
    if (report->n_refused > 0)
        printf("; the last was %s: %s", inject_name(report->last),
               strerrorname_np(report->reason));
    printf("\n%s 1 - %s\n", well ? "ok" : "not ok", arguments->only);
    return !well;
}

/* --- arguments --- */

static const char help[] =
    "Usage: faults [OPTION]...\n"
    "Refuse each request of the library to the system in turn, in all scenarios, once "
    "and\n"
    "from then on; each call must say so and change nothing, or do without.\n"
    "\n"
    "  --long         every reason that each call can give, with and without a look at\n"
    "                 the heap before each call, more seeds and locks\n"
    "  --only NAME    this scenario alone\n"
    "  --seed N       of what is done by chance (printed; default: the time)\n"
    "  --seeds N      so many of them (default: 1; with --long 20)\n"
    "  --part I/N     of each N requests one, counted from I = 0\n"
    "  --most N       no more than N requests of a scenario and way, spread over all\n"
    "  --fault K[+],CHOICE,looked|blind[,trylock]\n"
    "                 this one run alone, as a failure prints it; needs --only\n"
    "  -h, --help     this text\n"
    "\n"
    "Exit status: 0 all is well; 1 something is not; 2 usage.\n"
    "Example: faults --only pages --fault 7+,2,blind\n";

static _Noreturn void usage(const char *problem, const char *what) {
    fprintf(stderr, "faults: %s%s; try --help\n", problem, what);
    exit(2);
}

static uint64_t number(const char *text, const char *option) {
    char *end;
    uint64_t value = strtoull(text, &end, 0);

    if (*text == '\0' || *end != '\0') usage("a number is wanted after ", option);
    return value;
}

static void parse_fault(struct arguments *arguments, const char *text) {
    char *end;

    arguments->fault = (struct fault){.kinds = REQUESTS_ALL};
    arguments->fault.k = (unsigned)strtoul(text, &end, 10);
    arguments->fault.forever = *end == '+';
    if (*end == '+') end++;
    if (end == text || *end++ != ',') usage("not a fault: ", text);
    arguments->fault.choice = (unsigned)strtoul(end, &end, 10);
    arguments->looked = strncmp(end, ",looked", 7) == 0;
    if (!arguments->looked && strncmp(end, ",blind", 6) != 0)
        usage("not a fault: ", text);
    if (strstr(end, ",trylock")) arguments->fault.kinds = 1u << REQUEST_TRYLOCK;
}
static void parse_part(struct arguments *arguments, const char *text) {
    char end;

    if (sscanf(text, "%u/%u%c", &arguments->part, &arguments->parts, &end) != 2 ||
        arguments->part >= arguments->parts)
        usage("not a part: ", text);
}

static struct arguments parse(int argc, char **argv) {
    static const struct option options[] = {{"long", no_argument, NULL, 'l'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 'n'},
                                            {"part", required_argument, NULL, 'p'},
                                            {"most", required_argument, NULL, 'm'},
                                            {"fault", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct arguments arguments = {
        .self = argv[0], .seed = (uint64_t)time(NULL), .parts = 1};
    bool one = false;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) switch (option) {
        case 'l': arguments.whole = true; break;
        case 'o': arguments.only = optarg; break;
        case 's': arguments.seed = number(optarg, "--seed"); break;
        case 'n': arguments.seeds = (unsigned)number(optarg, "--seeds"); break;
        case 'p': parse_part(&arguments, optarg); break;
        case 'm': arguments.most = (unsigned)number(optarg, "--most"); break;
        case 'f': parse_fault(&arguments, optarg), one = true; break;
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    if (optind < argc) usage("no argument is taken: ", argv[optind]);
    if (one && arguments.only == NULL) usage("--fault needs ", "--only");
    if (arguments.seeds == 0) arguments.seeds = arguments.whole ? 20 : 1;
    if (!one) arguments.fault.k = 0;
    return arguments;
}

int main(int argc, char **argv) {
    if (getenv(load_variable) != NULL) {
        alarm(PATIENCE_S);
        scenario_loaded();
        return 0;
    }
    struct arguments arguments = parse(argc, argv);
    total.begun = time(NULL);
    if (arguments.whole) patience = PATIENCE_LONG_S;
    open_report();
    return arguments.fault.kinds != 0 ? run_one(&arguments) : run_all(&arguments);
}
