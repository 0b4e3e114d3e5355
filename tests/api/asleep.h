/* SPDX-License-Identifier: MIT */
/* Whether other threads of this process wait for something. */
#ifndef RM_TESTS_ASLEEP_H
#define RM_TESTS_ASLEEP_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Its state, and for how many ticks it has been at work; 0: there is no such thread. */
static inline char thread_state(pid_t thread, unsigned long *ticks) {
    char name[64], state = 0;
    unsigned long user = 0, system = 0;
    snprintf(name, sizeof name, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(name, "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%*d %*s %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
               &user, &system) != 3)
        state = 0;
    fclose(file);
    *ticks = user + system;
    return state;
}

static inline bool is_asleep(pid_t thread) {
    unsigned long ticks;
    return thread_state(thread, &ticks) == 'S';
}

/* gcc's ASan does nothing about a fork: what a thread that begins has locked of ASan's allocator then, the child finds
   locked for ever. So all have slept once, or worked for a while, before one forks. */
static inline void await_begun(void) {
#ifdef __SANITIZE_ADDRESS__
    enum { LOOKS = 200, BETWEEN_US = 100 };
    pid_t self = (pid_t)syscall(SYS_gettid);
    DIR *threads = opendir("/proc/self/task");
    unsigned looks = 0;
    if (threads == NULL) return;
    for (struct dirent *d; (d = readdir(threads)) != NULL;) {
        pid_t thread = (pid_t)atoi(d->d_name); /* 0: no thread's name */
        unsigned long ticks = 0;
        if (thread == 0 || thread == self) continue;
        while (thread_state(thread, &ticks) == 'R' && ticks == 0 && looks++ < LOOKS)
            usleep(BETWEEN_US);
    }
    closedir(threads);
#endif
}

#endif
