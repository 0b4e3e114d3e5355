/* SPDX-License-Identifier: MIT */
#include "record/record_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "base/say.h"

/* Given by the build. */
#ifndef RMTOOL_RECORD_DIR
#define RMTOOL_RECORD_DIR "/usr/local/lib/rmalloc"
#endif
#ifndef RMTOOL_RECORD_BESIDE
#define RMTOOL_RECORD_BESIDE "../lib/rmalloc"
#endif
#define LIBRARY "librmrecord.so"
#define SWEEPS 5
#define RANDOM                                                                           \
    "XX"                                                                                 \
    "XX"                                                                                 \
    "XX" /* mkdtemp's, which looks like a note to oneself */

/* ------------------------------------------------------------------- folders */

/* A new folder; its absolute path. */
static int make_folder(char path[PATH_MAX], const char *where, const char *prefix) {
    char pattern[PATH_MAX], *real;

    if (snprintf(pattern, sizeof(pattern), "%s/%s" RANDOM, where, prefix) >=
        (int)sizeof(pattern))
        return complain(STATUS_IO, "%s: too long a name", where);
    if (!mkdtemp(pattern)) return complain(STATUS_IO, "%s: %s", pattern, strerror(errno));
    real = realpath(pattern, NULL);
    if (!real || strlen(real) >= PATH_MAX) {
        free(real);
        rmdir(pattern);
        return complain(STATUS_IO, "%s: too long a name", where);
    }
    strcpy(path, real);
    free(real);
    return STATUS_OK;
}

/* The folder that a file is in. */
static void folder_of(char path[PATH_MAX], const char *file) {
    const char *slash = strrchr(file, '/');

    if (slash)
        snprintf(path, PATH_MAX, "%.*s", (int)(slash - file + (slash == file)), file);
    else
        strcpy(path, ".");
}

int record_place_make(struct record_place *place, struct record_session *session,
                      const char *output, const char *directory, const char *logs,
                      const char *from) {
    char folder[PATH_MAX];
    struct stat about;
    int status = STATUS_OK;

    if (output && stat(output, &about) == 0 && S_ISDIR(about.st_mode))
        return complain(STATUS_IO, "%s: a folder; -d takes one", output);
    if (output) {
        folder_of(folder, output);
        status = make_folder(place->traces, folder, ".rmrecord-");
        place->traces_made = status == STATUS_OK;
    } else {
        if (!directory) directory = ".";
        status = output_directory(directory);
        if (status) return status;
        snprintf(place->traces, sizeof(place->traces), "%s", directory);
        strcpy(folder, place->traces);
    }
    session->folder = place->traces;
    if (status) return status;
    if (from) {
        session->logs = from;
        session->keep_logs = true;
        return STATUS_OK;
    }
    status = make_folder(place->logs, logs ? logs : folder, ".rmrecord-logs-");
    place->logs_made = status == STATUS_OK;
    session->logs = place->logs;
    session->ours = true;
    if (status == STATUS_OK && strlen(place->logs) >= RECORD_PATH) {
        rmdir(place->logs);
        place->logs_made = false;
        status = complain(STATUS_IO, "%s: too long a name for the recorder", place->logs);
    }
    if (status == STATUS_OK || !place->traces_made) return status;
    rmdir(place->traces);
    return status;
}

/* Whoever still runs may make another log before its folder is gone. */
static bool remove_logs(const char *folder, bool keep) {
    bool removed = rmdir(folder) == 0;

    for (int i = 0; !removed && errno == ENOTEMPTY && i < (keep ? 1 : SWEEPS); i++) {
        record_logs_sweep(folder, !keep);
        removed = rmdir(folder) == 0;
    }
    return removed;
}

void record_place_leave(struct record_place *place,
                        const struct record_session *session) {
    bool keep = session->keep_logs || session->n_kept > 0;

    if (place->logs_made && !remove_logs(place->logs, keep))
        complain(STATUS_OK, "logs are kept in %s", place->logs);
    if (place->traces_made && rmdir(place->traces) != 0 && errno == ENOTEMPTY)
        complain(STATUS_OK, "traces are kept in %s", place->traces);
}

/* ------------------------------------------------------------------- library */

static bool readable(struct record_place *place, const char *folder, const char *more) {
    return snprintf(place->library, sizeof(place->library), "%s%s/" LIBRARY, folder,
                    more) < (int)sizeof(place->library) &&
           access(place->library, R_OK) == 0;
}

int record_place_library(struct record_place *place, const char **library) {
    char program[PATH_MAX], *slash;
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (n < 0) return complain(STATUS_IO, "/proc/self/exe: %s", strerror(errno));
    program[n] = '\0';
    slash = strrchr(program, '/');
    if (slash) *slash = '\0';
    if (!readable(place, program, "/../record") &&
        !readable(place, program, "/" RMTOOL_RECORD_BESIDE) &&
        !readable(place, RMTOOL_RECORD_DIR, ""))
        return complain(STATUS_IO,
                        "the recorder, " LIBRARY ", is not in " RMTOOL_RECORD_DIR
                        ": it is built where there is glibc");
    if (strpbrk(place->library, " :"))
        return complain(STATUS_IO, "%s: LD_PRELOAD takes no name with a blank or a colon",
                        place->library);
    *library = place->library;
    return STATUS_OK;
}

/* -------------------------------------------------------------------- choice */

static bool is_of(const struct record_image *image, uint64_t pid) {
    return image->written && image->header.pid == pid;
}

/* The last image of the command's process: what an exec has made of it in the end. Where
   that was not recorded, of the process that was the first to be. */
static struct record_image *choose(const struct record_session *session, pid_t command) {
    struct record_image *image, *first = NULL, *best = NULL;
    uint64_t pid = (uint64_t)command;

    for (image = session->images; image; image = image->next) {
        if (!image->written) continue;
        if (!first || image->header.start_ns < first->header.start_ns) first = image;
        if (is_of(image, pid)) best = image;
    }
    if (!best) pid = first->header.pid;
    for (best = NULL, image = session->images; image; image = image->next)
        if (is_of(image, pid) &&
            (!best || image->header.start_ns > best->header.start_ns))
            best = image;
    return best;
}

int record_place_choose(struct record_session *session, pid_t command, const char *output,
                        bool quiet) {
    struct record_image *chosen = choose(session, command);
    unsigned n = 0;

    if (rename(chosen->trace_path, output) != 0)
        return complain(STATUS_IO, "%s: %s", output, strerror(errno));
    for (struct record_image *image = session->images; image; image = image->next) {
        if (image == chosen || !image->written) continue;
        unlink(image->trace_path);
        image->written = false;
        n++;
    }
    free(chosen->trace_path);
    chosen->trace_path = strdup(output);
    if (!chosen->trace_path) return complain(STATUS_IO, "no memory for a name");
    if (n > 0 && !quiet)
        complain(STATUS_OK, "%u trace%s of other processes left out; -d keeps all", n,
                 n == 1 ? "" : "s");
    return STATUS_OK;
}
