/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#define LINE                                                                             \
    "batch %" SCNu64 " operations %" SCNu64 " episodes %" SCNu64 " refused %" SCNu64     \
    " proofs %" SCNu64 " verified %" SCNu64 " pictures %" SCNu64 " seconds %lf"

static void add_seed(struct journal *journal, uint64_t seed) {
    if (journal->n == journal->room) {
        journal->room = journal->room > 0 ? 2 * journal->room : 256;
        journal->seeds = realloc(journal->seeds, journal->room * sizeof(*journal->seeds));
        if (journal->seeds == NULL) give_up("no memory for a journal");
    }
    journal->seeds[journal->n++] = seed;
}

static bool read_line(struct journal *journal, const char *line) {
    struct tally tally = {0}, *sum = &journal->sum;
    uint64_t seed;
    double seconds;

    if (sscanf(line, LINE, &seed, &tally.operations, &tally.traces, &tally.refused,
               &tally.proofs, &tally.verified, &tally.pictures, &seconds) != 8)
        return false;
    add_seed(journal, seed);
    sum->operations += tally.operations;
    sum->traces += tally.traces;
    sum->refused += tally.refused;
    sum->proofs += tally.proofs;
    sum->verified += tally.verified;
    sum->pictures += tally.pictures;
    journal->seconds += seconds;
    return true;
}

static const char *begin(const char *name, uint64_t seed) {
    FILE *file = fopen(name, "w");

    if (file == NULL) return fault("%s: %s", name, strerror(errno));
    fprintf(file, "seed %" PRIu64 "\n", seed);
    return fclose(file) == 0 ? FINE : fault("%s: %s", name, strerror(errno));
}

const char *journal_read(struct journal *journal, const char *name, uint64_t *seed,
                         bool sure) {
    char line[300];
    uint64_t first;
    unsigned n = 1;
    FILE *file;
    const char *text = FINE;

    memset(journal, 0, sizeof(*journal));
    if (name == NULL) return FINE;
    file = fopen(name, "r");
    if (file == NULL)
        return errno == ENOENT ? begin(name, *seed)
                               : fault("%s: %s", name, strerror(errno));
    if (fgets(line, sizeof(line), file) == NULL ||
        sscanf(line, "seed %" SCNu64, &first) != 1)
        text = fault("%s:1: not a journal", name);
    else if (sure && first != *seed)
        text = fault("%s is of seed %" PRIu64, name, first);
    else
        *seed = first;
    while (text == FINE && fgets(line, sizeof(line), file) != NULL) {
        n++;
        if (!read_line(journal, line))
            text = fault("%s:%u: not a line of a journal", name, n);
    }
    fclose(file);
    return text;
}

bool journal_has(const struct journal *journal, uint64_t seed) {
    for (size_t i = 0; i < journal->n; i++)
        if (journal->seeds[i] == seed) return true;
    return false;
}

void journal_note(const char *name, uint64_t seed, const struct tally *tally,
                  double seconds) {
    FILE *file;

    if (name == NULL) return;
    file = fopen(name, "a");
    if (file == NULL) give_up("the journal cannot be written");
    fprintf(file,
            "batch %" PRIu64 " operations %" PRIu64 " episodes %" PRIu64
            " refused %" PRIu64 " proofs %" PRIu64 " verified %" PRIu64
            " pictures %" PRIu64 " seconds %.1f\n",
            seed, tally->operations, tally->traces, tally->refused, tally->proofs,
            tally->verified, tally->pictures, seconds);
    if (fclose(file) != 0) give_up("the journal cannot be written");
}

void journal_finish(struct journal *journal) { free(journal->seeds); }
