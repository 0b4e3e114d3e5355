/* SPDX-License-Identifier: MIT */
/*
 * "timed FILE COMMAND...": appends a line to FILE, the seconds that the command took:
 * wall, user, system.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    struct timespec began, ended;
    struct rusage usage;
    int state;
    FILE *file;

    if (argc < 3) return 2;
    clock_gettime(CLOCK_MONOTONIC, &began);
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (child < 0 || wait4(child, &state, 0, &usage) != child) return 1;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    file = fopen(argv[1], "a");
    if (!file) return 1;
    fprintf(file, "%.6f %.6f %.6f\n",
            (double)(ended.tv_sec - began.tv_sec) +
                (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
            seconds(usage.ru_utime), seconds(usage.ru_stime));
    fclose(file);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}
