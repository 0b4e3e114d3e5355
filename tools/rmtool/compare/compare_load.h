/* SPDX-License-Identifier: MIT */
/*
 * A comparison read back from what `rmtool compare` has written: the summary of --csv, or
 * --json. Then whatever is computed of a comparison can be computed of a file.
 */
#ifndef RMTOOL_COMPARE_LOAD_H
#define RMTOOL_COMPARE_LOAD_H

#include "compare/compare.h"
#include "base/csv.h"

enum { LOADED_TEXT = 4096 };

struct loaded {
    struct compare compare; /* without what --series and --times have */
    char command[LOADED_TEXT], machine[256], version[64], date[64];
};

/* Whether it is the summary of a comparison, by its columns. */
bool compare_is_summary(const struct csv *csv);

/* Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED. compare_unload is due in any case. */
int compare_load_csv(struct loaded *loaded, const struct csv *csv);
int compare_load_json(struct loaded *loaded, const char *path);
void compare_unload(struct loaded *loaded);

#endif
