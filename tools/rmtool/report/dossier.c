/* SPDX-License-Identifier: MIT */
#include "report/dossier.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/page.h"
#include "base/say.h"

/* --------------------------------------------------------------------- the folder */

char *dossier_path(const struct dossier *dossier, const char *name, const char *ending) {
    char *path;

    if (asprintf(&path, "%s/%s%s", dossier->figures.directory, name, ending) >= 0)
        return path;
    complain(STATUS_IO, "no memory for a file name");
    return NULL;
}

bool dossier_has(const struct dossier *dossier, const char *name, const char *ending) {
    char *path = dossier_path(dossier, name, ending);
    bool has = path && access(path, R_OK) == 0;

    free(path);
    return has;
}

/* ----------------------------------------------------------------------- traces */

void dossier_note_trace(struct dossier *dossier, const char *name) {
    for (size_t i = 0; i < dossier->n_traces; i++)
        if (strcmp(dossier->traces[i], name) == 0) return;
    if (dossier->n_traces == DOSSIER_INPUTS) return;
    snprintf(dossier->traces[dossier->n_traces++], FIGURES_NAME, "%s", name);
}

const struct dossier_input *dossier_replayed(const struct dossier *dossier,
                                             const char *trace) {
    for (size_t i = 0; i < dossier->n_inputs; i++)
        if (dossier->inputs[i].kind == DOSSIER_TRACE &&
            strcmp(dossier->inputs[i].trace, trace) == 0)
            return &dossier->inputs[i];
    return NULL;
}

size_t dossier_ours(const struct dossier *dossier) {
    const struct entrants *entrants = &dossier->loaded.compare.entrants;

    for (size_t i = 1; dossier->compared && i < entrants->n; i++)
        if (entrants->list[i].kind == ENTRANT_HANDLES && entrants->list[i].present)
            return i;
    return 0;
}

/* --------------------------------------------------------------------- pictures */

char *dossier_without(const char *text, const char *directory) {
    size_t length = strlen(directory);
    char *copy = strdup(text), *at = copy;

    while (copy && length > 0 && (at = strstr(at, directory)) != NULL) {
        size_t drop = length + (at[length] == '/');
        memmove(at, at + drop, strlen(at + drop) + 1);
    }
    return copy;
}

/* Out of memory here costs a picture's caption, or the picture: the report goes on. */
void dossier_note_picture(void *context, const char *picture, const char *script,
                          const char *variables) {
    struct dossier *dossier = context;
    const char *slash = strrchr(picture, '/');
    char *absolute = realpath(dossier->figures.directory, NULL);

    if (!dossier->pictures)
        dossier->pictures = calloc(DOSSIER_PICTURES, sizeof(*dossier->pictures));
    if (dossier->pictures && dossier->n_pictures < DOSSIER_PICTURES) {
        struct dossier_picture *noted = &dossier->pictures[dossier->n_pictures];
        noted->file = strdup(slash ? slash + 1 : picture);
        noted->script = strdup(script);
        noted->variables = dossier_without(variables, absolute ? absolute : "");
        if (noted->file && noted->script && noted->variables) {
            dossier->n_pictures++;
        } else {
            free(noted->file);
            free(noted->script);
            free(noted->variables);
        }
    }
    free(absolute);
}

const struct dossier_picture *dossier_picture(const struct dossier *dossier,
                                              const char *script, const char *of,
                                              size_t n) {
    for (size_t i = 0; i < dossier->n_pictures; i++) {
        const struct dossier_picture *picture = &dossier->pictures[i];
        const char *dot = strrchr(picture->file, '.');
        if (strcmp(picture->script, script) == 0 && strstr(picture->variables, of) &&
            dot && strcmp(dot, ".svg") == 0 && n-- == 0)
            return picture;
    }
    return NULL;
}

/* The CSV files that the variables name, as links to where they are. */
static void write_sources(const char *variables, FILE *to) {
    const char *at = variables, *end;

    while ((at = strchr(at, '\'')) != NULL && (end = strchr(at + 1, '\'')) != NULL) {
        size_t length = (size_t)(end - at - 1);
        char name[FIGURES_NAME + 32];
        if (length > 4 && length < sizeof(name) && memcmp(end - 4, ".csv", 4) == 0) {
            memcpy(name, at + 1, length);
            name[length] = '\0';
            fputs(" <a href=\"#data-", to);
            page_name(to, name);
            fputs("\">", to);
            page_text(to, name);
            fputs("</a>", to);
        }
        at = end + 1;
    }
}

int dossier_figure(const struct dossier *dossier, const struct dossier_picture *picture,
                   const char *caption, FILE *to) {
    char prefix[32];

    if (!picture) return STATUS_OK;
    char *path = dossier_path(dossier, picture->file, "");
    snprintf(prefix, sizeof(prefix), "p%td-", picture - dossier->pictures);
    fputs("<figure class=\"plate\"><div class=\"sheet\">", to);
    int status = path ? page_svg(to, path, prefix, caption) : STATUS_IO;
    free(path);
    fputs("</div>\n<figcaption><p>", to);
    page_text(to, caption);
    fputs("</p><details class=\"how\"><summary>How it was made</summary><p>From", to);
    write_sources(picture->variables, to);
    fputs(":</p><pre><code>gnuplot -e \"", to);
    page_text(to, picture->variables);
    fputs("; out='", to);
    page_text(to, picture->file);
    fputs("'\" plots/", to);
    page_text(to, picture->script);
    fputs(".gp</code></pre></details></figcaption></figure>\n", to);
    return status;
}
