/* SPDX-License-Identifier: MIT */
/*
 * Neither replays nor draws itself: the replays are child processes of this very
 * program, the pictures are made by gnuplot from the CSV files that they leave. Whatever
 * is done here can therefore be done by hand, step by step; plots/README.rst says how.
 */
#include "plot/figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/say.h"
#include "base/units.h"

/* The figures, and the CSV files that each is drawn from (NULL: none). */
static const struct figure {
    const char *name;
    const char *plain, *compacted, *steps;
} figures[] = {
    {"memory", FIGURES_PLAIN_GROW, FIGURES_COMPACTED_GROW, NULL},
    {"free", FIGURES_PLAIN, FIGURES_COMPACTED, NULL},
    {"fragmentation", FIGURES_PLAIN, FIGURES_COMPACTED, NULL},
    {"heapmap", FIGURES_PLAIN_MAP, FIGURES_COMPACTED_MAP, NULL},
    {"steps", NULL, NULL, FIGURES_STEPS},
};
enum { N_FIGURES = sizeof(figures) / sizeof(figures[0]), N_REPLAYS = 5 };
enum { ARGUMENTS_MAX = 32, STEP_TEXT = 64 };

/* Without --step: how often there is a complete compaction, or a step of so many bytes. */
enum { COMPLETE_TIMES = 200, STEP_TIMES = 2000, STEP_BYTES = 65536 };

static void job_done(struct figures *all) { progress_update(++all->done, all->n_jobs); }

/* ------------------------------------------------------------------ CSV files */

/*
 * The largest value of a column, and the number of rows.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED (no such column).
 */
static int csv_largest(const char *path, const char *column, double *largest,
                       uint64_t *rows) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    int at = -1;

    if (!file) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    *largest = 0;
    *rows = 0;
    while (getline(&line, &size, file) > 0) {
        char *rest = line, *field;
        int i = 0;
        bool header = at < 0;
        if (*line == '#') continue;
        while ((field = strsep(&rest, ",\n")) != NULL) {
            if (header && strcmp(field, column) == 0) at = i;
            if (!header && i == at && strtod(field, NULL) > *largest)
                *largest = strtod(field, NULL);
            i++;
        }
        if (header && at < 0) break;
        *rows += !header;
    }
    free(line);
    fclose(file);
    if (at < 0) return complain(STATUS_MALFORMED, "%s: no column '%s'", path, column);
    return STATUS_OK;
}

/* DIR/NAME, or NULL, having complained. To be freed. */
static char *path_in(const struct figures *all, const char *name, const char *ending) {
    char *path;
    if (asprintf(&path, "%s/%s%s", all->directory, name, ending) >= 0) return path;
    complain(STATUS_IO, "no memory for a file name");
    return NULL;
}

/* --------------------------------------------------------------------- replays */

/* What tells one of the replays from the others. */
struct replay {
    const char *heap;    /* "grow", or bytes */
    const char *compact; /* a policy */
    const char *step;    /* NULL: none */
    const char *csv;     /* endings of file names, NULL: not wanted */
    const char *map, *steps, *blockers;
};

/* Returns: the exit status of `rmtool replay`. */
static int replay(struct figures *all, const char *trace, const char *name,
                  const struct replay *r) {
    const char *options[][2] = {
        {"--heap", r->heap},
        {"--compact", r->compact},
        {"--step", r->step},
        {"--samples", all->samples},
        {"--limit-events", all->limit_events},
        {"--map-cells", r->map ? all->map_cells : NULL},
    };
    enum { FILES = 4 };
    const char *files[FILES][2] = {{"--csv", r->csv},
                                   {"--heap-map", r->map},
                                   {"--steps", r->steps},
                                   {"--blockers", r->blockers}};
    const char *argv[ARGUMENTS_MAX];
    char *paths[FILES] = {NULL};
    int argc = 0, status = STATUS_IO;
    bool found;

    argv[argc++] = all->program;
    argv[argc++] = "replay";
    argv[argc++] = "--quiet";
    argv[argc++] = "--trim";
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (!options[i][1]) continue;
        argv[argc++] = options[i][0];
        argv[argc++] = options[i][1];
    }
    for (size_t i = 0; i < FILES; i++) {
        if (!files[i][1]) continue;
        paths[i] = path_in(all, name, files[i][1]);
        if (!paths[i]) goto out;
        argv[argc++] = files[i][0];
        argv[argc++] = paths[i];
    }
    argv[argc++] = "--";
    argv[argc++] = trace;
    argv[argc] = NULL;
    status = child_run(argv, NULL, true, &found);
    if (!found) complain(STATUS_IO, "%s: cannot be run", all->program);
    job_done(all);
out:
    for (size_t i = 0; i < FILES; i++) free(paths[i]);
    return status;
}

/* So many operations that they come `times` in all. */
static const char *step_text(char text[STEP_TEXT], double operations, int times,
                             unsigned bytes) {
    double every = operations / times;
    snprintf(text, STEP_TEXT, "%.0f:%u", every < 1 ? 1 : every, bytes);
    return text;
}

/*
 * All replays of one trace, one after the other, for two at once would disturb the times
 * of the steps. The first one's footprint is the size of the region for the later ones.
 */
static int replay_all(struct figures *all, const char *trace, const char *name) {
    char region[SIZE_TEXT], complete[STEP_TEXT], budgeted[STEP_TEXT];
    const char *step = all->step, *steps = all->step ? FIGURES_STEPS : NULL;
    double footprint, operations;
    uint64_t rows;
    int status;

    const struct replay first = {"grow", "manual", NULL, FIGURES_PLAIN_GROW,
                                 NULL,   NULL,     NULL};
    status = replay(all, trace, name, &first);
    if (status != STATUS_OK) return status;
    char *path = path_in(all, name, first.csv);
    if (!path) return STATUS_IO;
    status = csv_largest(path, "capacity", &footprint, &rows);
    if (status == STATUS_OK) status = csv_largest(path, "operations", &operations, &rows);
    free(path);
    if (status != STATUS_OK) return status;

    snprintf(region, sizeof region, "%.0f", footprint * 1.02 + 65536);
    if (!step) step = step_text(complete, operations, COMPLETE_TIMES, 0);
    const struct replay others[] = {
        {"grow", all->compact, step, FIGURES_COMPACTED_GROW, NULL, NULL, NULL},
        {region, "manual", NULL, FIGURES_PLAIN, FIGURES_PLAIN_MAP, NULL, NULL},
        {region, all->compact, step, FIGURES_COMPACTED, FIGURES_COMPACTED_MAP, steps,
         FIGURES_BLOCKERS},
        {region, all->compact, step_text(budgeted, operations, STEP_TIMES, STEP_BYTES),
         NULL, NULL, FIGURES_STEPS, NULL},
    };
    size_t n = sizeof others / sizeof others[0] - (all->step != NULL);
    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = replay(all, trace, name, &others[i]);
    return status;
}

/* -------------------------------------------------------------------- pictures */

/* Under another name first, so that what bears the name of a picture is a whole one.
   gnuplot runs in the directory, so that no name needs quotes; those of `name` are plain. */
int figures_draw(struct figures *all, const char *script, const char *variables,
                 const char *name, const char *figure, const char *format) {
    char file[FIGURES_PATH + 32], picture[FIGURES_NAME + 32];
    char *path, *temporary = NULL, *settings = NULL;
    struct stat found_file;
    bool found;

    snprintf(file, sizeof file, "%s/%s.gp", all->scripts, script);
    snprintf(picture, sizeof picture, "%s%s.%s", *name ? "-" : "", figure, format);
    path = path_in(all, name, picture);
    if (path && asprintf(&temporary, "%s.tmp", path) < 0) temporary = NULL;
    if (asprintf(&settings, "%s%s%s; format='%s'; out='%s%s.tmp'", variables,
                 all->settings ? "; " : "", all->settings ? all->settings : "", format,
                 name, picture) < 0)
        settings = NULL;
    if (!path || !temporary || !settings) {
        free(path);
        free(temporary);
        free(settings);
        return complain(STATUS_IO, "no memory for a file name");
    }
    const char *argv[] = {"gnuplot", "--default-settings", "-e", settings, file, NULL};
    int status = child_run(argv, all->directory, true, &found);
    if (status != STATUS_OK)
        status = complain(STATUS_IO, "%s: gnuplot failed", file);
    else if (stat(temporary, &found_file) != 0 || found_file.st_size == 0)
        status = complain(STATUS_IO, "%s: gnuplot wrote no picture", file);
    else if (rename(temporary, path) != 0)
        status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
    if (status != STATUS_OK) unlink(temporary);
    if (status == STATUS_OK && all->on_picture)
        all->on_picture(all->on_picture_context, path, script, variables);
    free(temporary);
    free(path);
    free(settings);
    job_done(all);
    return status;
}

static int draw(struct figures *all, const struct figure *figure, const char *name,
                const char *format) {
    char variables[4 * FIGURES_NAME];

    if (figure->steps)
        snprintf(variables, sizeof variables, "steps='%s%s'", name, figure->steps);
    else
        snprintf(variables, sizeof variables, "plain='%s%s'; compacted='%s%s'", name,
                 figure->plain, name, figure->compacted);
    return figures_draw(all, figure->name, variables, name, figure->name, format);
}

static int draw_all(struct figures *all, const char *name, bool drawn[N_FIGURES]) {
    int status = STATUS_OK;
    for (size_t i = 0; i < N_FIGURES && status == STATUS_OK; i++) {
        const char *files[] = {figures[i].plain, figures[i].compacted, figures[i].steps};
        uint64_t rows = 0;
        drawn[i] = false;
        for (size_t j = 0; j < 3 && status == STATUS_OK; j++) {
            double last;
            char *path = files[j] ? path_in(all, name, files[j]) : NULL;
            if (!files[j]) continue;
            status = path ? csv_largest(path, "event", &last, &rows) : STATUS_IO;
            if (status == STATUS_OK && rows == 0 && j < 2)
                status = complain(STATUS_MALFORMED, "%s: no rows", path);
            free(path);
        }
        if (status != STATUS_OK) break;
        if (rows == 0) { /* a trace too short to have any */
            complain(STATUS_OK, "%s: no steps of compaction, no picture of them", name);
            continue;
        }
        if (all->png) status = draw(all, &figures[i], name, "png");
        if (all->svg && status == STATUS_OK) status = draw(all, &figures[i], name, "svg");
        drawn[i] = status == STATUS_OK;
    }
    return status;
}

/* The two heap maps as an animation. gnuplot makes a GIF; ffmpeg makes a film of that. */
static int animate(struct figures *all, const char *name) {
    char variables[8 * FIGURES_NAME];
    char *gif = path_in(all, name, "-animation.gif");
    char *mp4 = path_in(all, name, "-animation.mp4");
    char *temporary = path_in(all, name, "-animation.mp4.tmp");
    int status = gif && mp4 && temporary ? STATUS_OK : STATUS_IO;
    bool found = true;

    snprintf(variables, sizeof variables,
             "plain='%s" FIGURES_PLAIN "'; compacted='%s" FIGURES_COMPACTED
             "'; plain_map='%s" FIGURES_PLAIN_MAP
             "'; compacted_map='%s" FIGURES_COMPACTED_MAP "'",
             name, name, name, name);
    if (status == STATUS_OK)
        status = figures_draw(all, "animate", variables, name, "animation", "gif");
    if (status == STATUS_OK && strcmp(all->animate, "mp4") == 0) {
        const char *argv[] = {"ffmpeg", "-loglevel", "error",   "-y",        "-i",
                              gif,      "-pix_fmt",  "yuv420p", "-movflags", "+faststart",
                              "-f",     "mp4",       temporary, NULL};
        status = child_run(argv, NULL, true, &found);
        if (!found)
            status = complain(STATUS_IO, "ffmpeg cannot be run; %s is there", gif);
        else if (status != STATUS_OK)
            status = complain(STATUS_IO, "%s: ffmpeg failed", mp4);
        else if (rename(temporary, mp4) != 0)
            status = complain(STATUS_IO, "%s: %s", mp4, strerror(errno));
        if (status != STATUS_OK) unlink(temporary);
    }
    free(gif);
    free(mp4);
    free(temporary);
    return status;
}

int figures_make(struct figures *all, const char *trace, const char *name) {
    bool drawn[N_FIGURES];
    int status = STATUS_OK;

    all->done = 0;
    all->n_jobs = N_FIGURES * (unsigned)(all->png + all->svg);
    if (all->animate) all->n_jobs++;
    if (!all->reuse) all->n_jobs += N_REPLAYS - (all->step != NULL);
    progress_begin(name, !all->quiet);
    if (!all->reuse) status = replay_all(all, trace, name);
    if (status == STATUS_OK) status = draw_all(all, name, drawn);
    if (status == STATUS_OK && all->animate) status = animate(all, name);
    progress_end();
    for (size_t i = 0;
         i < N_FIGURES && status == STATUS_OK && !all->quiet && !all->unnamed; i++) {
        if (!drawn[i]) continue;
        if (all->png) printf("%s/%s-%s.png\n", all->directory, name, figures[i].name);
        if (all->svg) printf("%s/%s-%s.svg\n", all->directory, name, figures[i].name);
    }
    if (all->animate && status == STATUS_OK && !all->quiet && !all->unnamed)
        printf("%s/%s-animation.%s\n", all->directory, name, all->animate);
    if (fflush(stdout) != 0 && status == STATUS_OK)
        status = complain(STATUS_IO, "standard output: %s", strerror(errno));
    return status;
}
