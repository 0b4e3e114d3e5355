/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

/* The part of the header that is of use here. */
#define HEADER_BYTES offsetof(struct record_header, exited)

static ssize_t read_at(int fd, void *buffer, size_t size, off_t offset) {
    ssize_t n;

    do n = pread(fd, buffer, size, offset);
    while (n < 0 && errno == EINTR);
    return n;
}

int recording_open(struct recording *recording, const char *path) {
    struct record_header header = {0};
    ssize_t n;

    *recording = (struct recording){.path = path};
    recording->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (recording->fd < 0) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    n = read_at(recording->fd, &header, HEADER_BYTES, 0);
    if (n < 0) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    if ((size_t)n < HEADER_BYTES || header.magic != RECORD_MAGIC ||
        header.record_size != sizeof(struct record) ||
        header.header_size < HEADER_BYTES || header.header_size > (1u << 30))
        return complain(STATUS_MALFORMED, "%s: not a log of the recorder", path);
    if (header.base_slot > header.first_slot || header.first_slot >= UINT64_C(1) << 48 ||
        header.header_size != RECORD_HEADER_SIZE)
        return complain(STATUS_MALFORMED, "%s: the header makes no sense", path);
    recording->mapped = header.mapped;
    recording->base_slot = recording->limit_slot = header.base_slot;
    recording->first_slot = header.first_slot;
    return STATUS_OK;
}

int recording_find(struct recording *recording, const char *directory, uint64_t pid,
                   uint64_t at) {
    DIR *files = opendir(directory);
    struct dirent *entry;
    uint64_t newest = 0;

    if (!files) return complain(STATUS_IO, "%s: %s", directory, strerror(errno));
    while ((entry = readdir(files))) {
        struct record_header header = {0};
        size_t length = strlen(entry->d_name), suffix = strlen(RECORD_SUFFIX);
        if (length < suffix ||
            strcmp(entry->d_name + length - suffix, RECORD_SUFFIX) != 0)
            continue;
        int fd = openat(dirfd(files), entry->d_name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read_at(fd, &header, HEADER_BYTES, 0);
        if (fd >= 0) close(fd);
        if (n < (ssize_t)HEADER_BYTES || header.magic != RECORD_MAGIC ||
            header.pid != pid || header.mapped != at || header.start_ns < newest)
            continue;
        newest = header.start_ns;
        free(recording->found);
        if (asprintf(&recording->found, "%s/%s", directory, entry->d_name) < 0)
            recording->found = NULL;
    }
    closedir(files);
    if (!recording->found) return STATUS_OK;
    char *found = recording->found;
    int status = recording_open(recording, found);
    recording->found = found;
    return status;
}

bool recording_has(struct recording *recording, uint64_t slot) {
    struct stat file;

    if (slot < recording->base_slot) return false;
    if (slot < recording->limit_slot) return true;
    if (fstat(recording->fd, &file) == 0 && file.st_size > RECORD_HEADER_SIZE)
        recording->limit_slot =
            recording->base_slot + ((uint64_t)file.st_size - RECORD_HEADER_SIZE) /
                                       (uint64_t)sizeof(struct record);
    return slot < recording->limit_slot;
}

int recording_read(struct recording *recording, uint64_t slot, struct record *record) {
    uint64_t offset =
        RECORD_HEADER_SIZE + (slot - recording->base_slot) * (uint64_t)sizeof(*record);
    ssize_t n = read_at(recording->fd, record, sizeof(*record), (off_t)offset);

    if (n < 0) return complain(STATUS_IO, "%s: %s", recording->path, strerror(errno));
    if ((size_t)n < sizeof(*record)) *record = (struct record){{0, 0}};
    return STATUS_OK;
}

void recording_close(struct recording *recording) {
    if (recording->path && recording->fd >= 0) close(recording->fd);
    free(recording->found);
    *recording = (struct recording){.fd = -1};
}
