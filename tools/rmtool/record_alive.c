/* SPDX-License-Identifier: MIT */
#include "record_alive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* EMPTY: nothing is there. CLOSED: it may not be looked at. UNKNOWN: this program lacks
   descriptors or memory. */
enum finding { MAPPED, NOT_MAPPED, EMPTY, CLOSED, UNKNOWN };

static enum finding from_errno(void) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) return UNKNOWN;
    return errno == EACCES || errno == EPERM ? CLOSED : EMPTY;
}

/* A line of a file of /proc that has `text` in it. */
static enum finding look(const char *path, const char *text) {
    enum finding found = EMPTY;
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");

    if (!file) return from_errno();
    errno = 0;
    while (found != MAPPED && getline(&line, &size, file) > 0)
        found = strstr(line, text) ? MAPPED : NOT_MAPPED;
    if (found != MAPPED && errno != 0) found = from_errno();
    free(line);
    fclose(file);
    return found;
}

static bool is_number(const char *text) { return isdigit((unsigned char)text[0]); }

/* The first thread of a process may have ended before the others: it has no maps then. */
static enum finding look_at_threads(const char *pid, const char *name) {
    char path[64];
    enum finding found = EMPTY;
    struct dirent *entry;
    DIR *threads;

    snprintf(path, sizeof(path), "/proc/%.20s/task", pid);
    threads = opendir(path);
    if (!threads) return from_errno();
    while (found == EMPTY && (entry = readdir(threads))) {
        if (!is_number(entry->d_name) || strcmp(entry->d_name, pid) == 0) continue;
        snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/maps", pid, entry->d_name);
        found = look(path, name);
    }
    closedir(threads);
    return found;
}

/* Whether a process has the file mapped. The name is the end of a line of its maps. */
static enum finding maps(const char *pid, const char *name) {
    char path[64];

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    enum finding found = look(path, name);
    return found == EMPTY ? look_at_threads(pid, name) : found;
}

/* Whether this program has started it, or one of its ancestors: each orphan of them comes
   to this program. Another process may have the number by now, or in a namespace of pids,
   have had another. */
static bool is_descendant(uint64_t pid) {
    uint64_t own = (uint64_t)getpid();

    for (int steps = 0; pid > 1 && pid != own && steps < 1000; steps++) {
        unsigned long long parent = 0;
        char path[64], line[256];
        FILE *file;
        snprintf(path, sizeof(path), "/proc/%llu/status", (unsigned long long)pid);
        file = fopen(path, "re");
        if (!file) return from_errno() == UNKNOWN;
        while (fgets(line, sizeof(line), file) &&
               sscanf(line, "PPid: %llu", &parent) != 1)
            continue;
        fclose(file);
        pid = parent;
    }
    return pid == own;
}

bool record_alive(const char *path, uint64_t pid) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash : path;
    char text[32];
    struct dirent *entry;
    bool alive = false;
    DIR *proc;

    snprintf(text, sizeof(text), "%llu", (unsigned long long)pid);
    switch (maps(text, name)) {
    case MAPPED:
    case UNKNOWN: return true;
    case CLOSED: /* one that has changed its user, say */
        if (is_descendant(pid)) return true;
        break;
    default: break;
    }
    proc = opendir("/proc");
    if (!proc) return from_errno() == UNKNOWN;
    while (!alive && (entry = readdir(proc))) {
        if (!is_number(entry->d_name)) continue;
        enum finding found = maps(entry->d_name, name);
        alive = found == MAPPED || found == UNKNOWN;
    }
    closedir(proc);
    return alive;
}
