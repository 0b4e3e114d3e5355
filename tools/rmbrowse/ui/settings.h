/* SPDX-License-Identifier: MIT */
/*
 * What the program was asked to do.
 */
#ifndef RMBROWSE_SETTINGS_H
#define RMBROWSE_SETTINGS_H

#include "browse/browser.h"

struct settings {
    struct browser_options browser;
    const char *script, *csv,
        *screenshots; /* NULL: none; the script's screenshots: here */
    unsigned patience_s;
    bool window, stats, json, compact_said;
    char **urls;
    int n_urls;
};

/*
 * Reads the command line.
 *  done: receives whether there is nothing left to do, after --help or --version.
 * Returns: a status, having complained.
 */
int settings_read(struct settings *settings, int argc, char **argv, bool *done);

#endif
