/* SPDX-License-Identifier: MIT */
#include "base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"

#define RANDOM_LETTERS                                                                   \
    "XX"                                                                                 \
    "XX"                                                                                 \
    "XX" /* as mkdtemp wants them */

int scratch_make(char **directory) {
    const char *base = getenv("TMPDIR");
    int status;

    if (asprintf(directory, "%s/rmtool-" RANDOM_LETTERS, base && *base ? base : "/tmp") <
        0) {
        *directory = NULL;
        return complain(STATUS_IO, "no memory for a name");
    }
    if (mkdtemp(*directory)) return STATUS_OK;
    status = complain(STATUS_IO, "%s: %s", *directory, strerror(errno));
    free(*directory);
    *directory = NULL;
    return status;
}

void scratch_remove(char *directory) {
    struct dirent *entry;
    DIR *files;

    if (!directory) return;
    files = opendir(directory);
    while (files && (entry = readdir(files)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(files), entry->d_name, 0);
    if (files) closedir(files);
    rmdir(directory);
    free(directory);
}
