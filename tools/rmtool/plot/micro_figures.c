/* SPDX-License-Identifier: MIT */
#include "plot/micro_figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define HEADER "group,what,x,"

/* The groups that have a picture, and how their rows begin which it cannot do without. The
   script is called micro-GROUP. */
static const struct group {
    const char *name, *row;
} groups[] = {
    {"scale", "scale,free or alloc,"},
    {"steps", "steps,histogram of "},
    {"latency", "latency,histogram of rmlock"},
};
enum { N_GROUPS = sizeof(groups) / sizeof(groups[0]) };

static bool begins(const char *line, const char *with) {
    return strncmp(line, with, strlen(with)) == 0;
}

bool micro_figures_wanted(const char *path) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool wanted = false;

    while (file && getline(&line, &size, file) > 0) {
        wanted = begins(line, HEADER);
        if (*line != '#') break;
    }
    free(line);
    if (file) fclose(file);
    return wanted;
}

static int find_groups(const char *path, bool found[N_GROUPS]) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool any = false;

    if (!file) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    while (getline(&line, &size, file) > 0)
        for (size_t i = 0; i < N_GROUPS; i++)
            if (begins(line, groups[i].row)) any = found[i] = true;
    free(line);
    fclose(file);
    if (any) return STATUS_OK;
    return complain(STATUS_MALFORMED,
                    "%s: nothing of scale, steps or latency, and the other groups "
                    "have no pictures",
                    path);
}

static int draw(struct figures *figures, const char *path, const char *name,
                const char *group) {
    static const char *const formats[] = {"png", "svg"};
    const bool wanted[] = {figures->png, figures->svg};
    char script[32], variables[FIGURES_PATH + 32];
    int status = STATUS_OK;

    snprintf(script, sizeof(script), "micro-%s", group);
    snprintf(variables, sizeof(variables), "csv='%s'", path);
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        if (!wanted[i]) continue;
        status = figures_draw(figures, script, variables, name, group, formats[i]);
        if (status == STATUS_OK && !figures->quiet && !figures->unnamed)
            printf("%s/%s-%s.%s\n", figures->directory, name, group, formats[i]);
    }
    return status;
}

int micro_figures_make(struct figures *figures, const char *path, const char *name) {
    char *absolute = realpath(path, NULL);
    bool found[N_GROUPS] = {false};
    int status = STATUS_OK;

    if (!absolute)
        status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
    else if (strchr(absolute, '\''))
        status = complain(STATUS_IO, "%s: its name must not hold a quote", absolute);
    else
        status = find_groups(absolute, found);
    for (size_t i = 0; i < N_GROUPS && status == STATUS_OK; i++)
        if (found[i]) status = draw(figures, absolute, name, groups[i].name);
    free(absolute);
    return status;
}
