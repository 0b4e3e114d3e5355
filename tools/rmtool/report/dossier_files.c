/* SPDX-License-Identifier: MIT */
/*
 * The raw numbers: every CSV file that a picture or table was made of, as a link that saves
 * it, with the command that made it. Large ones are not in the page: there is a limit to each
 * and to all; what they show of heap maps is in the page in another form.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report/dossier.h"
#include "report/page.h"
#include "base/say.h"
#include "base/units.h"

enum {
    FILE_MOST = 1400000,
    ALL_MOST = 3000000
}; /* bytes; a browser saves no larger URL */

struct budget {
    size_t left;
};

static int write_row(const struct dossier *dossier, const char *file,
                     struct budget *budget, FILE *to) {
    char *path = dossier_path(dossier, file, "");
    struct csv csv = {0};
    struct stat about;
    char size[SIZE_TEXT];
    const char *command;
    int status = STATUS_OK;

    if (!path) return STATUS_IO;
    if (stat(path, &about) != 0) { /* a trace without steps has none */
        free(path);
        return STATUS_OK;
    }
    fputs("<tr id=\"data-", to);
    page_name(to, file);
    fputs("\"><th scope=\"row\">", to);
    size_t bytes = (size_t)about.st_size;
    if (bytes <= FILE_MOST && bytes <= budget->left) {
        budget->left -= bytes;
        fputs("<a download=\"", to);
        page_text(to, file);
        fputs("\" href=\"", to);
        status = page_data_url(to, path, "text/csv");
        fputs("\">", to);
        page_text(to, file);
        fputs("</a>", to);
    } else {
        page_text(to, file);
        fputs(dossier->keep ? " <small>beside the report</small>"
                            : " <small>not in the page</small>",
              to);
    }
    fprintf(to, "</th><td data-value=\"%zu\">%s</td><td class=\"command\"><code>", bytes,
            format_size(size, bytes));
    if (status == STATUS_OK) status = csv_read(&csv, path);
    command = status == STATUS_OK ? csv_comment(&csv, "command", 0) : NULL;
    char *plain = dossier_without(command ? command : "", dossier->figures.directory);
    page_text(to, plain ? plain : "");
    free(plain);
    fputs("</code></td></tr>\n", to);
    csv_finish(&csv);
    free(path);
    return status;
}

int dossier_files(const struct dossier *dossier, FILE *to) {
    static const char *const endings[] = {FIGURES_PLAIN,      FIGURES_COMPACTED,
                                          FIGURES_STEPS,      FIGURES_BLOCKERS,
                                          FIGURES_PLAIN_GROW, FIGURES_COMPACTED_GROW,
                                          FIGURES_PLAIN_MAP,  FIGURES_COMPACTED_MAP};
    struct budget budget = {ALL_MOST};
    int status = STATUS_OK;

    fputs("<section id=\"data\"><h2>Data and commands</h2>\n<p>Every number of this page "
          "is in "
          "one of these files, which begin with the command, version, machine and date "
          "that "
          "they are of. A link saves the file out of this page. Files that are too large "
          "for "
          "it come of the command beside them",
          to);
    if (dossier->keep) {
        fputs(", and lie in ", to);
        page_text(to, dossier->keep);
        fputs(" with every picture as SVG and PNG", to);
    } else {
        fputs(
            ", or of <code>rmtool report --keep DIR</code>, which leaves them and every "
            "picture as SVG and PNG in a folder",
            to);
    }
    fputs(".</p>\n<div class=\"wide\"><table class=\"sortable data\"><thead><tr><th "
          "scope=\"col\">File</th><th scope=\"col\">Size</th><th scope=\"col\">Made "
          "by</th></tr></thead><tbody>\n",
          to);
    for (size_t i = 0; i < dossier->n_inputs && status == STATUS_OK; i++) {
        const struct dossier_input *input = &dossier->inputs[i];
        char file[FIGURES_NAME + 32];
        if (input->kind == DOSSIER_TRACE) continue;
        snprintf(file, sizeof(file), "%s.csv", input->name);
        status = write_row(dossier, file, &budget, to);
    }
    /* By kind, so that what is not in the page is the maps of all traces, not one trace. */
    for (size_t j = 0; j < sizeof(endings) / sizeof(endings[0]); j++)
        for (size_t i = 0; i < dossier->n_inputs && status == STATUS_OK; i++) {
            char file[FIGURES_NAME + 32];
            if (dossier->inputs[i].kind != DOSSIER_TRACE) continue;
            snprintf(file, sizeof(file), "%s%s", dossier->inputs[i].name, endings[j]);
            status = write_row(dossier, file, &budget, to);
        }
    fputs("</tbody></table></div></section>\n", to);
    return status;
}

void dossier_commands(const struct dossier *dossier, FILE *to) {
    for (size_t i = 0; i < dossier->n_pictures; i++) {
        const struct dossier_picture *picture = &dossier->pictures[i];
        fprintf(to, "gnuplot -e \"%s; out='%s'\" '%s/%s.gp'\n", picture->variables,
                picture->file, dossier->figures.scripts, picture->script);
    }
}
