/* SPDX-License-Identifier: MIT */
/*
 * Which branches of the library may be wrong and no test notices? Each conditional jump is made to be taken
 * always, and then never; a mutant that all test programs pass has survived, and has to be explained.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trial.h"

/* A conditional jump. */
struct site {
    long offset;
    unsigned bytes;
    char *function, *file, *text; /* the line of source, and what stands there */
    unsigned line;
};
enum { ALWAYS, NEVER, KINDS };
static const char *const kinds[KINDS] = {"always", "never"};

static char *library, *sites_file, *killers_file, *survivors_file, *results_file;
static char *source_folder, *only;
static int sample, seed = 1, jobs = 2, percent = 95;
static const GOptionEntry options[] = {
    {"library", 0, 0, G_OPTION_ARG_FILENAME, &library, "the library to mutate", "FILE"},
    {"sites", 0, 0, G_OPTION_ARG_FILENAME, &sites_file, "its jumps, by sites.sh", "FILE"},
    {"source", 0, 0, G_OPTION_ARG_FILENAME, &source_folder, "where its source is", "DIR"},
    {"killers", 0, 0, G_OPTION_ARG_FILENAME, &killers_file,
     "what is run: a name, a program, its arguments, a line each", "FILE"},
    {"survivors", 0, 0, G_OPTION_ARG_FILENAME, &survivors_file,
     "who may survive: file|kind|text of the line", "FILE"},
    {"results", 0, 0, G_OPTION_ARG_FILENAME, &results_file,
     "where the result of each is added; what is there already is not tried again",
     "FILE"},
    {"only", 0, 0, G_OPTION_ARG_STRING, &only, "those of one file of source", "NAME"},
    {"sample", 0, 0, G_OPTION_ARG_INT, &sample, "so many, drawn by chance", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "of the sample (1)", "N"},
    {"percent", 0, 0, G_OPTION_ARG_INT, &percent, "to be killed at least (95)", "N"},
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &jobs, "processes at a time (2)", "N"},
    G_OPTION_ENTRY_NULL};

static void fail(int status, const char *what, const char *why) {
    fprintf(stderr, "mutate: %s: %s\n", what, why);
    exit(status);
}

static char **lines_of(const char *file) {
    GError *error = NULL;
    char *text;

    if (!g_file_get_contents(file, &text, NULL, &error)) fail(3, file, error->message);
    char **lines = g_strsplit(text, "\n", -1);
    g_free(text);
    return lines;
}

/* --- what there is --- */

/* The text of a line of source. The files are kept. */
static char *text_of(const char *file, unsigned line) {
    static GHashTable *files;
    char *path = NULL;

    if (files == NULL) files = g_hash_table_new(g_str_hash, g_str_equal);
    char **lines = g_hash_table_lookup(files, file);
    if (lines == NULL) {
        static const char *const folders[] = {"lib", "include"};

        for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
            g_free(path);
            path = g_build_filename(source_folder, folders[i], file, NULL);
            if (g_file_test(path, G_FILE_TEST_EXISTS)) break;
        }
        lines = lines_of(path);
        g_hash_table_insert(files, g_strdup(file), lines);
        g_free(path);
    }
    if (line == 0 || line > g_strv_length(lines)) fail(4, file, "has no such line");
    return g_strstrip(g_strdup(lines[line - 1]));
}

static struct site *read_sites(size_t *n) {
    char **lines = lines_of(sites_file);
    GArray *sites = g_array_new(FALSE, TRUE, sizeof(struct site));

    for (unsigned i = 0; lines[i] != NULL; i++) {
        char **fields = g_strsplit(lines[i], "\t", -1);
        struct site site;

        if (g_strv_length(fields) == 5) {
            site.offset = strtol(fields[0], NULL, 10);
            site.bytes = (unsigned)strtoul(fields[1], NULL, 10);
            site.function = g_strdup(fields[2]);
            site.file = g_strdup(fields[3]);
            site.line = (unsigned)strtoul(fields[4], NULL, 10);
            if (site.bytes != 2 && site.bytes != 6) fail(4, lines[i], "not a jump");
            site.text = text_of(site.file, site.line);
            if (only == NULL || strcmp(only, site.file) == 0)
                g_array_append_val(sites, site);
        } else if (lines[i][0] != '\0') {
            fail(4, lines[i], "not a line of sites.sh");
        }
        g_strfreev(fields);
    }
    g_strfreev(lines);
    *n = sites->len;
    return (struct site *)(void *)g_array_free(sites, FALSE);
}

static struct killer *read_killers(size_t *n) {
    char **lines = lines_of(killers_file);
    GArray *killers = g_array_new(FALSE, TRUE, sizeof(struct killer));

    for (unsigned i = 0; lines[i] != NULL; i++) {
        struct killer killer = {.seconds = 0};
        GError *error = NULL;
        int words;

        g_strstrip(lines[i]);
        if (lines[i][0] == '\0' || lines[i][0] == '#') continue;
        if (!g_shell_parse_argv(lines[i], &words, &killer.argv, &error) || words < 2)
            fail(4, lines[i], error != NULL ? error->message : "no program");
        killer.name = killer.argv[0];
        killer.argv++;
        g_array_append_val(killers, killer);
    }
    g_strfreev(lines);
    *n = killers->len;
    return (struct killer *)(void *)g_array_free(killers, FALSE);
}

/* --- the library, in a folder of its own --- */

static char *folder_of(unsigned worker) {
    static char *base;

    if (base == NULL) base = g_dir_make_tmp(NULL, NULL);
    if (base == NULL) fail(3, g_get_tmp_dir(), g_strerror(errno));
    char *name = g_strdup_printf("%s/%u", base, worker);
    g_mkdir(name, 0700);
    return name;
}

static int place_library(const char *folder) {
    char *path = g_build_filename(folder, "librmalloc.so.0", NULL), *bytes;
    GError *error = NULL;
    size_t n;

    if (!g_file_get_contents(library, &bytes, &n, &error) ||
        !g_file_set_contents(path, bytes, (gssize)n, &error))
        fail(3, path, error->message);
    int fd = open(path, O_RDWR);
    if (fd < 0) fail(3, path, g_strerror(errno));
    g_free(bytes);
    g_free(path);
    return fd;
}

/* A jump to one that is always taken, or to nothing; it keeps its length and its target. */
static void mutate_jump(const struct site *site, unsigned kind, const uint8_t *was,
                        uint8_t *is) {
    memcpy(is, was, site->bytes);
    bool near = site->bytes == 6;
    if (near ? was[0] != 0x0f || (was[1] & 0xf0) != 0x80 : (was[0] & 0xf0) != 0x70)
        fail(4, site->function, "no conditional jump where sites.sh says there is one");
    if (kind == NEVER)
        memset(is, 0x90, site->bytes);
    else if (near)
        is[0] = 0x90, is[1] = 0xe9;
    else
        is[0] = 0xeb;
}

static void write_at(int fd, long offset, const uint8_t *bytes, unsigned n) {
    if (pwrite(fd, bytes, n, offset) != (ssize_t)n)
        fail(3, "the copy of the library", g_strerror(errno));
}

/* --- trying --- */

static int by_seconds(const void *a, const void *b) {
    double x = ((const struct killer *)a)->seconds;
    double y = ((const struct killer *)b)->seconds;

    return x < y ? -1 : x > y;
}

/* All pass where nothing has been mutated; how long each takes; the quickest come first. */
static void try_unmutated(struct killer *killers, size_t n) {
    char *folder = folder_of(0);
    double sum = 0;

    close(place_library(folder));
    for (size_t i = 0; i < n; i++) {
        killers[i].seconds = 100;
        enum verdict verdict = trial_run(&killers[i], folder, &killers[i].seconds);
        if (verdict != PASSED) {
            fprintf(stderr, "mutate: %s: %s, and nothing has been mutated\n",
                    killers[i].name, verdict_names[verdict]);
            exit(1);
        }
        sum += killers[i].seconds;
    }
    qsort(killers, n, sizeof(*killers), by_seconds);
    fprintf(stderr, "mutate: %zu programs, %.1f s in all\n", n, sum);
    g_free(folder);
}

static char *key_of(const struct site *site, unsigned kind) {
    return g_strdup_printf("%ld\t%s", site->offset, kinds[kind]);
}

/* Tries every `jobs`-th mutant of `order`. What killed the last one of a function is likely to kill the next. */
static void work(unsigned worker, const struct site *sites, const unsigned *order,
                 size_t n, const struct killer *killers, size_t n_killers, int results) {
    char *folder = folder_of(worker);
    int fd = place_library(folder);
    const char *function = NULL;
    size_t last = 0;

    for (size_t i = worker; i < n; i += (size_t)jobs) {
        const struct site *site = &sites[order[i] / KINDS];
        unsigned kind = order[i] % KINDS;
        uint8_t was[6], is[6];
        enum verdict verdict = PASSED;
        size_t by = 0;

        if (pread(fd, was, site->bytes, site->offset) != (ssize_t)site->bytes)
            fail(3, library, g_strerror(errno));
        mutate_jump(site, kind, was, is);
        write_at(fd, site->offset, is, site->bytes);
        if (g_strcmp0(function, site->function) == 0)
            verdict = trial_run(&killers[by = last], folder, NULL);
        for (size_t k = 0; verdict == PASSED && k < n_killers; k++)
            verdict = trial_run(&killers[by = k], folder, NULL);
        write_at(fd, site->offset, was, site->bytes);
        if (verdict != PASSED) last = by;
        function = site->function;

        char *key = key_of(site, kind);
        char *line =
            g_strdup_printf("%s\t%s\t%s\t%s\t%s:%u\t%s\n", key,
                            verdict == PASSED ? "survived" : verdict_names[verdict],
                            verdict == PASSED ? "-" : killers[by].name, site->function,
                            site->file, site->line, site->text);
        if (write(results, line, strlen(line)) != (ssize_t)strlen(line))
            fail(3, results_file, g_strerror(errno));
        g_free(line);
        g_free(key);
    }
    close(fd);
}

/* --- what has come of it --- */

/* Verdicts by key of what is in the file of results. */
static GHashTable *read_results(void) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!g_file_test(results_file, G_FILE_TEST_EXISTS)) return table;
    char **lines = lines_of(results_file);

    for (unsigned i = 0; lines[i] != NULL; i++) {
        char **fields = g_strsplit(lines[i], "\t", 4);
        if (g_strv_length(fields) == 4)
            g_hash_table_insert(table, g_strdup_printf("%s\t%s", fields[0], fields[1]),
                                g_strdup(fields[2]));
        g_strfreev(fields);
    }
    g_strfreev(lines);
    return table;
}

static GHashTable *read_survivors(void) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (survivors_file == NULL) return table;
    char **lines = lines_of(survivors_file);

    for (unsigned i = 0; lines[i] != NULL; i++)
        if (lines[i][0] != '\0' && lines[i][0] != '#')
            g_hash_table_add(table, g_strdup(lines[i]));
    g_strfreev(lines);
    return table;
}

/* Says who has survived, and how many were killed; returns the exit status. */
static int tell(const struct site *sites, const unsigned *order, size_t n) {
    GHashTable *results = read_results(), *explained = read_survivors();
    size_t killed = 0, survived = 0, unexplained = 0;

    for (size_t i = 0; i < n; i++) {
        const struct site *site = &sites[order[i] / KINDS];
        unsigned kind = order[i] % KINDS;
        char *key = key_of(site, kind);
        const char *verdict = g_hash_table_lookup(results, key);

        if (verdict == NULL) fail(1, key, "has no result");
        if (strcmp(verdict, "survived") != 0) {
            killed++;
        } else {
            char *line = g_strdup_printf("%s|%s|%s", site->file, kinds[kind], site->text);

            survived++;
            if (!g_hash_table_contains(explained, line)) {
                unexplained++;
                printf("# not explained: %s (line %u, in %s)\n", line, site->line,
                       site->function);
            }
            g_free(line);
        }
        g_free(key);
    }
    double share = n == 0 ? 0 : 100.0 * (double)killed / (double)n;
    printf(
        "# %zu mutants: %zu killed (%.2f %%), %zu survived, %zu of them not explained\n",
        n, killed, share, survived, unexplained);
    printf("%sok 1 - %d %% are killed\n", n > 0 && share >= percent ? "" : "not ",
           percent);
    printf("%sok 2 - every survivor is explained\n1..2\n",
           unexplained == 0 ? "" : "not ");
    return n > 0 && share >= percent && unexplained == 0 ? 0 : 1;
}

/* All mutants, or a sample; without those that have a result, if `fresh`. */
static unsigned *choose(const struct site *sites, size_t n_sites, size_t *n) {
    GRand *chance = g_rand_new_with_seed((guint32)seed);
    size_t all = n_sites * KINDS;
    unsigned *order = g_new(unsigned, all + 1);

    for (size_t i = 0; i < all; i++) order[i] = (unsigned)i;
    *n = sample > 0 && (size_t)sample < all ? (size_t)sample : all;
    if (*n < all)
        for (size_t i = 0; i < *n; i++) {
            size_t j = (size_t)g_rand_int_range(chance, (gint32)i, (gint32)all);
            unsigned swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
    g_rand_free(chance);
    (void)sites;
    return order;
}

static size_t leave_out_done(const struct site *sites, unsigned *order, size_t n) {
    GHashTable *results = read_results();
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        char *key = key_of(&sites[order[i] / KINDS], order[i] % KINDS);
        if (!g_hash_table_contains(results, key)) order[left++] = order[i];
        g_free(key);
    }
    g_hash_table_unref(results);
    return left;
}

int main(int argc, char **argv) {
    GOptionContext *context = g_option_context_new("- mutate the library's branches");
    GError *error = NULL;
    size_t n_sites, n_killers, n;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        fail(2, "options", error->message);
    if (argc > 1) fail(2, argv[1], "unknown argument");
    if (library == NULL || sites_file == NULL || killers_file == NULL ||
        source_folder == NULL || results_file == NULL || jobs < 1)
        fail(2, "options",
             "library, sites, killers, source and results are needed; --help");
    struct site *sites = read_sites(&n_sites);
    struct killer *killers = read_killers(&n_killers);
    unsigned *order = choose(sites, n_sites, &n);
    unsigned *left = g_memdup2(order, n * sizeof(*order));
    size_t n_left = leave_out_done(sites, left, n);
    int results = open(results_file, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (results < 0) fail(3, results_file, g_strerror(errno));
    try_unmutated(killers, n_killers);
    fprintf(stderr, "mutate: %zu mutants of %zu jumps, seed %d; %zu to try\n", n, n_sites,
            seed, n_left);
    for (int i = 0; i < jobs; i++)
        if (fork() == 0) {
            work((unsigned)i, sites, left, n_left, killers, n_killers, results);
            _exit(0);
        }
    for (int status, bad = 0; wait(&status) > 0 || errno == EINTR;)
        if (status != 0 && !bad++) fprintf(stderr, "mutate: a worker has failed\n");
    return tell(sites, order, n);
}
