/* SPDX-License-Identifier: MIT */
#include "plot/session_figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "plot/session.h"

#define COLUMN_WIDTH 9

/* ---------------------------------------------------------------------- table */

static int width_of_names(const struct session *list, size_t n) {
    size_t width = 0;

    for (size_t i = 0; i < n; i++)
        if (strlen(list[i].name) > width) width = strlen(list[i].name);
    return (int)width;
}

static void print_table(const struct session *list, size_t n) {
    int width = width_of_names(list, n);
    char text[SIZE_TEXT];

    printf("%-*s", width, "");
    for (size_t i = 0; i < N_SESSION_FIGURES; i++)
        printf(" %*s", COLUMN_WIDTH, session_heads[i].over);
    printf("\n%-*s", width, "");
    for (size_t i = 0; i < N_SESSION_FIGURES; i++)
        printf(" %*s", COLUMN_WIDTH, session_heads[i].head);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        printf("%-*s", width, list[i].name);
        for (enum session_figure j = 0; j < N_SESSION_FIGURES; j++)
            printf(" %*s", COLUMN_WIDTH, session_text(text, &list[i], j));
        putchar('\n');
    }
    putchar('\n');
}

/* -------------------------------------------------------------------- drawing */

/* "array sessions[2]=['a.csv','b.csv']", by their absolute names, as gnuplot runs elsewhere. */
static int write_variables(char **variables, const char *const *paths, size_t n) {
    size_t size;
    FILE *to = open_memstream(variables, &size);
    int status = STATUS_OK;

    if (!to) return complain(STATUS_IO, "no memory for the names of sessions");
    fprintf(to, "array sessions[%zu]=[", n);
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        char *absolute = realpath(paths[i], NULL);
        if (!absolute)
            status = complain(STATUS_IO, "%s: %s", paths[i], strerror(errno));
        else if (strchr(absolute, '\''))
            status = complain(STATUS_IO, "%s: its name must not hold a quote", absolute);
        else
            fprintf(to, "%s'%s'", i > 0 ? "," : "", absolute);
        free(absolute);
    }
    fputc(']', to);
    if (fclose(to) != 0 && status == STATUS_OK)
        status = complain(STATUS_IO, "no memory for the names of sessions");
    return status;
}

int session_figures_draw(struct figures *figures, const char *const *paths, size_t n) {
    static const char *const formats[] = {"png", "svg"};
    const bool wanted[] = {figures->png, figures->svg};
    char *variables = NULL;
    int status = write_variables(&variables, paths, n);

    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        if (!wanted[i]) continue;
        status = figures_draw(figures, "session", variables, "", "session", formats[i]);
        if (status == STATUS_OK && !figures->quiet && !figures->unnamed)
            printf("%s/session.%s\n", figures->directory, formats[i]);
    }
    free(variables);
    return status;
}

int session_figures_make(struct figures *figures, const char *const *paths, size_t n) {
    struct session *list = calloc(n, sizeof(*list));
    int status = list ? STATUS_OK : complain(STATUS_IO, "no memory for sessions");

    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = session_read(&list[i], paths[i]);
    if (status == STATUS_OK) {
        sessions_tell_apart(list, n);
        if (!figures->quiet) print_table(list, n);
        status = session_figures_draw(figures, paths, n);
    }
    free(list);
    return status;
}
