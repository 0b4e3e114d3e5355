/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const verdict_names[N_VERDICTS] = {"passed", "failed", "crashed", "endless"};

/* A mutant may hang at work, or asleep: so many times what the program takes, and more, for a busy machine. */
enum { WORK_TIMES = 6, SLEEP_TIMES = 20, SLEEP_MORE = 10 };
enum { MEBIBYTE = 1 << 20 };

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void limit(int what, rlim_t most) {
    setrlimit(what,
              &(struct rlimit){most, most + 1}); /* beyond the second it is killed */
}

/* In the child: a process group of its own, quiet, the first to go where memory runs out. */
static void begin(const struct killer *killer, const char *folder, rlim_t work) {
    int null = open("/dev/null", O_RDWR);
    int score = open("/proc/self/oom_score_adj", O_WRONLY);

    setpgid(0, 0);
    if (score >= 0 && write(score, "1000", 4) == 4) close(score);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, work);
    limit(RLIMIT_FSIZE, 64 * MEBIBYTE);
    setenv("LD_LIBRARY_PATH", folder, 1);
    execv(killer->argv[0], killer->argv);
    _exit(127);
}

enum verdict trial_run(const struct killer *killer, const char *folder, double *seconds) {
    double begun = now(), end = begun + killer->seconds * SLEEP_TIMES + SLEEP_MORE;
    pid_t child = fork();
    bool ended = false;
    int status = 0;

    if (child < 0) {
        perror("mutate: fork");
        exit(3);
    }
    if (child == 0) begin(killer, folder, (rlim_t)(killer->seconds * WORK_TIMES) + 2);
    for (long pause = 100 * 1000; !ended && now() < end;) {
        pid_t found = waitpid(child, &status, WNOHANG);

        if (found == child) {
            ended = true;
        } else {
            nanosleep(&(struct timespec){0, pause}, NULL);
            if (pause < 5 * 1000 * 1000) pause += pause / 4;
        }
    }
    kill(-child, SIGKILL); /* and what it has begun */
    if (!ended) waitpid(child, &status, 0);
    if (seconds != NULL) *seconds = now() - begun;
    if (!ended || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) return ENDLESS;
    if (WIFSIGNALED(status)) return CRASHED;
    if (WEXITSTATUS(status) == 127) {
        fprintf(stderr, "mutate: %s: cannot be run\n", killer->argv[0]);
        exit(3);
    }
    return WEXITSTATUS(status) == 0 ? PASSED : FAILED;
}
