/* SPDX-License-Identifier: MIT */
#include "compare/entrants.h"

#include <stdio.h>
#include <string.h>

#include "compare/library.h"
#include "compare/race.h"
#include "base/say.h"
#include "compare/worker.h"

static const struct known {
    const char *name;
    enum entrant_kind kind;
    rm_threads_t threads;
    rm_compaction_t policy;
    bool by_call;
    const char *sonames[3];
} known[] = {
    {.name = "floor", .kind = ENTRANT_FLOOR},
    {.name = "rmalloc", .kind = ENTRANT_HANDLES},
    {.name = "rmalloc/single", .kind = ENTRANT_HANDLES, .threads = RM_THREADS_NONE},
#if RACE_INLINE_LOCKS
    {.name = "rmalloc/call", .kind = ENTRANT_HANDLES, .by_call = true},
#endif
    {.name = "rmalloc/steady", .kind = ENTRANT_HANDLES, .policy = RM_COMPACT_STEADY},
    {.name = "rmalloc/manual", .kind = ENTRANT_HANDLES, .policy = RM_COMPACT_MANUAL},
    {.name = "glibc", .kind = ENTRANT_LIBC},
    {.name = "jemalloc", .kind = ENTRANT_LIBRARY, .sonames = {"libjemalloc.so.2"}},
    {.name = "mimalloc",
     .kind = ENTRANT_LIBRARY,
     .sonames = {"libmimalloc.so.3", "libmimalloc.so.2"}},
    {.name = "tcmalloc",
     .kind = ENTRANT_LIBRARY,
     .sonames = {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}},
};
enum { N_KNOWN = sizeof(known) / sizeof(known[0]) };

void entrants_known(struct entrants *entrants) {
    *entrants = (struct entrants){0};
    for (size_t i = 0; i < N_KNOWN; i++) {
        struct entrant *entrant = &entrants->list[entrants->n++];
        snprintf(entrant->name, sizeof(entrant->name), "%s", known[i].name);
        entrant->kind = known[i].kind;
        entrant->threads = known[i].threads;
        entrant->policy = known[i].policy;
        entrant->by_call = known[i].by_call;
    }
}

static struct entrant *by_name(struct entrants *entrants, const char *name,
                               size_t length) {
    for (size_t i = 0; i < entrants->n; i++) {
        struct entrant *entrant = &entrants->list[i];
        if (strlen(entrant->name) == length && memcmp(entrant->name, name, length) == 0)
            return entrant;
    }
    return NULL;
}

int entrants_add(struct entrants *entrants, const char *text) {
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    if (length == 0 || length >= ENTRANT_NAME || text[strcspn(text, ",\"\\\n")] ||
        equals[1] == '\0' || strlen(equals + 1) >= ENTRANT_PATH)
        return complain_usage("compare", "--peer is NAME=LIBRARY, not '%s'", text);
    if (by_name(entrants, text, length))
        return complain_usage("compare", "there is an allocator '%.*s' already",
                              (int)length, text);
    if (entrants->n == ENTRANTS_MAX)
        return complain_usage("compare", "too many allocators");

    struct entrant *entrant = &entrants->list[entrants->n++];
    *entrant = (struct entrant){.kind = ENTRANT_LIBRARY};
    memcpy(entrant->name, text, length);
    snprintf(entrant->path, sizeof(entrant->path), "%s", equals + 1);
    return STATUS_OK;
}

int entrants_keep(struct entrants *entrants, const char *list) {
    bool kept[ENTRANTS_MAX] = {true};
    size_t n = 0;

    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        struct entrant *entrant = by_name(entrants, at, length);
        if (!entrant)
            return complain_usage("compare", "no allocator '%.*s'", (int)length, at);
        kept[entrant - entrants->list] = true;
        at += length;
        if (*at == '\0') break;
    }
    for (size_t i = 0; i < entrants->n; i++)
        if (kept[i]) entrants->list[n++] = entrants->list[i];
    entrants->n = n;
    return STATUS_OK;
}

/* First as a library that is opened; else, where it has to be there before, preloaded. */
static int find(struct entrant *entrant) {
    struct job job = {.kind = JOB_PROBE, .entrant = *entrant};
    int status;

    if (entrant->kind == ENTRANT_LIBRARY && !library_loadable()) {
        snprintf(entrant->version, sizeof(entrant->version),
                 "not loaded into a build with a sanitizer");
        return STATUS_OK;
    }
    status = worker_run(&job, -1);

    if (status == STATUS_OK && job.state != JOB_DONE &&
        entrant->kind == ENTRANT_LIBRARY) {
        struct job again = {.kind = JOB_PROBE, .entrant = *entrant};
        again.entrant.preload = true;
        status = worker_run(&again, -1);
        if (status == STATUS_OK && again.state == JOB_DONE) {
            job = again;
            entrant->preload = true;
        }
    }
    entrant->present = job.state == JOB_DONE;
    snprintf(entrant->version, sizeof(entrant->version), "%s",
             entrant->present ? job.version : job.reason);
    return status;
}

static const struct known *known_by_name(const char *name) {
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strcmp(known[i].name, name) == 0) return &known[i];
    return NULL;
}

int entrants_find(struct entrants *entrants) {
    int status = STATUS_OK;

    for (size_t i = 0; i < entrants->n && status == STATUS_OK; i++) {
        struct entrant *entrant = &entrants->list[i];
        const struct known *row = known_by_name(entrant->name);

        if (entrant->kind != ENTRANT_LIBRARY || entrant->path[0]) {
            status = find(entrant);
            continue;
        }
        for (const char *const *soname = row->sonames;
             *soname && !entrant->present && status == STATUS_OK; soname++) {
            snprintf(entrant->path, sizeof(entrant->path), "%s", *soname);
            status = find(entrant);
        }
    }
    return status;
}
