/* SPDX-License-Identifier: MIT */
/*
 * Access logs, and all models of locking at what is in them.
 */
#include "locks/accesslog.h"
#include "fuzz.h"
#include "locks/locking.h"

#define ITEMS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"gap:3",  "gap:20i", "frame", "frame:2",
                                        "life:4", "truth",   "none"};
    enum { N = sizeof(names) / sizeof(names[0]) };
    struct lockmodel_spec specs[N];
    struct accesslog_reader *reader;
    struct accesslog_header header;
    struct access_item items[ITEMS];
    struct locking locking;
    size_t n = 1;

    for (size_t i = 0; i < N; i++) FUZZ_HOLDS(lockmodel_parse(names[i], &specs[i]));
    int status = accesslog_open(&reader, fuzz_file(data, size), &header);
    FUZZ_HOLDS(locking_init(&locking, specs, N) == 0);
    while (status == 0 && n > 0) {
        status = accesslog_read(reader, items, ITEMS, &n);
        if (status == 0) FUZZ_HOLDS(locking_take(&locking, items, n) == 0);
    }
    if (status == 0) {
        FUZZ_HOLDS(locking_end(&locking) == 0);
        for (size_t i = 0; i < N; i++)
            FUZZ_HOLDS(locking.models[i].model.book.locked_bytes == 0);
    }
    locking_finish(&locking);
    accesslog_close(reader);
    return 0;
}
