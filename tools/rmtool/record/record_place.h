/* SPDX-License-Identifier: MIT */
/*
 * Where a recording's files are: logs and traces, and the library that is preloaded.
 */
#ifndef RMTOOL_RECORD_PLACE_H
#define RMTOOL_RECORD_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "record/record_images.h"

struct record_place {
    char logs[PATH_MAX];   /* absolute; ours, to be removed, where `logs_made` */
    char traces[PATH_MAX]; /* likewise */
    char library[PATH_MAX];
    bool logs_made, traces_made;
};

/*
 * Makes the folders, and names them to the session.
 *  output, directory: of which one at most is given: where the trace goes, or the traces.
 *  logs:              where the folder of logs is to be made; NULL: beside the traces.
 *  from:              the folder in which there are logs; NULL: there are none yet.
 * Returns: a status.
 */
int record_place_make(struct record_place *place, struct record_session *session,
                      const char *output, const char *directory, const char *logs,
                      const char *from);

/* The recorder: of the build of this program, or installed with it. */
int record_place_library(struct record_place *place, const char **library);

/* Of all traces that were written, that of the command becomes `output`. */
int record_place_choose(struct record_session *session, pid_t command, const char *output,
                        bool quiet);

/* Removes the folders that were made; one with logs to be kept stays, and it is said. */
void record_place_leave(struct record_place *place, const struct record_session *session);

#endif
