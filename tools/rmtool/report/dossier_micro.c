/* SPDX-License-Identifier: MIT */
/*
 * What was measured apart from a comparison: by rmtool micro, and by rmtool locks.
 */
#include <stdlib.h>

#include "report/dossier.h"
#include "report/page.h"
#include "base/say.h"

/* A section, and its pictures in order; each may come of several files. */
struct plates {
    enum dossier_kind kind;
    const char *id, *head, *what;
    const char *list[3][3]; /* script, a text among its variables, caption */
};

/* On which machine, when and by which command. */
static int write_origins(const struct dossier *dossier, enum dossier_kind kind,
                         FILE *to) {
    int status = STATUS_OK;

    for (size_t i = 0; i < dossier->n_inputs && status == STATUS_OK; i++) {
        struct csv csv = {0};
        if (dossier->inputs[i].kind != kind) continue;
        char *path = dossier_path(dossier, dossier->inputs[i].name, ".csv");
        status = path ? csv_read(&csv, path) : STATUS_IO;
        if (status == STATUS_OK) {
            const char *machine = csv_comment(&csv, "machine", 0);
            const char *command = csv_comment(&csv, "command", 0);
            fputs("<p class=\"note\">On ", to);
            page_text(to, machine ? machine : "a machine that its file does not name");
            fputs(", ", to);
            dossier_date(csv_comment(&csv, "date", 0), to);
            fputs(".</p>\n<pre class=\"command\"><code>", to);
            page_text(to, command ? command : "");
            fputs("</code></pre>\n", to);
        }
        csv_finish(&csv);
        free(path);
    }
    return status;
}

static int write_section(const struct dossier *dossier, const struct plates *plates,
                         FILE *to) {
    int status = STATUS_OK;
    bool any = false;

    for (size_t i = 0; i < 3 && plates->list[i][0]; i++) {
        const struct dossier_picture *picture;
        for (size_t n = 0; status == STATUS_OK &&
                           (picture = dossier_picture(dossier, plates->list[i][0],
                                                      plates->list[i][1], n)) != NULL;
             n++) {
            if (!any) {
                fprintf(to, "<section id=\"%s\"><h2>%s</h2><p>%s</p>\n", plates->id,
                        plates->head, plates->what);
                status = write_origins(dossier, plates->kind, to);
            }
            any = true;
            if (status == STATUS_OK)
                status = dossier_figure(dossier, picture, plates->list[i][2], to);
        }
    }
    if (any) fputs("</section>\n", to);
    return status;
}

int dossier_micro(const struct dossier *dossier, FILE *to) {
    static const struct plates latency = {
        DOSSIER_MICRO,
        "latency",
        "Latency",
        "Measured by <code>rmtool micro</code>, apart from the comparison.",
        {{"micro-steps", "csv=",
          "How long steps of at most 64 KiB took, by trace: the share of steps that took "
          "longer, and how often each time came."},
         {"micro-latency", "csv=",
          "How long single calls took, beside the compacting thread and without it; dots "
          "are "
          "two clock reads with nothing between them."},
         {"micro-scale", "csv=",
          "The time of an operation, of a step and of a look at the heap, by the heap’s "
          "size."}}};
    static const struct plates locks = {
        DOSSIER_LOCKS,
        "locks",
        "Locks",
        "Inferred by <code>rmtool locks</code> from what a program has accessed.",
        {{"locks", "what='locks'",
          "What the models of locking say of the program: how much is locked, by how "
          "many "
          "locks, and how near that is to the program’s own, where it has said which "
          "these "
          "are."},
         {"locks", "what='cost'", "What these locks cost compaction."}}};
    int status = write_section(dossier, &latency, to);

    return status ? status : write_section(dossier, &locks, to);
}
