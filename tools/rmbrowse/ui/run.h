/* SPDX-License-Identifier: MIT */
/*
 * Runs scripts, with a window or without one.
 */
#ifndef RMBROWSE_RUN_H
#define RMBROWSE_RUN_H

#include "ui/script.h"
#include "ui/session.h"
#include "ui/window.h"

/* Where a script is run. */
struct stage {
    struct session *session;
    window_t *window; /* NULL: there is none */
    const char *
        screenshots; /* the folder for files whose names are relative; NULL: the current one */
    unsigned patience_s; /* how long `wait` waits at most */
    bool with_panel;     /* on screenshots */
};

/* Returns: a status, that of the first command that could not be done, having said which and why. */
int script_run(const struct script *script, struct stage *stage);

#endif
