/* SPDX-License-Identifier: MIT */
/*
 * Which branches of the library may be wrong and no test notices? Each conditional jump is made to be taken
 * always, and then never; a mutant that all test programs pass has survived, and has to be explained.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "killers.h"
#include "results.h"
#include "sites.h"
#include "trial.h"

static char *library, *sites_file, *killers_file, *survivors_file, *results_file,
    *map_file;
static char *source_folder, *only, *with;
static char *sample_file;
static int draw, seed = 1, jobs = 2, percent = 95;
static double patience = 4;
static gboolean again;
static const GOptionEntry options[] = {
    {"library", 0, 0, G_OPTION_ARG_FILENAME, &library, "the library to mutate", "FILE"},
    {"sites", 0, 0, G_OPTION_ARG_FILENAME, &sites_file, "its jumps, by sites.sh", "FILE"},
    {"source", 0, 0, G_OPTION_ARG_FILENAME, &source_folder, "where its source is", "DIR"},
    {"killers", 0, 0, G_OPTION_ARG_FILENAME, &killers_file, "what is run", "FILE"},
    {"survivors", 0, 0, G_OPTION_ARG_FILENAME, &survivors_file,
     "who may survive: file|kind|text of the line", "FILE"},
    {"results", 0, 0, G_OPTION_ARG_FILENAME, &results_file,
     "where the result of each is added; what is there already is not tried again",
     "FILE"},
    {"map", 0, 0, G_OPTION_ARG_FILENAME, &map_file,
     "where the jumps that each killer takes are kept", "FILE"},
    {"only", 0, 0, G_OPTION_ARG_STRING, &only, "those of one file of source", "NAME"},
    {"with", 0, 0, G_OPTION_ARG_STRING, &with, "those killers whose names begin so",
     "NAME"},
    {"again", 0, 0, G_OPTION_ARG_NONE, &again,
     "try survivors again, but for those that are explained", NULL},
    {"patience", 0, 0, G_OPTION_ARG_DOUBLE, &patience,
     "no more trials of a mutant after so many seconds of work (4; 0: all)", "S"},
    {"sample", 0, 0, G_OPTION_ARG_FILENAME, &sample_file,
     "those mutants that are in FILE, each against what has killed it first", "FILE"},
    {"draw", 0, 0, G_OPTION_ARG_INT, &draw,
     "print so many of those that were killed, drawn by chance, and try none", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "of what is drawn (1)", "N"},
    {"percent", 0, 0, G_OPTION_ARG_INT, &percent, "to be killed at least (95)", "N"},
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &jobs, "processes at a time (2)", "N"},
    G_OPTION_ENTRY_NULL};

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

static void write_at(int fd, long offset, const uint8_t bytes[JUMP]) {
    if (pwrite(fd, bytes, JUMP, offset) != JUMP)
        fail(3, "the copy of the library", g_strerror(errno));
}

/* --- trying --- */

/* What is to be killed, and how likely a second of a killer's work does it, as far as is known: what sees much is
   expected to kill much, until it is tried; what it does in one file says more than what it does in all; and an
   unsteady one that has not been seen to take the jump the other way has not much of a chance. */
struct aim {
    size_t site;
    enum kind kind;
    unsigned room;
};
static const double unlikely_share = 0.03;

static double promise(const struct killer *killer, const struct aim *aim) {
    double all = (killer->kills + 2 * killer->share + 0.1) / (killer->tries + 2.0);
    double here = (killer->room_kills[aim->room] + 3 * all) /
                  (killer->room_tries[aim->room] + 3.0) / (killer->usual.work + 0.003);

    return killer_saw(killer, aim->site, aim->kind) ? here : here * unlikely_share;
}

static int by_promise(const void *a, const void *b, void *aim) {
    double x = promise(*(struct killer *const *)a, aim);
    double y = promise(*(struct killer *const *)b, aim);

    return x > y ? -1 : x < y;
}

/* What is not the same each time has to kill twice. */
static enum verdict attempt(struct killer *killer, unsigned room, const char *folder,
                            double *seconds) {
    struct cost took;
    enum verdict verdict = trial_run(killer->argv, folder, killer->usual, NULL, &took);

    *seconds += took.work;
    if (verdict != PASSED && killer->unsteady) {
        verdict = trial_run(killer->argv, folder, killer->usual, NULL, &took);
        *seconds += took.work;
    }
    killer->tries++;
    killer->room_tries[room]++;
    killer->kills += verdict != PASSED;
    killer->room_kills[room] += verdict != PASSED;
    return verdict;
}

/* Against all that see it, the most promising first; but what has killed the last one of the function before that. */
static const char *try(size_t site, enum kind kind, unsigned room, struct killer *killers,
                       size_t n, struct killer *last, const char *folder,
                       struct killer **by) {
    struct killer **order = g_new(struct killer *, n + 1);
    enum verdict verdict = PASSED;
    const char *result = result_survived;
    double seconds = 0;
    size_t n_order = 0;

    *by = NULL;
    for (size_t i = 0; i < n; i++)
        if (killer_sees(&killers[i], site, kind)) order[n_order++] = &killers[i];
    if (n_order == 0) result = result_unseen;
    if (last != NULL && killer_sees(last, site, kind)) {
        verdict = attempt(last, room, folder, &seconds);
        if (verdict != PASSED) *by = last;
    }
    if (verdict == PASSED)
        g_qsort_with_data(order, (int)n_order, sizeof(struct killer *), by_promise,
                          &(struct aim){site, kind, room});
    for (size_t i = 0; verdict == PASSED && i < n_order; i++) {
        if (order[i] == last) continue;
        if (patience > 0 && seconds + order[i]->usual.work > patience) {
            result = result_undecided;
            continue;
        }
        verdict = attempt(order[i], room, folder, &seconds);
        if (verdict != PASSED) *by = order[i];
    }
    g_free(order);
    return verdict == PASSED ? result : verdict_names[verdict];
}

/* A mutant in the place of the library; and the library again. */
static void mutate(int fd, const struct site *site, enum kind kind, uint8_t was[JUMP]) {
    uint8_t is[JUMP];

    if (pread(fd, was, JUMP, site->offset) != JUMP) fail(3, library, g_strerror(errno));
    site_mutate(site, kind, was, is);
    write_at(fd, site->offset, is);
}

/* The mutants of a sample, each against what has killed it before. */
static void try_sample(const struct site *sites, const unsigned *order, size_t n,
                       GHashTable *by, struct killer *killers, size_t n_killers,
                       const char *folder, int results) {
    char *unmutated = folder_of(UINT_MAX);
    int fd = place_library(folder);

    close(place_library(unmutated));
    for (size_t i = 0; i < n; i++) {
        const struct site *site = &sites[order[i] / KINDS];
        enum kind kind = order[i] % KINDS;
        char *key = site_key(site, kind);
        const char *name = g_hash_table_lookup(by, key);
        enum verdict verdict = PASSED;
        uint8_t was[JUMP];
        double seconds = 0;
        size_t k = 0;

        while (k < n_killers && strcmp(killers[k].name, name) != 0) k++;
        if (k < n_killers) {
            killer_time(&killers[k], unmutated);
            mutate(fd, site, kind, was);
            verdict = attempt(&killers[k], site->room, folder, &seconds);
            write_at(fd, site->offset, was);
        }
        results_write(results, site, kind,
                      verdict == PASSED ? result_survived : verdict_names[verdict], name);
        g_free(key);
    }
    close(fd);
    g_free(unmutated);
}

/* Tries every `jobs`-th mutant of `order`. */
static void work(unsigned worker, const struct site *sites, const unsigned *order,
                 size_t n, struct killer *killers, size_t n_killers, int results) {
    char *folder = folder_of(worker);
    int fd = place_library(folder);
    GHashTable *lasts = g_hash_table_new(g_str_hash, g_str_equal); /* by function */
    struct killer *by;

    for (size_t i = worker; i < n; i += (size_t)jobs) {
        const struct site *site = &sites[order[i] / KINDS];
        enum kind kind = order[i] % KINDS;
        uint8_t was[JUMP];

        mutate(fd, site, kind, was);
        const char *result = try(order[i] / KINDS, kind, site->room, killers, n_killers,
                                 g_hash_table_lookup(lasts, site->function), folder, &by);
        write_at(fd, site->offset, was);
        if (by != NULL) g_hash_table_insert(lasts, site->function, by);
        if (with == NULL || result_is_kill(result)) /* others may see what these do not */
            results_write(results, site, kind, result, by != NULL ? by->name : "-");
    }
    close(fd);
    g_hash_table_unref(lasts);
}

/* --- which --- */

/* In any order: what is known while it goes on is so of all. */
static void shuffle(unsigned *order, size_t n) {
    GRand *chance = g_rand_new_with_seed((guint32)seed);

    for (size_t i = 0; i < n; i++) {
        size_t j = (size_t)g_rand_int_range(chance, (gint32)i, (gint32)n);
        unsigned swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    g_rand_free(chance);
}

static unsigned *choose(const struct site *sites, size_t n_sites, GHashTable *in_sample,
                        size_t *n) {
    unsigned *order = g_new(unsigned, n_sites *KINDS + 1);

    *n = 0;
    for (unsigned i = 0; i < n_sites * KINDS; i++) {
        const struct site *site = &sites[i / KINDS];
        char *key = site_key(site, i % KINDS);
        if ((only == NULL || strcmp(only, site->file) == 0) &&
            (in_sample == NULL || g_hash_table_contains(in_sample, key)))
            order[(*n)++] = i;
        g_free(key);
    }
    return order;
}

static size_t leave_out_done(const struct site *sites, unsigned *order, size_t n) {
    GHashTable *results = results_read(results_file);
    GHashTable *explained = survivors_read(survivors_file);
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        const struct site *site = &sites[order[i] / KINDS];
        char *key = site_key(site, order[i] % KINDS);
        char *line = site_survivor(site, order[i] % KINDS);
        const char *result = g_hash_table_lookup(results, key);
        if (result == NULL ||
            (again && !result_is_kill(result) && !g_hash_table_contains(explained, line)))
            order[left++] = order[i];
        g_free(line);
        g_free(key);
    }
    g_hash_table_unref(explained);
    g_hash_table_unref(results);
    return left;
}

/* What earlier runs have shown: each mutant that was killed counts as a try for all killers, but for those that have
   killed none, which may be new. */
static void learn(const struct site *sites, size_t n_sites, struct killer *killers,
                  size_t n) {
    GHashTable *results = results_read(results_file), *by = results_killers(results_file);
    GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned tries[N_ROOMS] = {0}, all = 0;

    for (size_t k = 0; k < n; k++)
        g_hash_table_insert(names, killers[k].name, &killers[k]);
    for (size_t i = 0; i < n_sites * KINDS; i++) {
        char *key = site_key(&sites[i / KINDS], i % KINDS);
        const char *result = g_hash_table_lookup(results, key);
        struct killer *killer = NULL;

        if (result != NULL && result_is_kill(result))
            killer = g_hash_table_lookup(names, g_hash_table_lookup(by, key));
        if (killer != NULL) {
            killer->kills++;
            killer->room_kills[sites[i / KINDS].room]++;
            tries[sites[i / KINDS].room]++;
            all++;
        }
        g_free(key);
    }
    for (size_t k = 0; k < n; k++) {
        if (killers[k].kills == 0) continue;
        killers[k].tries = all;
        memcpy(killers[k].room_tries, tries, sizeof tries);
    }
    g_hash_table_unref(names);
    g_hash_table_unref(by);
    g_hash_table_unref(results);
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
        source_folder == NULL || results_file == NULL || map_file == NULL || jobs < 1)
        fail(2, "options",
             "library, sites, killers, source, results and map are needed; --help");
    if (draw > 0) {
        results_draw(results_file, (unsigned)draw, (unsigned)seed);
        return 0;
    }
    struct site *sites = sites_read(sites_file, source_folder, &n_sites);
    GHashTable *in_sample = sample_file != NULL ? results_killers(sample_file) : NULL;
    unsigned *order = choose(sites, n_sites, in_sample, &n);
    unsigned *left = g_memdup2(order, n * sizeof(*order));
    shuffle(left, n);
    size_t n_left = leave_out_done(sites, left, n);
    int results = open(results_file, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (results < 0) fail(3, results_file, g_strerror(errno));

    char *folder = folder_of(0);
    close(place_library(folder));
    struct killer *killers = killers_read(killers_file, folder, with, &n_killers);
    fprintf(stderr, "mutate: %zu mutants of %zu jumps; %zu to try\n", n, n_sites, n_left);
    if (in_sample != NULL) {
        printf("# %zu of the %u mutants of the sample are there still\n", n,
               g_hash_table_size(in_sample));
        try_sample(sites, left, n_left, in_sample, killers, n_killers, folder, results);
        n_left = 0;
    }
    if (n_left > 0)
        killers_map(killers, n_killers, sites, n_sites, library, folder, map_file,
                    (unsigned)jobs);
    learn(sites, n_sites, killers, n_killers);
    for (int i = 0; n_left > 0 && i < jobs; i++)
        if (fork() == 0) {
            work((unsigned)i, sites, left, n_left, killers, n_killers, results);
            _exit(0);
        }
    for (int status, bad = 0; wait(&status) > 0 || errno == EINTR;)
        if (status != 0 && !bad++) fprintf(stderr, "mutate: a worker has failed\n");
    return results_tell(results_file, survivors_file, sites, order, n, percent);
}
