/* SPDX-License-Identifier: MIT */
#include "plot/lock_figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define HEADER "model,kind,parameter,"

/* The header row, and whether a row behind it has a value in its last column: a cost. */
static bool look(const char *path, bool *costs) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    bool wanted = false;

    *costs = false;
    while (file && (length = getline(&line, &size, file)) > 0) {
        if (*line == '#') continue;
        if (wanted)
            *costs = *costs || (length > 1 && line[length - 2] != ',');
        else if (strncmp(line, HEADER, strlen(HEADER)) == 0)
            wanted = true;
        else
            break;
    }
    free(line);
    if (file) fclose(file);
    return wanted;
}

bool lock_figures_wanted(const char *path) {
    bool costs;

    return look(path, &costs);
}

static int draw(struct figures *figures, const char *path, const char *name,
                const char *what, const char *figure) {
    static const char *const formats[] = {"png", "svg"};
    const bool wanted[] = {figures->png, figures->svg};
    char variables[FIGURES_PATH + 64];
    int status = STATUS_OK;

    snprintf(variables, sizeof(variables), "csv='%s'; what='%s'", path, what);
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        if (!wanted[i]) continue;
        status = figures_draw(figures, "locks", variables, name, figure, formats[i]);
        if (status == STATUS_OK && !figures->quiet && !figures->unnamed)
            printf("%s/%s-%s.%s\n", figures->directory, name, figure, formats[i]);
    }
    return status;
}

int lock_figures_make(struct figures *figures, const char *path, const char *name) {
    char *absolute = realpath(path, NULL);
    bool costs;
    int status = STATUS_OK;

    if (!absolute)
        status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
    else if (strchr(absolute, '\''))
        status = complain(STATUS_IO, "%s: its name must not hold a quote", absolute);
    else if (look(absolute, &costs)) {
        status = draw(figures, absolute, name, "locks", "models");
        if (status == STATUS_OK && costs)
            status = draw(figures, absolute, name, "cost", "cost");
    }
    free(absolute);
    return status;
}
