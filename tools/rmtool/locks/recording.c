/* SPDX-License-Identifier: MIT */
#include "locks/recording.h"

#include <assert.h>
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

#include "base/say.h"

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

/* Reads the header of a log. Returns: whether it is one of that process, mapped there. */
static bool is_log(int directory, const char *name, uint64_t pid, uint64_t at,
                   struct record_header *header) {
    size_t length = strlen(name), suffix = strlen(RECORD_SUFFIX);

    if (length < suffix || strcmp(name + length - suffix, RECORD_SUFFIX) != 0)
        return false;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read_at(fd, header, HEADER_BYTES, 0);
    if (fd >= 0) close(fd);
    return n >= (ssize_t)HEADER_BYTES && header->magic == RECORD_MAGIC &&
           header->pid == pid && header->mapped == at;
}

/* The oldest one that began after `after`; where none did, the newest.
   Returns: its name, on the heap; NULL where there is none. */
static char *find(DIR *files, uint64_t pid, uint64_t at, uint64_t after,
                  uint64_t *start_ns) {
    struct record_header header;
    struct dirent *entry;
    char *found = NULL;

    *start_ns = 0;
    while ((entry = readdir(files))) {
        if (!is_log(dirfd(files), entry->d_name, pid, at, &header)) continue;
        bool later = header.start_ns > after, had_later = *start_ns > after;
        if (found &&
            (later == had_later ? later == (header.start_ns > *start_ns) : !later))
            continue;
        *start_ns = header.start_ns;
        free(found);
        found = strdup(entry->d_name);
        if (!found) break;
    }
    return found;
}

uint64_t recording_newest(const char *directory, uint64_t pid, uint64_t at) {
    DIR *files = opendir(directory);
    uint64_t start_ns = 0;

    if (!files) return 0;
    free(find(files, pid, at, UINT64_MAX, &start_ns));
    closedir(files);
    return start_ns;
}

int recording_find(struct recording *recording, const char *directory, uint64_t pid,
                   uint64_t at, uint64_t after) {
    DIR *files = opendir(directory);
    uint64_t start_ns;
    char *name, *path = NULL;
    int status;

    if (!files) return complain(STATUS_IO, "%s: %s", directory, strerror(errno));
    name = find(files, pid, at, after, &start_ns);
    closedir(files);
    if (!name) return STATUS_OK;
    if (asprintf(&path, "%s/%s", directory, name) < 0) path = NULL;
    free(name);
    if (!path) return complain(STATUS_IO, "no memory for a name");
    status = recording_open(recording, path);
    recording->found = path;
    return status;
}

void recording_end(const struct recording *recording, bool *exited, int *failed) {
    uint64_t words[2] = {0}; /* of the header */
    static_assert(offsetof(struct record_header, failed) ==
                      offsetof(struct record_header, exited) + sizeof(words[0]),
                  "they lie side by side");

    *exited = false;
    *failed = 0;
    if (!recording->path ||
        read_at(recording->fd, words, sizeof(words),
                offsetof(struct record_header, exited)) != (ssize_t)sizeof(words))
        return;
    *exited = words[0] != 0;
    *failed = (int)(words[1] & 0xfff);
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
