/* SPDX-License-Identifier: MIT */
/*
 * rmtool report: its arguments, the folder that it works in, and the page that comes of it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arguments.h"
#include "report/dossier.h"
#include "report/page.h"
#include "base/say.h"
#include "trace/options.h"
#include "verbs.h"

static const char help[] =
    "Usage: rmtool report [OPTION]... FILE|TRACE...\n"
    "Make one HTML page of what has been measured. It needs no network and no server: "
    "all\n"
    "pictures and numbers are in it, drawn by gnuplot; a script of its own sorts tables\n"
    "and shows the heap maps, and without it all but these maps is there as well.\n"
    "\n"
    "  -o, --output FILE      the page (default: report.html)\n"
    "      --keep DIR         leave all CSV files, every picture as SVG and PNG, and "
    "the\n"
    "                         commands that draw them (commands.txt), in this folder\n"
    "      --title TEXT       of the page\n"
    "      --limit-events N   replay the first N events of each trace only\n"
    "      --samples N        points of a curve of a replay (default: 200)\n"
    "      --map-cells N      of a heap map (default: 1024)\n"
    "      --compact POLICY   of the runs with compaction: demand (default) or steady\n"
    "      --reuse            the CSV files of the traces are in DIR: replay nothing\n"
    "      --plots-dir DIR    where scripts and templates are, if not where rmtool "
    "knows\n"
    "  -q, --quiet            no progress bar\n"
    "  -h, --help             this text\n"
    "\n"
    "Each FILE is one of these, told by what is in it:\n"
    "  what 'rmtool compare' writes: one of --csv or --json (the table, goals and "
    "bars),\n"
    "  of --series (all allocators along each trace), of --times;\n"
    "  what 'rmtool micro --csv' writes (pauses and latency), or 'rmtool locks --csv';\n"
    "  what 'rmbrowse --csv' writes: all of these are drawn on one sheet.\n"
    "Each TRACE is replayed with and without compaction, as 'rmtool plot' does, for the\n"
    "heap map, fragmentation, step times, locks and who blocks what.\n"
    "\n"
    "Exit status: 0 fine, 1 a replay failed, 2 wrong usage, 3 cannot read or write (or\n"
    "there is no gnuplot), 4 malformed input. A page is there whole or not at all.\n"
    "\n"
    "Example: rmtool compare --csv ten.csv --series along.csv TRACE...\n"
    "         rmtool report -o report.html ten.csv along.csv TRACE...\n";

enum { KEEP = 256, TITLE, SAMPLES, LIMIT_EVENTS, MAP_CELLS, COMPACT, REUSE, PLOTS_DIR };
static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"keep", required_argument, NULL, KEEP},
    {"title", required_argument, NULL, TITLE},
    {"samples", required_argument, NULL, SAMPLES},
    {"limit-events", required_argument, NULL, LIMIT_EVENTS},
    {"map-cells", required_argument, NULL, MAP_CELLS},
    {"compact", required_argument, NULL, COMPACT},
    {"reuse", no_argument, NULL, REUSE},
    {"plots-dir", required_argument, NULL, PLOTS_DIR},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct wish {
    struct dossier dossier;
    const char *output, *scripts;
};

static int set_option(void *context, int option) {
    struct wish *wish = context;
    struct figures *figures = &wish->dossier.figures;
    uint64_t number;

    switch (option) {
    case 'o': wish->output = optarg; break;
    case KEEP: wish->dossier.keep = optarg; break;
    case TITLE: wish->dossier.title = optarg; break;
    case SAMPLES:
        figures->samples = optarg;
        return parse_number("report", "samples", optarg, 2, 5000, &number);
    case LIMIT_EVENTS:
        figures->limit_events = optarg;
        return parse_limit_events("report", optarg, &number);
    case MAP_CELLS:
        figures->map_cells = optarg;
        return parse_number("report", "map-cells", optarg, 16, 4096, &number);
    case COMPACT: figures->compact = optarg; break;
    case REUSE: figures->reuse = true; break;
    case PLOTS_DIR: wish->scripts = optarg; break;
    case 'q': figures->quiet = true; break;
    }
    return STATUS_OK;
}

static int check_options(const struct wish *wish) {
    const struct dossier *dossier = &wish->dossier;

    if (strcmp(dossier->figures.compact, "demand") != 0 &&
        strcmp(dossier->figures.compact, "steady") != 0)
        return complain_usage("report", "unknown policy '%s': demand and steady compact",
                              dossier->figures.compact);
    if (dossier->figures.reuse && !dossier->keep)
        return complain_usage("report", "--reuse says nothing without --keep");
    if (dossier->keep && strchr(dossier->keep, '\''))
        return complain_usage("report", "a folder's name must not hold a quote");
    return STATUS_OK;
}

/* -------------------------------------------------------------------- the folder */

/* The one that stays, or one that does not. */
static int make_folder(struct dossier *dossier, char path[FIGURES_PATH]) {
    const char *parent = getenv("TMPDIR");

    dossier->figures.directory = path;
    if (dossier->keep) {
        snprintf(path, FIGURES_PATH, "%s", dossier->keep);
        if (mkdir(path, 0777) == 0 || errno == EEXIST) return STATUS_OK;
    } else {
        if (!parent || !*parent || strchr(parent, '\'')) parent = "/tmp";
        snprintf(path, FIGURES_PATH, "%s/rmtool-report-%s", parent,
                 "XX"
                 "XX"
                 "XX");
        if (mkdtemp(path)) return STATUS_OK;
    }
    int status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
    *path = '\0';
    return status;
}

static void remove_folder(const struct dossier *dossier) {
    DIR *folder = dossier->keep || !*dossier->figures.directory
                      ? NULL
                      : opendir(dossier->figures.directory);
    const struct dirent *entry;

    if (!folder) return;
    while ((entry = readdir(folder)) != NULL) unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(dossier->figures.directory);
}

static int write_commands(const struct dossier *dossier) {
    char *path = dossier->keep ? dossier_path(dossier, "commands", ".txt") : NULL;
    struct output output = {0};
    int status = output_open(&output, path);

    if (output.file) dossier_commands(dossier, output.file);
    if (status == STATUS_OK) status = output_close(&output);
    output_discard(&output);
    free(path);
    return status;
}

/* ---------------------------------------------------------------------- the page */

typedef int part_fn(const struct dossier *dossier, FILE *to);

static int write_title(const struct dossier *dossier, FILE *to) {
    dossier_title(dossier, to);
    return STATUS_OK;
}

static int write_contents(const struct dossier *dossier, FILE *to) {
    dossier_contents(dossier, to);
    return STATUS_OK;
}

static int write_file(const struct dossier *dossier, const char *name, FILE *to) {
    char path[FIGURES_PATH + 32];
    char *text;

    snprintf(path, sizeof(path), "%s/%s", dossier->figures.scripts, name);
    text = page_read(path, NULL);
    if (!text) return STATUS_IO;
    fputs(text, to);
    free(text);
    return STATUS_OK;
}

static int write_style(const struct dossier *dossier, FILE *to) {
    return write_file(dossier, "report.css", to);
}

static int write_script(const struct dossier *dossier, FILE *to) {
    int status = write_file(dossier, "report.js", to);

    return status ? status : write_file(dossier, "report-map.js", to);
}

/* What the template's {{names}} stand for. */
static const struct {
    const char *name;
    part_fn *write;
} parts[] = {
    {"title", write_title},          {"style", write_style},
    {"contents", write_contents},    {"lead", dossier_lead},
    {"comparison", dossier_compare}, {"apart", dossier_micro},
    {"sessions", dossier_sessions},  {"traces", dossier_traces},
    {"data", dossier_files},         {"script", write_script},
};
enum { N_PARTS = sizeof(parts) / sizeof(parts[0]) };

static int write_page(const struct dossier *dossier, const char *output) {
    struct page_part texts[N_PARTS + 1] = {{0}};
    char *text[N_PARTS] = {NULL}, template[FIGURES_PATH + 32];
    struct output page = {0};
    int status = STATUS_OK;

    for (size_t i = 0; i < N_PARTS && status == STATUS_OK; i++) {
        size_t size;
        FILE *to = open_memstream(&text[i], &size);
        if (to) status = parts[i].write(dossier, to);
        if (!to || fclose(to) != 0)
            status = complain(STATUS_IO, "no memory for the page");
        texts[i] = (struct page_part){parts[i].name, text[i]};
    }
    snprintf(template, sizeof(template), "%s/report.html", dossier->figures.scripts);
    if (status == STATUS_OK) status = output_open(&page, output);
    if (status == STATUS_OK) status = page_fill(page.file, template, texts);
    if (status == STATUS_OK) status = output_close(&page);
    output_discard(&page);
    for (size_t i = 0; i < N_PARTS; i++) free(text[i]);
    return status;
}

/* ------------------------------------------------------------------------- verb */

static int make(struct dossier *dossier, const char *output) {
    int status = STATUS_OK;

    for (size_t i = 0; i < dossier->n_inputs && status == STATUS_OK; i++)
        status = dossier_draw(dossier, &dossier->inputs[i]);
    if (status == STATUS_OK) status = dossier_draw_sessions(dossier);
    if (status == STATUS_OK) status = write_commands(dossier);
    return status ? status : write_page(dossier, output);
}

int verb_report(int argc, char **argv) {
    static const struct option_reader reader = {"report", help, ":o:qh", options,
                                                set_option};
    struct wish *wish = calloc(1, sizeof(*wish));
    char folder[FIGURES_PATH] = "";
    bool helped;

    if (!wish) return complain(STATUS_IO, "no memory");
    struct dossier *dossier = &wish->dossier;
    wish->output = "report.html";
    dossier->figures = (struct figures){.directory = folder,
                                        .compact = "demand",
                                        .samples = "200",
                                        .map_cells = "1024",
                                        .settings = "page=1",
                                        .svg = true,
                                        .unnamed = true,
                                        .on_picture = dossier_note_picture,
                                        .on_picture_context = dossier};
    int status = parse_options(&reader, argc, argv, wish, &helped);
    if (status == STATUS_OK && !helped) status = check_options(wish);
    if (status == STATUS_OK && !helped && optind == argc)
        status = complain_usage("report", "of which files?");
    if (status || helped) goto out;

    dossier->figures.png = dossier->keep != NULL;
    provenance_init(&dossier->provenance, argc, argv);
    for (int i = optind; i < argc && status == STATUS_OK; i++)
        status = dossier_add(dossier, argv[i]);
    if (status == STATUS_OK) status = figures_find(&dossier->figures, wish->scripts);
    if (status == STATUS_OK) status = make_folder(dossier, folder);
    if (status == STATUS_OK) status = make(dossier, wish->output);
    remove_folder(dossier);
out:
    dossier_finish(dossier);
    free(wish);
    return status;
}
