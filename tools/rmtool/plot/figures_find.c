/* SPDX-License-Identifier: MIT */
/*
 * What figures need to be there: gnuplot, the scripts, this executable; and their names.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "plot/figures.h"
#include "base/say.h"

/* Given by the build. */
#ifndef RMTOOL_PLOTS_DIR
#define RMTOOL_PLOTS_DIR "/usr/local/share/rmalloc/plots"
#endif
#ifndef RMTOOL_PLOTS_SOURCE_DIR
#define RMTOOL_PLOTS_SOURCE_DIR "plots"
#endif

static int find_gnuplot(void) {
    const char *argv[] = {"gnuplot", "--version", NULL};
    bool found;
    if (child_run(argv, NULL, false, &found) == 0) return STATUS_OK;
    return complain(STATUS_IO, "gnuplot cannot be run; it draws the pictures (on Debian: "
                               "apt-get install gnuplot-nox)");
}

/* Whether the directory holds the scripts; an absolute path then is in figures->scripts. */
static bool scripts_in(struct figures *figures, const char *directory) {
    char script[FIGURES_PATH], *real;
    if (snprintf(script, sizeof script, "%s/palette.gp", directory) >= (int)sizeof script)
        return false;
    if (access(script, R_OK) != 0) return false;
    real = realpath(directory, NULL);
    if (!real || strlen(real) >= sizeof figures->scripts) {
        free(real);
        return false;
    }
    strcpy(figures->scripts, real);
    free(real);
    return true;
}

/* Beside this executable as installed; else the source tree of this build; else where
   the build was to be installed. */
static int find_scripts(struct figures *figures, const char *given) {
    char beside[FIGURES_PATH + 32];
    char *slash;

    if (given) {
        if (!scripts_in(figures, given))
            return complain(STATUS_IO, "%s: no gnuplot scripts of rmtool here", given);
    } else {
        snprintf(beside, sizeof beside, "%s", figures->program);
        slash = strrchr(beside, '/');
        if (slash) strcpy(slash, "/../share/rmalloc/plots");
        if (!scripts_in(figures, beside) &&
            !scripts_in(figures, RMTOOL_PLOTS_SOURCE_DIR) &&
            !scripts_in(figures, RMTOOL_PLOTS_DIR))
            return complain(STATUS_IO,
                            "the gnuplot scripts are neither in %s nor in %s; "
                            "say where with --plots-dir",
                            RMTOOL_PLOTS_DIR, RMTOOL_PLOTS_SOURCE_DIR);
    }
    if (strchr(figures->scripts, '\''))
        return complain(STATUS_IO,
                        "%s: gnuplot scripts cannot lie under a name with a "
                        "quote in it",
                        figures->scripts);
    return STATUS_OK;
}

void figures_name(const char *trace, char name[FIGURES_NAME]) {
    static const char *const endings[] = {".zst", ".rmt", ".csv", ".json"};
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.+";
    const char *slash = strrchr(trace, '/');

    snprintf(name, FIGURES_NAME, "%s", slash ? slash + 1 : trace);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
            name[length - ending] = '\0';
    }
    for (char *c = name; *c; c++)
        if (!strchr(plain, *c)) *c = '_';
    if (name[0] == '-' || name[0] == '.') name[0] = '_';
}

int figures_find(struct figures *figures, const char *given) {
    ssize_t length =
        readlink("/proc/self/exe", figures->program, sizeof figures->program - 1);
    int status;

    if (length < 0) return complain(STATUS_IO, "/proc/self/exe: %s", strerror(errno));
    figures->program[length] = '\0';
    status = find_gnuplot();
    return status ? status : find_scripts(figures, given);
}
