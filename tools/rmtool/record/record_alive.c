/* SPDX-License-Identifier: MIT */
#include "record/record_alive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record_log.h"

/* EMPTY: nothing is there. CLOSED: it may not be looked at. UNKNOWN: this program lacks
   descriptors or memory. */
enum finding { MAPPED, NOT_MAPPED, EMPTY, CLOSED, UNKNOWN };

static enum finding from_errno(void) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) return UNKNOWN;
    return errno == EACCES || errno == EPERM ? CLOSED : EMPTY;
}

/* A line of a file of /proc that has `text` in it. all: receives every such line; NULL: one
   is enough. */
static enum finding look(const char *path, const char *text, FILE *all) {
    enum finding found = EMPTY;
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");

    if (!file) return from_errno();
    errno = 0;
    while ((all || found != MAPPED) && getline(&line, &size, file) > 0) {
        bool here = strstr(line, text) != NULL;
        if (here && all) fputs(line, all);
        if (found != MAPPED) found = here ? MAPPED : NOT_MAPPED;
    }
    if (found != MAPPED && errno != 0) found = from_errno();
    free(line);
    fclose(file);
    return found;
}

static bool is_number(const char *text) { return isdigit((unsigned char)text[0]); }

/* The first thread of a process may have ended before the others: it has no maps then. */
static enum finding look_at_threads(const char *pid, const char *text, FILE *all) {
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
        found = look(path, text, all);
    }
    closedir(threads);
    return found;
}

/* Whether a process has a file mapped of whose name `text` is a part: each is the end of a
   line of its maps. */
static enum finding maps(const char *pid, const char *text, FILE *all) {
    char path[64];

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    enum finding found = look(path, text, all);
    return found == EMPTY ? look_at_threads(pid, text, all) : found;
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

/* All logs that anybody has mapped. NULL: not known. */
static char *collect(void) {
    char *names = NULL;
    size_t size;
    FILE *all = open_memstream(&names, &size);
    DIR *proc = all ? opendir("/proc") : NULL;
    bool known = proc != NULL;
    struct dirent *entry;

    while (known && (entry = readdir(proc)))
        if (is_number(entry->d_name))
            known = maps(entry->d_name, RECORD_SUFFIX, all) != UNKNOWN;
    if (proc) closedir(proc);
    if (all && fclose(all) != 0) known = false;
    if (known) return names;
    free(names);
    return NULL;
}

bool record_alive(struct record_living *living, const char *path, uint64_t pid) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash : path;
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)pid);
    switch (maps(text, name, NULL)) {
    case MAPPED:
    case UNKNOWN: return true;
    case CLOSED: /* one that has changed its user, say */
        if (is_descendant(pid)) return true;
        break;
    default: break;
    }
    if (!living->looked) living->names = collect();
    living->looked = true;
    return !living->names || strstr(living->names, name);
}

void record_living_forget(struct record_living *living) {
    free(living->names);
    *living = (struct record_living){0};
}
