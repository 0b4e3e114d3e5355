/* SPDX-License-Identifier: MIT */
#include "record_images.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "record_pump.h"
#include "say.h"

static void note_status(struct record_session *session, int status) {
    if (session->status == STATUS_OK) session->status = status;
}

/* ------------------------------------------------------------------ new logs */

static struct record_image *find(const struct record_session *session, const char *name) {
    struct record_image *image = session->images;

    while (image && strcmp(image->name, name) != 0) image = image->next;
    return image;
}

/* The file that its trace goes to: NAME-PID, and a number where there is one already. */
static char *name_trace(const struct record_session *session,
                        const struct record_image *image) {
    unsigned long long pid = image->header.pid;
    char *path = NULL;
    bool taken = true;

    for (unsigned i = 1; taken; i++) {
        int n = i == 1 ? asprintf(&path, "%s/%s-%llu.rmt.zst", session->folder,
                                  image->program, pid)
                       : asprintf(&path, "%s/%s-%llu-%u.rmt.zst", session->folder,
                                  image->program, pid, i);
        if (n < 0) return NULL;
        taken = false;
        for (struct record_image *other = session->images; other; other = other->next)
            if (other->trace_path && strcmp(other->trace_path, path) == 0) taken = true;
        if (taken) free(path);
    }
    return path;
}

static void name_program(struct record_image *image) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.+";
    const char *path = image->header.program;
    const char *slash;

    if (!*path && memchr(image->header.command, '\0', RECORD_COMMAND))
        path = image->header.command;
    slash = strrchr(path, '/');
    snprintf(image->program, sizeof(image->program), "%.63s", slash ? slash + 1 : path);
    for (char *c = image->program; *c; c++)
        if (!strchr(plain, *c)) *c = '_';
    if (image->program[0] == '-' || image->program[0] == '.') image->program[0] = '_';
    if (!image->program[0]) strcpy(image->program, "unnamed");
}

static void free_image(struct record_image *image) {
    if (!image) return;
    record_reader_close(image->reader);
    record_trace_finish(&image->trace);
    free(image->entries);
    free(image->log_path);
    free(image->trace_path);
    free(image);
}

static void add(struct record_session *session, const char *name) {
    struct record_image *image = calloc(1, sizeof(*image));
    int status = STATUS_OK;

    if (image) image->entries = calloc(RECORD_READS, sizeof(*image->entries));
    if (!image || !image->entries ||
        asprintf(&image->log_path, "%s/%s", session->logs, name) < 0) {
        if (image) free(image->entries);
        free(image);
        note_status(session, complain(STATUS_IO, "no memory for another log"));
        return;
    }
    snprintf(image->name, sizeof(image->name), "%s", name);
    status = record_reader_open(&image->reader, image->log_path);
    if (status == STATUS_OK && !image->reader && !session->complete) {
        free_image(image); /* it is being made: the next time */
        return;
    }
    image->heir_slot = UINT64_MAX;
    image->done = !image->reader;
    image->keep = status != STATUS_OK;
    if (image->reader) {
        image->header = *record_reader_header(image->reader);
        name_program(image);
        image->trace_path = name_trace(session, image);
        image->waits = image->header.parent[0] != '\0';
        session->n_live++;
    }
    record_trace_init(&image->trace, image->trace_path, session->leave_usable);
    image->next = session->images;
    session->images = image;
    note_status(session, status);
}

/* A child whose log is new, to the parent. */
static void link_parent(const struct record_session *session,
                        struct record_image *image) {
    struct record_image *parent = find(session, image->header.parent);
    uint64_t slot = image->header.first_slot;

    if (!parent || parent->done || parent == image || parent->applied > slot) {
        image->waits = false;
        image->orphan = true;
        return;
    }
    image->parent = parent;
    if (slot < parent->heir_slot) parent->heir_slot = slot;
}

static void find_logs(struct record_session *session) {
    DIR *folder = opendir(session->logs);
    struct dirent *entry;

    if (!folder) {
        if (session->complete)
            note_status(session,
                        complain(STATUS_IO, "%s: %s", session->logs, strerror(errno)));
        return;
    }
    while ((entry = readdir(folder))) {
        size_t n = strlen(entry->d_name), suffix = strlen(RECORD_SUFFIX);
        if (n <= suffix || n >= RECORD_NAME ||
            strcmp(entry->d_name + n - suffix, RECORD_SUFFIX) != 0)
            continue;
        if (!find(session, entry->d_name)) add(session, entry->d_name);
    }
    closedir(folder);
    for (struct record_image *image = session->images; image; image = image->next)
        if (image->waits && !image->parent) link_parent(session, image);
}

/* -------------------------------------------------------------------- calls */

bool record_session_step(struct record_session *session, bool urgent) {
    bool moved = false;

    find_logs(session);
    for (struct record_image *image = session->images; image; image = image->next) {
        if (image->done) continue;
        int status = record_pump(session, image, urgent, &moved);
        if (status != STATUS_OK) note_status(session, status);
        if (image->done) session->n_live--;
    }
    /* Logs that wait for each other are none of ours; they are not to hang us. */
    for (struct record_image *image = session->images;
         session->complete && !moved && image; image = image->next) {
        if (image->done || !image->waits) continue;
        image->waits = false;
        image->orphan = moved = true;
    }
    return moved;
}

void record_session_complete(struct record_session *session) {
    session->complete = true;
    while (record_session_step(session, true)) continue;
}

void record_session_stop(struct record_session *session) {
    for (struct record_image *image = session->images; image; image = image->next) {
        if (image->done) continue;
        record_reader_stop(image->reader);
        image->stopped = true;
    }
}

static int by_start(const struct record_image *a, const struct record_image *b) {
    uint64_t x = a->header.start_ns, y = b->header.start_ns;

    return (x > y) - (x < y);
}

void record_session_sort(struct record_session *session) {
    LL_SORT(session->images, by_start);
}

void record_session_finish(struct record_session *session) {
    while (session->images) {
        struct record_image *next = session->images->next;
        if (!session->keep_logs && !session->images->keep)
            unlink(session->images->log_path);
        free_image(session->images);
        session->images = next;
    }
}
