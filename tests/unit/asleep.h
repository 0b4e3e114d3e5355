/* SPDX-License-Identifier: MIT */
/* Whether another thread of this process waits for something. */
#ifndef RM_TESTS_ASLEEP_H
#define RM_TESTS_ASLEEP_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

static inline bool is_asleep(pid_t thread) {
    char name[64], state = 0;
    snprintf(name, sizeof name, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(name, "r");
    if (file == NULL) return false;
    if (fscanf(file, "%*d %*s %c", &state) != 1) state = 0;
    fclose(file);
    return state == 'S';
}

#endif
