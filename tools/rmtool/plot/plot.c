/* SPDX-License-Identifier: MIT */
/*
 * rmtool plot: replays traces without and with compaction and draws what happened. Here
 * are its arguments, and what it needs to be there: gnuplot, the scripts, a directory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arguments.h"
#include "plot/compare_figures.h"
#include "plot/figures.h"
#include "plot/lock_figures.h"
#include "plot/micro_figures.h"
#include "plot/session.h"
#include "plot/session_figures.h"
#include "base/output.h"
#include "base/say.h"
#include "verbs.h"

static const char help[] =
    "Usage: rmtool plot [OPTION]... TRACE|CSV...\n"
    "Replay each TRACE without and with compaction, keep the numbers as CSV files, and\n"
    "draw them with gnuplot. The names of the pictures go to standard output.\n"
    "\n"
    "  -o, --output DIR       where all files go (default: out)\n"
    "      --animate[=FORMAT] the heap over time as well, both runs side by side: gif\n"
    "                         (default), or mp4, which takes ffmpeg\n"
    "      --format LIST      png, svg, or both with a comma between (default: png,svg)\n"
    "      --compact POLICY   of the runs with compaction: demand (default) or steady\n"
    "      --step N:BYTES[:NANOSECONDS]\n"
    "                         and what they compact besides, every N operations, as for\n"
    "                         replay (default: all there is, 200 times a trace; for the\n"
    "                         times of steps 64 KiB, 2,000 times)\n"
    "      --samples N        points of a curve (default: 400)\n"
    "      --limit-events N   only the first N events of each trace\n"
    "      --reuse            draw from the CSV files that are in DIR, replay nothing\n"
    "      --plots-dir DIR    where the gnuplot scripts are, if not where rmtool knows\n"
    "  -q, --quiet            no progress bar, no names\n"
    "  -h, --help             this text\n"
    "\n"
    "There are two pairs of replays: in heaps that grow, for the footprint "
    "(*-grow.csv),\n"
    "and in a region that just holds the run without compaction, for all else.\n"
    "\n"
    "Of a CSV file that 'rmtool compare' has written, bars of time and footprint are "
    "drawn\n"
    "(--csv), or the footprint and the largest request along each trace (--series); of "
    "one\n"
    "that 'rmtool micro' has written, the groups scale, steps and latency; of one of\n"
    "'rmtool locks', its models, and what they cost.\n"
    "\n"
    "Those that 'rmbrowse --csv' has written are drawn on one sheet, DIR/session.png "
    "and\n"
    ".svg: memory over the frames of a session, frame times, steps of compaction. A "
    "table\n"
    "of what each comes to goes to standard output before the names.\n"
    "\n"
    "Example: rmtool plot -o out --format png --animate "
    "tests/traces/lua-wordfreq.rmt.zst\n";

static int parse_formats(struct figures *figures, const char *list) {
    figures->png = strcmp(list, "png") == 0 || strcmp(list, "png,svg") == 0 ||
                   strcmp(list, "svg,png") == 0;
    figures->svg = strcmp(list, "svg") == 0 || strcmp(list, "png,svg") == 0 ||
                   strcmp(list, "svg,png") == 0;
    if (figures->png || figures->svg) return STATUS_OK;
    return complain_usage("plot", "unknown format '%s': png and svg are known", list);
}

/* The cells are those of a film: enough to see blocks move. */
static int parse_animation(struct figures *figures, const char *format) {
    if (strcmp(format, "gif") != 0 && strcmp(format, "mp4") != 0)
        return complain_usage("plot", "an animation is a gif or an mp4, not '%s'",
                              format);
    figures->animate = format;
    figures->map_cells = "1024";
    return STATUS_OK;
}

/* ------------------------------------------------------------------------ verb */

/* Two traces of one name would overwrite each other's files. Sessions share one sheet. */
static int check_names(char *const traces[], int n) {
    for (int i = 0; i < n; i++) {
        char name[FIGURES_NAME], other[FIGURES_NAME];
        if (strcmp(traces[i], "-") == 0)
            return complain_usage("plot", "a trace is read several times; save it first");
        if (session_wanted(traces[i])) continue;
        figures_name(traces[i], name);
        for (int j = 0; j < i; j++) {
            figures_name(traces[j], other);
            if (strcmp(name, other) == 0 && !session_wanted(traces[j]))
                return complain_usage("plot", "two traces are called '%s'", name);
        }
    }
    return STATUS_OK;
}

/* The pictures of one trace, or of a CSV file that is no session. */
static int draw(struct figures *figures, const char *file) {
    char name[FIGURES_NAME];

    figures_name(file, name);
    if (lock_figures_wanted(file)) return lock_figures_make(figures, file, name);
    if (!compare_figures_wanted(file)) return figures_make(figures, file, name);
    if (micro_figures_wanted(file)) return micro_figures_make(figures, file, name);
    return compare_figures_make(figures, file, name);
}

/* Sessions first, as all of them are checked before any is drawn. */
static int draw_all(struct figures *figures, char *const files[], int n) {
    const char **sessions = calloc((size_t)n, sizeof(*sessions));
    size_t n_sessions = 0;
    int status = sessions ? STATUS_OK : complain(STATUS_IO, "no memory for names");

    for (int i = 0; i < n && status == STATUS_OK; i++)
        if (session_wanted(files[i])) sessions[n_sessions++] = files[i];
    if (n_sessions > 0) status = session_figures_make(figures, sessions, n_sessions);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        if (!session_wanted(files[i])) status = draw(figures, files[i]);
    free(sessions);
    return status;
}

enum { ANIMATE = 256, FORMAT, COMPACT, STEP, SAMPLES, LIMIT_EVENTS, REUSE, PLOTS_DIR };
static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"animate", optional_argument, NULL, ANIMATE},
    {"format", required_argument, NULL, FORMAT},
    {"compact", required_argument, NULL, COMPACT},
    {"step", required_argument, NULL, STEP},
    {"samples", required_argument, NULL, SAMPLES},
    {"limit-events", required_argument, NULL, LIMIT_EVENTS},
    {"reuse", no_argument, NULL, REUSE},
    {"plots-dir", required_argument, NULL, PLOTS_DIR},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct wish {
    struct figures figures;
    const char *scripts; /* where they are said to be; else NULL */
};

static int set_option(void *context, int option) {
    struct wish *wish = context;
    struct figures *figures = &wish->figures;

    switch (option) {
    case 'o': figures->directory = optarg; break;
    case ANIMATE: return parse_animation(figures, optarg ? optarg : "gif");
    case FORMAT: return parse_formats(figures, optarg);
    case COMPACT: figures->compact = optarg; break;
    case STEP: figures->step = optarg; break;
    case SAMPLES: figures->samples = optarg; break;
    case LIMIT_EVENTS: figures->limit_events = optarg; break;
    case REUSE: figures->reuse = true; break;
    case PLOTS_DIR: wish->scripts = optarg; break;
    case 'q': figures->quiet = true; break;
    }
    return STATUS_OK;
}

int verb_plot(int argc, char **argv) {
    static const struct option_reader reader = {"plot", help, ":o:qh", options,
                                                set_option};
    struct wish wish = {.figures = {.directory = "out",
                                    .compact = "demand",
                                    .samples = "400",
                                    .png = true,
                                    .svg = true}};
    struct figures *figures = &wish.figures;
    bool helped;
    int status = parse_options(&reader, argc, argv, &wish, &helped);

    if (status || helped) return status;
    if (strcmp(figures->compact, "demand") != 0 &&
        strcmp(figures->compact, "steady") != 0)
        return complain_usage("plot", "unknown policy '%s': demand and steady compact",
                              figures->compact);
    if (optind == argc) return complain_usage("plot", "which trace?");
    status = check_names(argv + optind, argc - optind);
    if (status != STATUS_OK) return status;

    status = figures_find(figures, wish.scripts);
    if (status == STATUS_OK) status = output_directory(figures->directory);
    if (status == STATUS_OK) status = draw_all(figures, argv + optind, argc - optind);
    return status;
}
