/* SPDX-License-Identifier: MIT */
#include "record/record_images.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "record/record_pump.h"
#include "base/say.h"

static void note_status(struct record_session *session, int status) {
    if (session->status == STATUS_OK) session->status = status;
}

/* ------------------------------------------------------------------ new logs */

static struct record_image *find(const struct record_session *session, const char *name) {
    struct record_image *image = session->images;

    while (image && strcmp(image->name, name) != 0) image = image->next;
    return image;
}

/* The file that its trace goes to: NAME-PID, and a number where there is one already, of
   this recording or of an earlier one. */
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
        taken = access(path, F_OK) == 0;
        for (struct record_image *other = session->images; other; other = other->next)
            if (other->trace_path && strcmp(other->trace_path, path) == 0) taken = true;
        if (taken) free(path);
    }
    return path;
}

static void name_program(struct record_image *image) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.+";
    const struct record_header *header = record_reader_header(image->reader);
    const char *path = header->program;
    const char *slash;

    if (!*path && memchr(header->command, '\0', RECORD_COMMAND)) path = header->command;
    slash = strrchr(path, '/');
    snprintf(image->program, sizeof(image->program), "%.63s", slash ? slash + 1 : path);
    for (char *c = image->program; *c; c++)
        if (!strchr(plain, *c)) *c = '_';
    if (image->program[0] == '-' || image->program[0] == '.') image->program[0] = '_';
    if (!image->program[0]) strcpy(image->program, "unnamed");
}

void record_image_about(struct record_image *image) {
    const struct record_header *header = record_reader_header(image->reader);

    image->header = (struct record_about){
        .first_slot = header->first_slot,
        .pid = header->pid,
        .start_ns = header->start_ns,
        .parent_fork = header->parent_fork,
        .exited = header->exited,
        .failed = header->failed,
        .failed_slot = header->failed_slot,
        .other_malloc = header->other_malloc != 0,
    };
    memcpy(image->header.parent, header->parent, RECORD_NAME);
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
    snprintf(image->name, sizeof(image->name), "%.63s", name);
    bool again = !session->complete || session->n_live > 0;
    status = record_reader_open(&image->reader, image->log_path, again);
    if (status == STATUS_OK && !image->reader && again) {
        free_image(image); /* it is being made, or nothing is left here: the next time */
        return;
    }
    image->heir_slot = UINT64_MAX;
    image->done = !image->reader;
    image->keep = status != STATUS_OK;
    if (image->reader) {
        record_image_about(image);
        name_program(image);
        image->trace_path = name_trace(session, image);
        image->waits = image->header.parent[0] != '\0';
        image->stopped = session->stopping;
        if (session->stopping) record_reader_stop(image->reader);
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
        /* One that came too late: the next are worth waiting for. */
        if (parent && parent->childless_forks > 0) parent->childless_forks--;
        return;
    }
    image->parent = parent;
    if (slot < parent->heir_slot) parent->heir_slot = slot;
}

static bool is_log(const char *name) {
    size_t n = strlen(name), suffix = strlen(RECORD_SUFFIX);

    return n > suffix && n < RECORD_NAME && strcmp(name + n - suffix, RECORD_SUFFIX) == 0;
}

static int select_log(const struct dirent *entry) { return is_log(entry->d_name); }

/* Those of one process in the order in which they were made, so that each recording and
   conversion gives the traces the same names. */
static void find_logs(struct record_session *session) {
    struct dirent **entries;
    int n = scandir(session->logs, &entries, select_log, alphasort);

    if (n < 0) {
        if (session->complete)
            note_status(session,
                        complain(STATUS_IO, "%s: %s", session->logs, strerror(errno)));
        return;
    }
    for (int i = 0; i < n; i++) {
        if (!find(session, entries[i]->d_name)) add(session, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
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
    record_living_forget(&session->living);
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
    session->stopping = true;
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
        if (session->keep_logs || session->images->keep)
            session->n_kept++;
        else
            unlink(session->images->log_path);
        free_image(session->images);
        session->images = next;
    }
}

void record_logs_sweep(const char *folder, bool remove) {
    DIR *logs = opendir(folder);
    struct dirent *entry;

    if (!logs) return;
    while ((entry = readdir(logs))) {
        struct record_reader *reader = NULL;
        char *path = NULL;
        if (!is_log(entry->d_name) || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
            continue;
        record_reader_open(&reader, path, true);
        if (reader) record_reader_stop(reader);
        record_reader_close(reader);
        if (remove) unlink(path);
        free(path);
    }
    closedir(logs);
}
