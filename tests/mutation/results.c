/* SPDX-License-Identifier: MIT */
#include "results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char result_unseen[] = "unseen", result_survived[] = "survived",
           result_undecided[] = "undecided";

bool result_is_kill(const char *result) {
    return strcmp(result, result_unseen) != 0 && strcmp(result, result_survived) != 0 &&
           strcmp(result, result_undecided) != 0;
}

/* RESULT BY LINE, and the key: a field of each by key. */
static GHashTable *read_field(const char *file, unsigned field) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!g_file_test(file, G_FILE_TEST_EXISTS)) return table;
    char **lines = lines_of(file);

    for (unsigned i = 0; lines[i] != NULL; i++) {
        char **fields = g_strsplit(lines[i], "\t", -1);
        if (g_strv_length(fields) >= 8)
            g_hash_table_replace(table, g_strjoinv("\t", fields + 3),
                                 g_strdup(fields[field]));
        g_strfreev(fields);
    }
    g_strfreev(lines);
    return table;
}

GHashTable *results_read(const char *file) { return read_field(file, 0); }
GHashTable *results_killers(const char *file) { return read_field(file, 1); }

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void results_draw(const char *file, unsigned n, unsigned seed) {
    GHashTable *results = results_read(file), *killers = results_killers(file);
    GRand *chance = g_rand_new_with_seed(seed);
    guint n_keys;
    char **keys = (char **)g_hash_table_get_keys_as_array(results, &n_keys);

    qsort(keys, n_keys, sizeof(char *), by_name);
    printf("# %u of %u, drawn with seed %u: result, killer, line, and the mutant\n", n,
           n_keys, seed);
    for (guint i = 0; n > 0 && i < n_keys; i++) {
        guint j = (guint)g_rand_int_range(chance, (gint32)i, (gint32)n_keys);
        char *key = keys[j];
        const char *result = g_hash_table_lookup(results, key);

        keys[j] = keys[i];
        if (!result_is_kill(result)) continue;
        printf("%s\t%s\t-\t%s\n", result, (char *)g_hash_table_lookup(killers, key), key);
        n--;
    }
    g_free(keys);
    g_rand_free(chance);
    g_hash_table_unref(killers);
    g_hash_table_unref(results);
}

void results_write(int file, const struct site *site, enum kind kind, const char *result,
                   const char *by) {
    char *key = site_key(site, kind);
    char *line = g_strdup_printf("%s\t%s\t%u\t%s\n", result, by, site->line, key);

    if (write(file, line, strlen(line)) != (ssize_t)strlen(line))
        fail(3, "results", g_strerror(errno));
    g_free(line);
    g_free(key);
}

GHashTable *survivors_read(const char *file) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (file == NULL) return table;
    char **lines = lines_of(file);

    for (unsigned i = 0; lines[i] != NULL; i++)
        if (lines[i][0] != '\0' && lines[i][0] != '#')
            g_hash_table_add(table, g_strdup(lines[i]));
    g_strfreev(lines);
    return table;
}

int results_tell(const char *file, const char *survivors, const struct site *sites,
                 const unsigned *order, size_t n, int percent) {
    GHashTable *results = results_read(file), *explained = survivors_read(survivors);
    size_t killed = 0, survived = 0, unexplained = 0;

    for (size_t i = 0; i < n; i++) {
        const struct site *site = &sites[order[i] / KINDS];
        enum kind kind = order[i] % KINDS;
        char *key = site_key(site, kind);
        const char *result = g_hash_table_lookup(results, key);

        if (result == NULL) fail(1, key, "has no result");
        if (result_is_kill(result)) {
            killed++;
        } else {
            char *line = site_survivor(site, kind);

            survived++;
            if (!g_hash_table_contains(explained, line)) {
                unexplained++;
                printf("# not explained: %s (%s; line %u, in %s)\n", line, result,
                       site->line, site->function);
            }
            g_free(line);
        }
        g_free(key);
    }
    size_t open = killed + unexplained; /* what is equivalent cannot be killed */
    double share = open == 0 ? 0 : 100.0 * (double)killed / (double)open;
    printf(
        "# %zu mutants: %zu killed (%.2f %%), %zu survived, %zu of them not explained\n",
        n, killed, n == 0 ? 0 : 100.0 * (double)killed / (double)n, survived,
        unexplained);
    printf("# of those that have to be killed %.2f %% are\n", share);
    printf("%sok 1 - %d %% are killed of those that are not explained\n",
           share >= percent ? "" : "not ", percent);
    printf("%sok 2 - every survivor is explained\n1..2\n",
           unexplained == 0 ? "" : "not ");
    g_hash_table_unref(results);
    g_hash_table_unref(explained);
    return share >= percent && unexplained == 0 ? 0 : 1;
}
