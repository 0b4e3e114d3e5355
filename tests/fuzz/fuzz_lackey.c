/* SPDX-License-Identifier: MIT */
/*
 * Lackey's text beside a log of the recorder. The first two bytes say how much of the rest
 * is the log's records, 16 bytes each; the header of that is made here, as the recorder's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "locks/gather.h"
#include "record_log.h"

struct seen {
    uint32_t live[4096]; /* by slot */
    uint64_t instructions;
};

/* What access.h promises. */
static int take(void *context, const struct access_item *items, size_t n) {
    struct seen *seen = context;

    for (size_t i = 0; i < n; i++) {
        const struct access_item *item = &items[i];
        FUZZ_HOLDS(item->op < N_ACCESS_OPS && item->slot < 4096);
        FUZZ_HOLDS(item->instructions >= seen->instructions && item->low <= item->depth);
        seen->instructions = item->instructions;
        if (item->op >= ACCESS_THREAD) continue;
        if (item->op >= ACCESS_ALLOC && item->op <= ACCESS_ALIGNED)
            FUZZ_HOLDS(!seen->live[item->slot]++);
        else
            FUZZ_HOLDS(seen->live[item->slot]);
        if (item->op == ACCESS_FREE) seen->live[item->slot] = 0;
    }
    return 0;
}

static int records_file(const uint8_t *data, size_t size, char path[64]) {
    static struct record_header header = {.magic = RECORD_MAGIC,
                                          .header_size = RECORD_HEADER_SIZE,
                                          .record_size = sizeof(struct record),
                                          .mapped = UINT64_C(0x20000000000)};
    int fd = memfd_create("records", MFD_CLOEXEC);

    if (fd < 0 || pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        pwrite(fd, data, size, RECORD_HEADER_SIZE) != (ssize_t)size)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seen *seen = calloc(1, sizeof(*seen));
    struct access_sink sink = {take, seen};
    struct gather_options options = {.ends = -1, .path = "text", .limit_accesses = 100000};
    struct gather_totals totals;
    char words[64], log[64];

    if (!seen || size < 2 || size > 32768) {
        free(seen);
        return 0;
    }
    size_t records = (size_t)(data[0] | data[1] << 8);
    if (records > size - 2) records = size - 2;
    int fd = records_file(data + 2, records, log);
    options.log = log;
    options.fd = open(fuzz_file(data + 2 + records, size - 2 - records), O_RDONLY);
    if (options.fd < 0) abort();
    gather(&options, &sink, &totals, words, sizeof(words));
    close(options.fd);
    close(fd);
    free(seen);
    return 0;
}
