/* SPDX-License-Identifier: MIT */
/* A file of the batches that are done, so that a long run can be stopped and go on. */
#ifndef MODEL_JOURNAL_H
#define MODEL_JOURNAL_H

#include "world.h"

struct journal {
    uint64_t *seeds; /* of batches, in no order */
    size_t n, room;
    struct tally sum;
    double seconds;
};

/*
 * Reads the file, if there is one by that name (NULL: none is kept), else begins it. Its first seed becomes
 * `*seed`, which a caller that is `sure` of another one is refused. NULL, or what is wrong.
 */
const char *journal_read(struct journal *journal, const char *name, uint64_t *seed,
                         bool sure);
bool journal_has(const struct journal *journal, uint64_t seed);
/* A batch has been done. */
void journal_note(const char *name, uint64_t seed, const struct tally *tally,
                  double seconds);
void journal_finish(struct journal *journal);

#endif
