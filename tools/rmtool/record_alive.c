/* SPDX-License-Identifier: MIT */
#include "record_alive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/stat.h>

/* Whether a process has the file mapped. The name is the end of a line of its maps. */
static bool maps(const char *pid, const char *name, bool *readable) {
    char path[64], *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    errno = 0;
    file = fopen(path, "re");
    *readable = file != NULL;
    if (!file) return false;
    while (!found && getline(&line, &size, file) > 0) found = strstr(line, name) != NULL;
    free(line);
    fclose(file);
    return found;
}

bool record_alive(const char *path, uint64_t pid) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash : path;
    char text[32];
    bool readable, found = false;
    struct dirent *entry;
    DIR *proc;

    snprintf(text, sizeof(text), "%llu", (unsigned long long)pid);
    if (maps(text, name, &readable)) return true;
    /* There, and not to be looked at: one that has changed its user, say. */
    if (!readable && errno == EACCES && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
        return true;
    proc = opendir("/proc");
    while (proc && !found && (entry = readdir(proc)))
        if (isdigit((unsigned char)entry->d_name[0]))
            found = maps(entry->d_name, name, &readable);
    if (proc) closedir(proc);
    return found;
}
