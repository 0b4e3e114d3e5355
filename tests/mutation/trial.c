/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const verdict_names[N_VERDICTS] = {"passed", "failed", "crashed", "endless"};

/* A mutant may hang at work, or asleep: so many times what the program takes, and more, for a busy machine. */
enum { WORK_TIMES = 8, SLEEP_TIMES = 20, SLEEP_MORE = 5 };
enum { MEBIBYTE = 1 << 20, MICROSECONDS = 1000 * 1000 };
static const double work_more =
    0.3; /* seconds; of its own, a child of it counts by whole ones */

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
static _Noreturn void begin(char **argv, const char *folder, double work,
                            const char *jumps) {
    int null = open("/dev/null", O_RDWR);
    int score = open("/proc/self/oom_score_adj", O_WRONLY);

    setpgid(0, 0);
    if (score >= 0 && write(score, "1000", 4) == 4) close(score);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (rlim_t)work + 1);
    limit(RLIMIT_FSIZE, 64 * MEBIBYTE);
    setitimer(
        ITIMER_PROF,
        &(struct itimerval){
            {0, 0}, {(time_t)work, (suseconds_t)((work - (time_t)work) * MICROSECONDS)}},
        NULL); /* it outlives execvp */
    setenv("LD_LIBRARY_PATH", folder, 1);
    if (jumps != NULL) setenv("RMALLOC_JUMPS", jumps, 1);
    execvp(argv[0], argv);
    _exit(127);
}

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / MICROSECONDS;
}

enum verdict trial_run(char **argv, const char *folder, struct cost usual,
                       const char *jumps, struct cost *took) {
    double begun = now(), end = begun + usual.clock * SLEEP_TIMES + SLEEP_MORE;
    struct rusage used;
    pid_t child = fork();
    int status = 0;

    if (child < 0) {
        perror("mutate: fork");
        exit(3);
    }
    if (child == 0) begin(argv, folder, usual.work * WORK_TIMES + work_more, jumps);
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, child, 0),
                           .events = POLLIN};
    if (ended.fd < 0) {
        perror("mutate: pidfd_open");
        exit(3);
    }
    for (double left; ended.revents == 0 && (left = end - now()) > 0;)
        poll(&ended, 1, (int)(left * 1000) + 1);
    close(ended.fd);
    kill(-child, SIGKILL); /* and what it has begun */
    kill(child, SIGKILL);
    wait4(child, &status, 0, &used);
    if (took != NULL)
        *took =
            (struct cost){now() - begun, seconds(used.ru_utime) + seconds(used.ru_stime)};
    if (ended.revents == 0) return ENDLESS;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGPROF ? ENDLESS
                                                                          : CRASHED;
    if (WEXITSTATUS(status) == 127) {
        fprintf(stderr, "mutate: %s: cannot be run\n", argv[0]);
        exit(3);
    }
    return WEXITSTATUS(status) == 0 ? PASSED : FAILED;
}
