/* SPDX-License-Identifier: MIT */
/*
 * Runs the cases, each in a process of its own, and prints a line for each: its name, and in a word
 * what came of it (finding.h). `run` calls it in each mode, and compares.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "finding.h"
#include "stage.h"

static const char help[] =
    "Usage: misuse [OPTION]...\n"
    "Programs with one mistake each, in a process of its own. Prints what came of each,\n"
    "and \"block\" where it was said which block it was.\n"
    "\n"
    "  --twins          the same programs without their mistakes\n"
    "  --only PATTERN   those whose names match; may be given several times\n"
    "  --unlocked       those of the corpus of uses after the last unlock\n"
    "  --seed N         of what is random in them (1)\n"
    "  --seconds N      after which one is said to hang (20)\n"
    "  --tool-log FILE  where valgrind writes to\n"
    "  --verbose        also what each has said\n"
    "  --here           one program, in this process, for a debugger\n"
    "  --list           names, whether of the corpus, sources and descriptions\n"
    "  -h, --help       this text\n"
    "\n"
    "Exit status: 0; 2 usage; 3 cannot run.\n"
    "Examples: misuse --only free_twice\n"
    "          RMALLOC_STRESS=onchange misuse --unlocked --seed 7\n"
    "          valgrind --log-file=log misuse --tool-log log --only 'over*'\n";

enum { ONLY_MOST = 256 };
static struct arguments {
    uint64_t seed;
    unsigned seconds, n_only;
    const char *only[ONLY_MOST], *tool_log;
    bool twins, unlocked, verbose, here, list;
} arguments = {.seed = 1, .seconds = 20};

static _Noreturn void complain(int status, const char *what, const char *about) {
    fprintf(stderr, "misuse: %s '%s'%s\n", what, about,
            status == 2 ? "; try --help" : "");
    exit(status);
}

static uint64_t number(const char *option, const char *text, uint64_t most) {
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);
    if (end == text || *end != '\0' || *text == '-' || value > most)
        complain(2, option, text);
    return value;
}

static void parse(int argc, char **argv) {
    static const struct option options[] = {{"twins", no_argument, NULL, 't'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"unlocked", no_argument, NULL, 'u'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"seconds", required_argument, NULL, 'n'},
                                            {"tool-log", required_argument, NULL, 'g'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"here", no_argument, NULL, 'e'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
        case 't': arguments.twins = true; break;
        case 'o':
            if (arguments.n_only == ONLY_MOST)
                complain(2, "one --only too many:", optarg);
            arguments.only[arguments.n_only++] = optarg;
            break;
        case 'u': arguments.unlocked = true; break;
        case 's': arguments.seed = number("--seed:", optarg, UINT64_MAX); break;
        case 'n': arguments.seconds = (unsigned)number("--seconds:", optarg, 3600); break;
        case 'g': arguments.tool_log = optarg; break;
        case 'v': arguments.verbose = true; break;
        case 'e': arguments.here = true; break;
        case 'l': arguments.list = true; break;
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    if (optind < argc) complain(2, "unknown argument", argv[optind]);
}

static bool chosen(const struct misuse *m) {
    if (m->twin != arguments.twins || (arguments.unlocked && !m->unlocked)) return false;
    for (unsigned i = 0; i < arguments.n_only; i++)
        if (fnmatch(arguments.only[i], m->name, 0) == 0) return true;
    return arguments.n_only == 0;
}

/* --- one case --- */

static _Noreturn void play(const struct misuse *m) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    alarm(arguments.seconds);
    stage_open(arguments.seed);
    m->run();
    stage_close();
    _exit(0); /* not reached */
}

/* All of the file from `from` on, as a string. */
static char *read_from(int file, off_t from, off_t *end) {
    *end = lseek(file, 0, SEEK_END);
    size_t bytes = *end > from ? (size_t)(*end - from) : 0;
    char *text = calloc(bytes + 1, 1);
    if (text == NULL || pread(file, text, bytes, from) != (ssize_t)bytes)
        complain(3, "cannot read", "what a case has said");
    return text;
}

/* How a process ends. Its alarm is not heard inside of a tool: twice as long is all that it gets. */
static int await_end(pid_t pid, const char *name) {
    int status;
    unsigned us = 200;
    time_t end = time(NULL) + 2 * (time_t)arguments.seconds;
    for (pid_t ended; (ended = waitpid(pid, &status, WNOHANG)) != pid; usleep(us)) {
        if (ended < 0) complain(3, "cannot wait for", name);
        if (time(NULL) > end) kill(pid, SIGKILL);
        if (us < 5000) us += us / 2;
    }
    return status;
}

static void watch(const struct misuse *m, int tool_log, off_t *tool_end) {
    char word[FINDING_BYTES];
    off_t end;
    struct evidence evidence = {.witness = witness};
    int said = memfd_create("said", 0);
    if (said < 0) complain(3, "cannot open", "a file for what is said");
    memset(witness, 0, sizeof *witness);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) complain(3, "cannot fork for", m->name);
    if (pid == 0) {
        dup2(said, STDOUT_FILENO);
        dup2(said, STDERR_FILENO);
        play(m);
    }
    evidence.status = await_end(pid, m->name);
    char *text = read_from(said, 0, &end);
    char *log = tool_log < 0 ? calloc(1, 1) : read_from(tool_log, *tool_end, tool_end);
    if (log == NULL) complain(3, "no memory for", m->name);
    evidence.said = text;
    evidence.tool = log;
    finding_of(&evidence, word);
    printf("%s %s%s\n", m->name, word, finding_names_block(&evidence) ? " block" : "");
    if (arguments.verbose && witness->file != NULL)
        printf("    guilty: %s:%d\n", witness->file, witness->line);
    if (arguments.verbose && witness->wrong != NULL)
        printf("    wrong: %s\n", witness->wrong);
    if (arguments.verbose) printf("%s%s", text, log);
    free(text);
    free(log);
    close(said);
}

int main(int argc, char **argv) {
    int tool_log = -1;
    off_t tool_end = 0;
    unsigned met = 0;
    parse(argc, argv);
    cases_sort();
    witness = mmap(NULL, sizeof *witness, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (witness == MAP_FAILED) complain(3, "no memory for", "a witness");
    if (arguments.tool_log != NULL) {
        tool_log = open(arguments.tool_log, O_RDONLY | O_CLOEXEC);
        if (tool_log < 0) complain(3, "cannot open", arguments.tool_log);
        tool_end = lseek(tool_log, 0, SEEK_END);
    }
    for (unsigned i = 0; i < cases_count(); i++) {
        const struct misuse *m = cases_at(i);
        const char *slash = strrchr(m->file, '/');
        if (!chosen(m)) continue;
        met++;
        if (arguments.list)
            printf("%s|%s|%s|%s\n", m->name, m->unlocked ? "unlocked" : "",
                   slash == NULL ? m->file : slash + 1, m->text);
        else if (arguments.here)
            play(m);
        else
            watch(m, tool_log, &tool_end);
    }
    if (met == 0)
        complain(2, "no such case:", arguments.n_only > 0 ? arguments.only[0] : "");
    return 0;
}
