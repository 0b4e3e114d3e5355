/* SPDX-License-Identifier: MIT */
#include "record/record_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/say.h"

#define CHUNK 4096 /* records; a page of slots begins each */
#define PUNCH_LEAST ((off_t)1 << 20)
#define ALIGNMENT_MOST 48

struct record_reader {
    const char *path;
    int fd;
    bool writable, damaged;
    struct record_header header;
    uint64_t slot; /* the next to give */
    uint64_t unwritten, skipped;
    uint64_t chunk_slot; /* of chunk[0] */
    size_t n_chunk;      /* records in it that may be given */
    off_t punched;
    struct record chunk[CHUNK];
};

static int refuse(const char *path, const char *why) {
    return complain(STATUS_MALFORMED, "%s: %s", path, why);
}

/* ------------------------------------------------------------------- header */

/* Bytes from a place of the file, fewer at its end; -1: errno. */
static ssize_t read_at(int fd, void *to, size_t size, off_t at) {
    size_t n = 0;

    while (n < size) {
        ssize_t got = pread(fd, (char *)to + n, size - n, at + (off_t)n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

static bool is_text(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

static int check_header(const char *path, const struct record_header *header) {
    if (header->magic == __builtin_bswap64(RECORD_MAGIC))
        return refuse(path, "a log of a machine with another byte order");
    if (header->magic != RECORD_MAGIC) return refuse(path, "not a log of the recorder");
    if (header->header_size != RECORD_HEADER_SIZE ||
        header->record_size != sizeof(struct record))
        return refuse(path, "a log of another version of the recorder");
    if (header->first_slot >> 48 || header->base_slot > header->first_slot ||
        header->first_slot - header->base_slot >= CHUNK ||
        header->command_size > RECORD_COMMAND ||
        !is_text(header->parent, sizeof(header->parent)) ||
        !is_text(header->program, sizeof(header->program)) || strchr(header->parent, '/'))
        return refuse(path, "the header of this log is damaged");
    return STATUS_OK;
}

/* Of a failed call: something that may be there later. */
static bool scarce(void) { return errno == EMFILE || errno == ENFILE || errno == ENOMEM; }

int record_reader_open(struct record_reader **out, const char *path, bool again) {
    struct record_reader *reader = calloc(1, sizeof(*reader));
    struct stat about;
    ssize_t n = 0;
    int status = STATUS_OK;

    *out = NULL;
    if (!reader)
        return again ? STATUS_OK : complain(STATUS_IO, "no memory to read %s", path);
    reader->path = path;
    reader->fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    reader->writable = reader->fd >= 0;
    if (reader->fd < 0) reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0 || fstat(reader->fd, &about) != 0)
        status = again && scarce() ? STATUS_OK
                                   : complain(STATUS_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode))
        status = refuse(path, "not a file, so no log");
    else if ((n = read_at(reader->fd, &reader->header, sizeof(reader->header), 0)) < 0)
        status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
    else if (reader->header.magic != 0 && (size_t)n < sizeof(reader->header))
        status = reader->header.magic == RECORD_MAGIC
                     ? refuse(path, "cut short: not even the header is whole")
                     : refuse(path, "not a log of the recorder");
    else if (reader->header.magic != 0)
        status = check_header(path, &reader->header);
    if (status != STATUS_OK || reader->header.magic == 0) {
        record_reader_close(reader);
        return status;
    }
    reader->slot = reader->chunk_slot = reader->header.first_slot;
    *out = reader;
    return STATUS_OK;
}

void record_reader_close(struct record_reader *reader) {
    if (!reader) return;
    if (reader->fd >= 0) close(reader->fd);
    free(reader);
}

const struct record_header *record_reader_header(const struct record_reader *reader) {
    return &reader->header;
}

uint64_t record_reader_unwritten(const struct record_reader *reader) {
    return reader->unwritten;
}

/* ------------------------------------------------------------------ records */

static off_t offset_of(const struct record_reader *reader, uint64_t slot) {
    return RECORD_HEADER_SIZE +
           (off_t)((slot - reader->header.base_slot) * sizeof(struct record));
}

/* Where the next data is at or behind `slot`: holes may be larger than all there is. */
static bool skip_hole(const struct record_reader *reader, uint64_t *slot) {
    off_t at = offset_of(reader, *slot);
    off_t data = lseek(reader->fd, at, SEEK_DATA);

    if (data < 0) return errno != ENXIO; /* no data any more; or no such call here */
    if (data > at) *slot += (uint64_t)(data - at) / sizeof(struct record);
    return true;
}

/* How many are written, before the first that is not. */
static size_t written(const struct record *records, size_t n) {
    size_t i = 0;

    while (i < n && records[i].word[0] != 0) i++;
    return i;
}

/* Slots behind it have no room, so no record: its process has ended. A log of an earlier
   recorder does not say. */
static bool has_room(struct record_reader *reader, uint64_t slot, size_t *n) {
    uint64_t room = 0;

    if (read_at(reader->fd, &room, sizeof(room),
                offsetof(struct record_header, room_slot)) != sizeof(room) ||
        room == 0)
        return true;
    if (slot >= room) return false;
    if (*n > room - slot) *n = (size_t)(room - slot);
    return true;
}

/* The chunk that begins with the next slot, up to the next multiple of CHUNK. */
static int read_chunk(struct record_reader *reader, enum record_end end) {
    uint64_t slot = reader->slot;
    size_t wanted;
    ssize_t n;

    reader->n_chunk = 0;
    if (end == RECORD_ENDED && !skip_hole(reader, &slot)) return STATUS_OK;
    wanted = CHUNK - (size_t)(slot % CHUNK);
    if (end == RECORD_ENDED && !has_room(reader, slot, &wanted)) return STATUS_OK;
    n = read_at(reader->fd, reader->chunk, wanted * sizeof(struct record),
                offset_of(reader, slot));
    if (n < 0) return complain(STATUS_IO, "%s: %s", reader->path, strerror(errno));
    n /= (ssize_t)sizeof(struct record);
    if (end != RECORD_ENDED) {
        /* Words 0 are written last. So where they are there, what is read now has words
           1. */
        size_t size = written(reader->chunk, (size_t)n) * sizeof(struct record);
        if (size == 0) return STATUS_OK;
        if (read_at(reader->fd, reader->chunk, size, offset_of(reader, slot)) !=
            (ssize_t)size)
            return STATUS_OK;
        n = (ssize_t)(size / sizeof(struct record));
    }
    reader->skipped += slot - reader->slot;
    reader->slot = reader->chunk_slot = slot;
    reader->n_chunk = (size_t)n;
    return STATUS_OK;
}

static int damage(struct record_reader *reader) {
    reader->damaged = true;
    return complain(STATUS_MALFORMED,
                    "%s: slot %" PRIu64 " is no record; what is behind it is left out",
                    reader->path, reader->slot);
}

static bool plausible(struct record record) {
    return record_op(record) > RECORD_NONE && record_op(record) < RECORD_N_OPS &&
           record_alignment_log2(record) <= ALIGNMENT_MOST;
}

/* Takes what the chunk has. false: the log ends here. */
static bool take(struct record_reader *reader, struct record_entry *entries, size_t most,
                 size_t *n, int *status) {
    while (*n < most && reader->slot - reader->chunk_slot < reader->n_chunk) {
        struct record record = reader->chunk[reader->slot - reader->chunk_slot];
        if (record.word[0] == 0) {
            reader->skipped++;
        } else if (!plausible(record)) {
            *status = damage(reader);
            return false;
        } else {
            reader->unwritten += reader->skipped;
            reader->skipped = 0;
            entries[(*n)++] = (struct record_entry){reader->slot, record};
        }
        reader->slot++;
    }
    return true;
}

int record_reader_read(struct record_reader *reader, enum record_end end,
                       struct record_entry *entries, size_t most, size_t *n) {
    int status = STATUS_OK;

    *n = 0;
    while (*n < most && !reader->damaged) {
        if (!take(reader, entries, most, n, &status)) break;
        if (*n == most) break;
        status = read_chunk(reader, end);
        if (status || reader->n_chunk == 0) break;
    }
    if (*n == 0)
        read_at(reader->fd, &reader->header.exited, 3 * sizeof(uint64_t),
                offsetof(struct record_header, exited));
    return status;
}

/* ------------------------------------------------------------------ writing */

void record_reader_punch(struct record_reader *reader) {
    off_t upto = offset_of(reader, reader->slot) / 4096 * 4096;

    if (!reader->writable) return;
    if (reader->punched == 0) reader->punched = RECORD_HEADER_SIZE;
    if (upto - reader->punched < PUNCH_LEAST) return;
    if (fallocate(reader->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, reader->punched,
                  upto - reader->punched) == 0)
        reader->punched = upto;
}

void record_reader_trim(struct record_reader *reader) {
    off_t size = offset_of(reader, reader->slot);
    struct stat about;

    if (reader->writable && !reader->damaged && fstat(reader->fd, &about) == 0 &&
        about.st_size > size && ftruncate(reader->fd, size) != 0)
        complain(STATUS_OK, "%s: %s", reader->path, strerror(errno));
}

void record_reader_stop(struct record_reader *reader) {
    uint64_t yes = 1;

    if (reader->writable &&
        pwrite(reader->fd, &yes, sizeof(yes), offsetof(struct record_header, stop)) < 0)
        complain(STATUS_IO, "%s: %s", reader->path, strerror(errno));
}
