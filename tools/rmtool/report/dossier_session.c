/* SPDX-License-Identifier: MIT */
/*
 * Sessions of rmbrowse: a table of what each comes to, and the sheet of all of them.
 */
#include <math.h>
#include <stdlib.h>

#include "base/say.h"
#include "plot/session_figures.h"
#include "report/dossier.h"
#include "report/page.h"

int dossier_add_session(struct dossier *dossier, const struct dossier_input *input) {
    if (!dossier->sessions)
        dossier->sessions = calloc(DOSSIER_INPUTS, sizeof(*dossier->sessions));
    if (!dossier->sessions) return complain(STATUS_IO, "no memory for sessions");
    return session_read(&dossier->sessions[dossier->n_sessions++], input->path);
}

/* Of the files in the folder, so that a picture can be drawn there again. */
int dossier_draw_sessions(struct dossier *dossier) {
    size_t n = dossier->n_sessions, found = 0;
    char **paths = calloc(n + 1, sizeof(*paths));
    int status = paths ? STATUS_OK : complain(STATUS_IO, "no memory for sessions");

    for (size_t i = 0; i < dossier->n_inputs && status == STATUS_OK; i++) {
        if (dossier->inputs[i].kind != DOSSIER_SESSION) continue;
        paths[found] = dossier_path(dossier, dossier->inputs[i].name, ".csv");
        if (!paths[found++]) status = STATUS_IO;
    }
    if (status == STATUS_OK && n > 0) {
        sessions_tell_apart(dossier->sessions, n);
        status = session_figures_draw(&dossier->figures, (const char *const *)paths, n);
    }
    for (size_t i = 0; paths && i < n; i++) free(paths[i]);
    free(paths);
    return status;
}

static void write_table(const struct dossier *dossier, FILE *to) {
    char text[SIZE_TEXT];

    fputs("<div class=\"wide\"><table class=\"sortable\"><thead><tr><th "
          "scope=\"col\">Session</th>",
          to);
    for (size_t i = 0; i < N_SESSION_FIGURES; i++) {
        fputs("<th scope=\"col\" title=\"", to);
        page_text(to, session_heads[i].title);
        fputs("\">", to);
        page_text(to, session_heads[i].over);
        fputs("<br/>", to);
        page_text(to, session_heads[i].head);
        fputs("</th>", to);
    }
    fputs("</tr></thead><tbody>\n", to);
    for (size_t i = 0; i < dossier->n_sessions; i++) {
        const struct session *session = &dossier->sessions[i];
        fputs("<tr><th scope=\"row\">", to);
        page_text(to, session->name);
        fputs("</th>", to);
        for (enum session_figure j = 0; j < N_SESSION_FIGURES; j++) {
            if (isnan(session->figures[j])) {
                fputs("<td class=\"none\">–</td>", to);
                continue;
            }
            fprintf(to, "<td data-value=\"%.9g\">", session->figures[j]);
            page_text(to, session_text(text, session, j));
            fputs("</td>", to);
        }
        fputs("</tr>\n", to);
    }
    fputs("</tbody></table></div>\n", to);
}

/* What a column means stands below the table as well, for paper and for fingers. */
static void write_key(FILE *to) {
    fputs("<details class=\"more\"><summary>What the columns are</summary><ul>\n", to);
    for (size_t i = 0; i < N_SESSION_FIGURES; i++) {
        fputs("<li><b>", to);
        page_format(to, "%s%s%s", session_heads[i].over,
                    *session_heads[i].over ? " " : "", session_heads[i].head);
        fputs("</b>: ", to);
        page_text(to, session_heads[i].title);
        fputs(".</li>\n", to);
    }
    fputs("</ul></details>\n", to);
}

int dossier_sessions(const struct dossier *dossier, FILE *to) {
    const struct session *first = dossier->sessions;
    int status;

    if (dossier->n_sessions == 0) return STATUS_OK;
    fputs(
        "<section id=\"sessions\"><h2>Sessions of a browser</h2>\n<p>Measured by "
        "<code>rmbrowse</code>, a small browser that has its pages, images and tiles in "
        "rmalloc’s heaps, or in malloc: pages are opened, scrolled and closed by a "
        "script. On ",
        to);
    page_text(to,
              *first->machine ? first->machine : "a machine that its file does not name");
    fputs(", ", to);
    dossier_date(first->date, to);
    fputs(".</p>\n", to);
    write_table(dossier, to);
    write_key(to);
    status = dossier_figure(
        dossier, dossier_picture(dossier, "session", "sessions[", 0),
        "The sessions side by side: what the process has of the system, what of it is "
        "held "
        "for the browser’s own objects over the bytes asked for them, the largest free "
        "piece, fragmentation, how long frames take, and the longest step of compaction "
        "in "
        "each.",
        to);
    fputs("</section>\n", to);
    return status;
}
