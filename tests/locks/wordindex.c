/* SPDX-License-Identifier: MIT */
/*
 * wordindex FILE...: the words of some texts, and the lines where the most frequent of them
 * stand. A program of the ordinary kind, written for handles, with blocks that are used for a
 * moment (list nodes), for a while (buffers), and all along (the report); what
 * its locks are is the truth against which models of locking are held.
 *
 * Built twice: on the library itself, and on malloc with a word to the recorder (handles.c).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define CHUNK 4096
#define WORD_BYTES 64
#define MOST 60
#define LINES 4
#define CACHE_BYTES 6000
#define REPORT_STEP 2048

static int add_file(struct table *table, const char *path, uint32_t number) {
    FILE *file = fopen(path, "r");
    rm_memory_t *buffer;
    struct place place = {number, 1};
    char word[WORD_BYTES];
    size_t n = 0, got;

    if (!file) {
        fprintf(stderr, "wordindex: %s: %s\n", path, strerror(errno));
        return 3;
    }
    buffer = make(CHUNK);
    do {
        char *text = use(buffer);
        got = fread(text, 1, CHUNK, file);
        for (size_t i = 0; i < got; i++) {
            if (isalpha((unsigned char)text[i]) && n < WORD_BYTES) {
                word[n++] = (char)tolower((unsigned char)text[i]);
            } else if (n > 0) {
                table_add(table, word, n, place);
                n = 0;
            }
            place.line += text[i] == '\n';
        }
        done(buffer);
    } while (got > 0);
    drop(buffer);
    fclose(file);
    return 0;
}

/* The report grows as it is written. */
struct report {
    rm_memory_t *text;
    size_t used, room;
};

static void reserve(struct report *report, size_t more) {
    if (report->used + more <= report->room) return;
    report->room = report->used + more + REPORT_STEP;
    resize(report->text, report->room);
}

static void write_word(struct report *report, struct cache *cache, rm_memory_t *block) {
    struct word *word = use(block);
    const struct place *places = use(word->places);
    char *text;

    reserve(report, 256);
    text = use(report->text);
    report->used += (size_t)snprintf(text + report->used, 256, "%s: %u\n",
                                     (const char *)use(word->text), word->n_places);
    done(word->text);
    done(report->text);
    for (uint32_t i = 0; i < word->n_places && i < LINES; i++) {
        reserve(report, 512);
        text = use(report->text);
        text[report->used++] = '\t';
        report->used += cache_line(cache, places[i], text + report->used, 500);
        text[report->used++] = '\n';
        done(report->text);
    }
    done(word->places);
    done(block);
}

int main(int argc, char **argv) {
    struct table table;
    struct cache cache;
    struct report report = {.text = make(REPORT_STEP), .room = REPORT_STEP};
    size_t n;
    int status = 0;

    if (argc < 2) {
        fputs("Usage: wordindex FILE...\n", stderr);
        return 2;
    }
    table_init(&table);
    for (int i = 1; i < argc && status == 0; i++)
        status = add_file(&table, argv[i], (uint32_t)(i - 1));
    cache_init(&cache, (const char *const *)argv + 1, CACHE_BYTES);

    rm_memory_t *block = table_most(&table, MOST, &n);
    rm_memory_t **words = use(block);
    for (size_t i = 0; i < n; i++) write_word(&report, &cache, words[i]);
    done(block);
    drop(block);

    const char *text = use(report.text);
    fwrite(text, 1, report.used, stdout);
    done(report.text);
    printf("%zu words; %zu lines found in the cache, %zu read\n", table.n_words,
           cache.hits, cache.misses);
    cache_finish(&cache);
    table_finish(&table);
    drop(report.text);
    return status;
}
