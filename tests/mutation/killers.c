/* SPDX-License-Identifier: MIT */
#include "killers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trial.h"

static const double long_s = 0.1;

static void add(GArray *killers, char *name, char **argv, bool unsteady) {
    struct killer killer = {.name = name, .argv = argv, .unsteady = unsteady};

    g_array_append_val(killers, killer);
}

/* A program of GLib's tests names its cases itself. */
static void add_cases(GArray *killers, const char *name, char **argv, bool unsteady,
                      const char *folder) {
    GStrvBuilder *list = g_strv_builder_new();
    char **environment =
        g_environ_setenv(g_get_environ(), "LD_LIBRARY_PATH", folder, TRUE);
    char *text;
    GError *error = NULL;

    g_strv_builder_addv(list, (const char **)argv);
    g_strv_builder_add(list, "-l");
    char **command = g_strv_builder_end(list);
    if (!g_spawn_sync(NULL, command, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &text,
                      NULL, NULL, &error))
        fail(3, argv[0], error->message);
    char **lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        if (lines[i][0] != '/') continue;
        GStrvBuilder *one = g_strv_builder_new();
        g_strv_builder_addv(one, (const char **)argv);
        g_strv_builder_add(one, "-p");
        g_strv_builder_add(one, lines[i]);
        add(killers, g_strconcat(name, lines[i], NULL), g_strv_builder_end(one),
            unsteady);
        g_strv_builder_unref(one);
    }
    g_strfreev(lines);
    g_free(text);
    g_strfreev(command);
    g_strfreev(environment);
    g_strv_builder_unref(list);
}

/* NAME PROGRAM ARGUMENT... : WORD...: once with each word in the place of %. */
static void add_words(GArray *killers, const char *name, char **argv, bool unsteady) {
    unsigned colon = 0;

    while (argv[colon] != NULL && strcmp(argv[colon], ":") != 0) colon++;
    if (argv[colon] == NULL) {
        add(killers, g_strdup(name), g_strdupv(argv), unsteady);
        return;
    }
    for (char **word = argv + colon + 1; *word != NULL; word++) {
        char **one = g_new0(char *, colon + 1);

        for (unsigned i = 0; i < colon; i++)
            one[i] = g_strdup(strcmp(argv[i], "%") == 0 ? *word : argv[i]);
        add(killers, g_strconcat(name, "/", *word, NULL), one, unsteady);
    }
}

struct killer *killers_read(const char *file, const char *folder, const char *begins,
                            size_t *n) {
    char **lines = lines_of(file);
    GArray *killers = g_array_new(FALSE, TRUE, sizeof(struct killer));

    for (unsigned i = 0; lines[i] != NULL; i++) {
        GError *error = NULL;
        char **words;
        int n_words;

        g_strstrip(lines[i]);
        if (lines[i][0] == '\0' || lines[i][0] == '#') continue;
        if (!g_shell_parse_argv(lines[i], &n_words, &words, &error) || n_words < 2)
            fail(4, lines[i], error != NULL ? error->message : "no program");
        bool unsteady = words[0][0] == '~';
        const char *name = words[0] + unsteady;
        if (begins != NULL && !g_str_has_prefix(name, begins)) continue;
        if (g_strv_contains((const char *const *)words, "--tap"))
            add_cases(killers, name, words + 1, unsteady, folder);
        else
            add_words(killers, name, words + 1, unsteady);
        g_strfreev(words);
    }
    g_strfreev(lines);
    *n = killers->len;
    return (struct killer *)(void *)g_array_free(killers, FALSE);
}

/* --- which jumps --- */

static char *sum_of(const char *file) {
    char *bytes;
    size_t n;
    GError *error = NULL;

    if (!g_file_get_contents(file, &bytes, &n, &error)) fail(3, file, error->message);
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *)bytes, n);
    g_free(bytes);
    return sum;
}

/* What a line of the map holds of: the library, the program, its arguments, and the files that those name. */
static char *stamp_of(const struct killer *killer, const char *library_sum) {
    GChecksum *stamp = g_checksum_new(G_CHECKSUM_MD5);

    g_checksum_update(stamp, (const guchar *)library_sum, -1);
    for (unsigned i = 0; killer->argv[i] != NULL; i++) {
        g_checksum_update(stamp, (const guchar *)killer->argv[i], -1);
        g_checksum_update(stamp, (const guchar *)" ", 1);
        if (!g_file_test(killer->argv[i], G_FILE_TEST_IS_REGULAR)) continue;
        char *sum = sum_of(killer->argv[i]);
        g_checksum_update(stamp, (const guchar *)sum, -1);
        g_free(sum);
    }
    char *text = g_strdup(g_checksum_get_string(stamp));
    g_checksum_free(stamp);
    return text;
}

static void run_well(struct killer *killer, const char *folder, const char *jumps) {
    const struct cost plenty = {100, 100};
    struct cost took;
    enum verdict verdict = trial_run(killer->argv, folder, plenty, jumps, &took);

    if (verdict != PASSED) {
        fprintf(stderr, "mutate: %s: %s, and nothing has been mutated\n", killer->name,
                verdict_names[verdict]);
        exit(1);
    }
    if (took.clock > killer->usual.clock) killer->usual.clock = took.clock;
    if (took.work > killer->usual.work) killer->usual.work = took.work;
}

void killer_time(struct killer *killer, const char *folder) {
    if (killer->usual.clock == 0) run_well(killer, folder, NULL);
}

static void run_once(struct killer *killer, const struct site *sites, size_t n_sites,
                     const char *folder, uint8_t *seen) {
    char *jumps = g_strdup_printf("%s/jumps-%d", folder, (int)getpid()), *notes;
    size_t n;

    if (!g_file_set_contents(jumps, "", 0, NULL)) fail(3, jumps, g_strerror(errno));
    run_well(killer, folder, jumps);
    if (!g_file_get_contents(jumps, &notes, &n, NULL)) fail(3, jumps, "cannot be read");
    for (size_t i = 0; i < n_sites; i++) {
        seen[i] = 0;
        if ((size_t)sites[i].note + 1 < n)
            seen[i] = (uint8_t)((notes[sites[i].note] != 0 ? NOT_TAKEN : 0) |
                                (notes[sites[i].note + 1] != 0 ? TAKEN : 0));
    }
    g_free(notes);
    g_unlink(jumps);
    g_free(jumps);
}

/* Twice, to know whether it is the same; of what takes long that is not known, then. */
static void run_twice(struct killer *killer, const struct site *sites, size_t n_sites,
                      const char *folder) {
    uint8_t *again = g_malloc(n_sites);

    run_once(killer, sites, n_sites, folder, killer->seen);
    if (killer->usual.work > long_s) killer->unsteady = true;
    if (killer->unsteady) {
        g_free(again);
        return;
    }
    run_once(killer, sites, n_sites, folder, again);
    if (memcmp(again, killer->seen, n_sites) != 0) killer->unsteady = true;
    for (size_t i = 0; i < n_sites; i++) killer->seen[i] |= again[i];
    g_free(again);
}

/* By stamp: its name, what it costs, whether it is unsteady, a digit for each site. */
static GHashTable *read_map(const char *map) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!g_file_test(map, G_FILE_TEST_EXISTS)) return table;
    char **lines = lines_of(map);

    for (unsigned i = 0; lines[i] != NULL; i++) {
        char *tab = strchr(lines[i], '\t');
        if (tab != NULL)
            g_hash_table_replace(table, g_strndup(lines[i], (size_t)(tab - lines[i])),
                                 g_strdup(tab + 1));
    }
    g_strfreev(lines);
    return table;
}

static bool take_over(struct killer *killer, const char *line, size_t n_sites) {
    char **fields = g_strsplit(line, "\t", -1);
    bool good = g_strv_length(fields) == 5 && strlen(fields[4]) == n_sites;

    for (size_t i = 0; good && i < n_sites; i++)
        killer->seen[i] = (uint8_t)(fields[4][i] - '0');
    if (good) {
        killer->usual.clock = g_ascii_strtod(fields[1], NULL);
        killer->usual.work = g_ascii_strtod(fields[2], NULL);
        killer->unsteady = fields[3][0] == '1';
    }
    g_strfreev(fields);
    return good;
}

static void write_line(int file, const char *stamp, const struct killer *killer,
                       size_t n_sites) {
    GString *line = g_string_new(NULL);

    g_string_printf(line, "%s\t%s\t%.4f\t%.4f\t%d\t", stamp, killer->name,
                    killer->usual.clock, killer->usual.work, killer->unsteady);
    for (size_t i = 0; i < n_sites; i++)
        g_string_append_c(line, (char)('0' + killer->seen[i]));
    g_string_append_c(line, '\n');
    if (write(file, line->str, line->len) != (ssize_t)line->len)
        fail(3, "the map", g_strerror(errno));
    g_string_free(line, TRUE);
}

/* Every `jobs`-th of those that the map has not, and into the map. */
static void map_some(struct killer *killers, char **stamps, size_t n,
                     const struct site *sites, size_t n_sites, const char *folder,
                     const char *map, unsigned worker, unsigned jobs) {
    GHashTable *known = read_map(map);
    int file = g_open(map, O_WRONLY | O_APPEND | O_CREAT, 0666);

    if (file < 0) fail(3, map, g_strerror(errno));
    for (size_t i = worker; i < n; i += jobs) {
        const char *line = g_hash_table_lookup(known, stamps[i]);

        if (line != NULL && take_over(&killers[i], line, n_sites)) continue;
        run_twice(&killers[i], sites, n_sites, folder);
        write_line(file, stamps[i], &killers[i], n_sites);
    }
    close(file);
    g_hash_table_unref(known);
}

void killers_map(struct killer *killers, size_t n, const struct site *sites,
                 size_t n_sites, const char *library, const char *folder, const char *map,
                 unsigned jobs) {
    char *library_sum = sum_of(library), **stamps = g_new0(char *, n + 1);
    double sum = 0;
    unsigned n_unsteady = 0;

    for (size_t i = 0; i < n; i++) {
        stamps[i] = stamp_of(&killers[i], library_sum);
        killers[i].seen = g_malloc0(n_sites);
    }
    for (unsigned worker = 0; worker < jobs; worker++)
        if (fork() == 0) {
            map_some(killers, stamps, n, sites, n_sites, folder, map, worker, jobs);
            _exit(0);
        }
    for (int status; wait(&status) > 0;)
        if (status != 0) exit(1); /* it has said why */

    GHashTable *known = read_map(map);
    for (size_t i = 0; i < n; i++) {
        const char *line = g_hash_table_lookup(known, stamps[i]);

        if (line == NULL || !take_over(&killers[i], line, n_sites))
            fail(3, map, "is not whole");
        size_t n_seen = 0;
        for (size_t j = 0; j < n_sites; j++) n_seen += killers[i].seen[j] != 0;
        killers[i].share = (double)n_seen / (double)(n_sites + 1);
        sum += killers[i].usual.work;
        n_unsteady += killers[i].unsteady;
    }
    fprintf(stderr, "mutate: %zu killers, %u of them unsteady, %.1f s in all\n", n,
            n_unsteady, sum);
    g_hash_table_unref(known);
    g_strfreev(stamps);
    g_free(library_sum);
}

bool killer_saw(const struct killer *killer, size_t site, enum kind kind) {
    return (killer->seen[site] & (kind == ALWAYS ? NOT_TAKEN : TAKEN)) != 0;
}

bool killer_sees(const struct killer *killer, size_t site, enum kind kind) {
    if (killer->unsteady) return killer->seen[site] != 0;
    return killer_saw(killer, site, kind);
}
