/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KINDS] = {"always", "never"};

void fail(int status, const char *what, const char *why) {
    fprintf(stderr, "mutate: %s: %s\n", what, why);
    exit(status);
}

char **lines_of(const char *file) {
    GError *error = NULL;
    char *text;

    if (!g_file_get_contents(file, &text, NULL, &error)) fail(3, file, error->message);
    char **lines = g_strsplit(text, "\n", -1);
    g_free(text);
    return lines;
}

/* The text of a line of source. The files are kept. */
static char *text_of(const char *source_folder, const char *file, unsigned line) {
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

/* Those with the same text in the same function are counted. */
static unsigned count(GHashTable *counts, const struct site *site) {
    char *name = g_strdup_printf("%s\t%s\t%s", site->function, site->file, site->text);
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name));

    g_hash_table_replace(counts, name, GUINT_TO_POINTER(n + 1));
    return n;
}

static unsigned room_of(GHashTable *rooms, const char *file) {
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(rooms, file));

    if (n == 0) {
        n = g_hash_table_size(rooms) + 1;
        if (n > N_ROOMS) fail(4, file, "one file too many");
        g_hash_table_insert(rooms, g_strdup(file), GUINT_TO_POINTER(n));
    }
    return n - 1;
}

struct site *sites_read(const char *list, const char *source_folder, size_t *n) {
    char **lines = lines_of(list);
    GArray *sites = g_array_new(FALSE, TRUE, sizeof(struct site));
    GHashTable *rooms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (unsigned i = 0; lines[i] != NULL; i++) {
        char **fields = g_strsplit(lines[i], "\t", -1);
        struct site site;

        if (g_strv_length(fields) == 5) {
            site.offset = strtol(fields[0], NULL, 10);
            site.note = strtol(fields[1], NULL, 10);
            site.function = g_strdup(fields[2]);
            site.file = g_strdup(fields[3]);
            site.line = (unsigned)strtoul(fields[4], NULL, 10);
            site.text = text_of(source_folder, site.file, site.line);
            site.nth = count(counts, &site);
            site.room = room_of(rooms, site.file);
            g_array_append_val(sites, site);
        } else if (lines[i][0] != '\0') {
            fail(4, lines[i], "not a line of sites.sh");
        }
        g_strfreev(fields);
    }
    g_hash_table_unref(counts);
    g_hash_table_unref(rooms);
    g_strfreev(lines);
    *n = sites->len;
    return (struct site *)(void *)g_array_free(sites, FALSE);
}

char *site_key(const struct site *site, enum kind kind) {
    return g_strdup_printf("%s\t%s\t%u\t%s\t%s", site->function, site->file, site->nth,
                           kind_names[kind], site->text);
}

char *site_survivor(const struct site *site, enum kind kind) {
    return g_strdup_printf("%s|%s|%s", site->file, kind_names[kind], site->text);
}

void site_mutate(const struct site *site, enum kind kind, const uint8_t was[JUMP],
                 uint8_t is[JUMP]) {
    memcpy(is, was, JUMP);
    if (was[0] != 0x0f || (was[1] & 0xf0) != 0x80)
        fail(4, site->function, "no conditional jump where sites.sh says there is one");
    if (kind == NEVER)
        memset(is, 0x90, JUMP);
    else
        is[0] = 0x90, is[1] = 0xe9;
}
