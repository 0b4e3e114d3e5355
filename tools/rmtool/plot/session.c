/* SPDX-License-Identifier: MIT */
#include "plot/session.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/say.h"

#define MAGIC "# rmbrowse session "
#define VERSION "1"
#define COUNT_MOST 0x1p63

const struct session_head session_heads[N_SESSION_FIGURES] = {
    [SESSION_FRAMES] = {"", "frames", "Frames of the session"},
    [SESSION_PEAK] = {"peak", "memory",
                      "Most that heaps and malloc together had of the system"},
    [SESSION_PEAK_OWN] = {"of it", "own",
                          "Most that was held for the browser's own objects"},
    [SESSION_OWN_OVER_LIVE] =
        {"own", "/ live",
         "What is held for own objects over the bytes asked for them, mean over mean"},
    [SESSION_END_OVER_LIVE] = {"at the", "end", "The same in the last frame"},
    [SESSION_FRAGMENTATION] = {"fragmen-", "tation",
                               "Share of free memory outside its largest piece, mean"},
    [SESSION_SPLIT] = {"of what", "is held",
                       "The same free memory as a share of what is held for own objects, "
                       "mean over mean"},
    [SESSION_HALF] = {"frames:", "half",
                      "Half of the frames take at most so long, compaction aside"},
    [SESSION_MOST] = {"", "99 %",
                      "99 % of the frames take at most so long, compaction aside"},
    [SESSION_LONGEST] = {"", "longest", "The longest frame, compaction aside"},
    [SESSION_STEP] = {"longest", "step", "The longest step of compaction"},
    [SESSION_CALL] = {"longest", "call",
                      "The longest call that made an object or changed its size"},
    [SESSION_MOVED] = {"bytes", "moved",
                       "Bytes that were moved, by compaction and by allocations"},
};

static const enum {
    AMOUNT,
    BYTES,
    TIMES,
    SHARE,
    DURATION
} kinds[N_SESSION_FIGURES] = {
    [SESSION_PEAK] = BYTES,          [SESSION_PEAK_OWN] = BYTES,
    [SESSION_OWN_OVER_LIVE] = TIMES, [SESSION_END_OVER_LIVE] = TIMES,
    [SESSION_FRAGMENTATION] = SHARE, [SESSION_HALF] = DURATION,
    [SESSION_MOST] = DURATION,       [SESSION_LONGEST] = DURATION,
    [SESSION_STEP] = DURATION,       [SESSION_CALL] = DURATION,
    [SESSION_MOVED] = BYTES,         [SESSION_SPLIT] = SHARE,
};

/* ------------------------------------------------------------------- the file */

enum {
    FRAME,
    TIME,
    TABS,
    OBJECTS,
    LIVE,
    FOOTPRINT,
    OWN,
    OWN_FREE,
    OWN_LARGEST,
    FRAGMENTATION,
    LIBRARIES,
    LOCKED,
    RESIDENT,
    WORK,
    COMPACT,
    STEPS,
    STEP,
    MOVED,
    CALL,
    BUSY,
    LINE,
    N_COLUMNS
};

/* The columns, and the most that can stand in them. */
static const struct column {
    const char *name;
    double most;
} columns[N_COLUMNS] = {
    [FRAME] = {"frame", COUNT_MOST},
    [TIME] = {"time_ns", COUNT_MOST},
    [TABS] = {"tabs", COUNT_MOST},
    [OBJECTS] = {"objects", COUNT_MOST},
    [LIVE] = {"live", COUNT_MOST},
    [FOOTPRINT] = {"footprint", COUNT_MOST},
    [OWN] = {"own_footprint", COUNT_MOST},
    [OWN_FREE] = {"own_free", COUNT_MOST},
    [OWN_LARGEST] = {"own_largest", COUNT_MOST},
    [FRAGMENTATION] = {"fragmentation", 1},
    [LIBRARIES] = {"libraries", COUNT_MOST},
    [LOCKED] = {"locked", COUNT_MOST},
    [RESIDENT] = {"resident", COUNT_MOST},
    [WORK] = {"work_ns", COUNT_MOST},
    [COMPACT] = {"compact_ns", COUNT_MOST},
    [STEPS] = {"steps", COUNT_MOST},
    [STEP] = {"longest_step_ns", COUNT_MOST},
    [MOVED] = {"moved", COUNT_MOST},
    [CALL] = {"longest_alloc_ns", COUNT_MOST},
    [BUSY] = {"busy", 1},
    [LINE] = {"line", COUNT_MOST},
};

/* A file, and where its columns are. */
struct table {
    struct csv csv;
    int at[N_COLUMNS];
};

static double number(const struct table *table, size_t row, int column) {
    return csv_number(&table->csv, row, table->at[column]);
}

bool session_wanted(const char *path) {
    FILE *file = fopen(path, "re");
    char head[sizeof(MAGIC)] = "";
    bool wanted = file && fgets(head, sizeof(head), file) && strcmp(head, MAGIC) == 0;

    if (file) fclose(file);
    return wanted;
}

static int find_columns(struct table *table) {
    for (int i = 0; i < N_COLUMNS; i++) {
        table->at[i] = csv_column(&table->csv, columns[i].name);
        if (table->at[i] == CSV_NONE)
            return complain_at(STATUS_MALFORMED, table->csv.path,
                               table->csv.first_line - 1, "no column '%s'",
                               columns[i].name);
    }
    return STATUS_OK;
}

static int check_row(const struct table *table, size_t row) {
    const char *path = table->csv.path;
    uint64_t line = table->csv.first_line + row;

    for (int i = 0; i < N_COLUMNS; i++) {
        double value = number(table, row, i);
        if (!(value >= 0 && value <= columns[i].most))
            return complain_at(
                STATUS_MALFORMED, path, line, "'%.40s' cannot stand in column '%s'",
                csv_field(&table->csv, row, table->at[i]), columns[i].name);
    }
    if (row > 0 && number(table, row, FRAME) <= number(table, row - 1, FRAME))
        return complain_at(STATUS_MALFORMED, path, line,
                           "a frame that does not come after the one before");
    if (row > 0 && number(table, row, TIME) < number(table, row - 1, TIME))
        return complain_at(STATUS_MALFORMED, path, line,
                           "a time before that of the frame before");
    if (row > 0 && number(table, row, LINE) < number(table, row - 1, LINE))
        return complain_at(STATUS_MALFORMED, path, line,
                           "a line of the script before that of the frame before");
    if (number(table, row, OWN_LARGEST) > number(table, row, OWN_FREE))
        return complain_at(STATUS_MALFORMED, path, line,
                           "the largest free piece is more than what is free");
    return STATUS_OK;
}

static int check_rows(const struct table *table) {
    int status = STATUS_OK;

    if (table->csv.n_rows == 0)
        return complain_at(STATUS_MALFORMED, table->csv.path, table->csv.first_line - 1,
                           "no frames below it");
    for (size_t i = 0; i < table->csv.n_rows && status == STATUS_OK; i++)
        status = check_row(table, i);
    return status;
}

/* ------------------------------------------------------------------- its name */

/* A key of the comments, the words that it may have, and how people call these. */
struct key {
    const char *key;
    const char *words[4], *called[4];
};

/* Returns: STATUS_OK, and the name; STATUS_MALFORMED. */
static int find_word(const struct csv *csv, const struct key *key, const char **called) {
    const char *word = csv_comment(csv, key->key, 0);
    uint64_t line = 1;

    for (size_t i = 0; word && key->words[i]; i++) {
        *called = key->called[i];
        if (strcmp(word, key->words[i]) == 0) return STATUS_OK;
    }
    if (!word)
        return complain_at(STATUS_MALFORMED, csv->path, csv->first_line - 1,
                           "no comment '# %s: ...' above it", key->key);
    for (size_t i = 0; i < csv->n_comments; i++)
        if (word >= csv->comments[i]) line = i + 1;
    return complain_at(STATUS_MALFORMED, csv->path, line, "%s: '%.40s' is not known",
                       key->key, word);
}

static int find_name(struct session *session, const struct csv *csv) {
    static const struct key objects = {
        "objects", {"rmalloc", "malloc"}, {"rmalloc", "malloc"}};
    static const struct key compaction = {
        "compaction", {"off", "idle", "steady"}, {"no compaction", "idle", "steady"}};
    static const struct key heaps = {
        "heaps", {"tab", "shared"}, {"a heap a tab", "one heap"}};
    const char *object, *when, *where;
    int status = find_word(csv, &objects, &object);

    if (status) return status;
    if (strcmp(object, "malloc") == 0) {
        snprintf(session->name, SESSION_NAME, "malloc");
        return STATUS_OK;
    }
    status = find_word(csv, &compaction, &when);
    if (status == STATUS_OK) status = find_word(csv, &heaps, &where);
    if (status == STATUS_OK)
        snprintf(session->name, SESSION_NAME, "%s, %s, %s", object, when, where);
    return status;
}

void sessions_tell_apart(struct session *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(list[i].name);
        bool alike = false;
        for (size_t j = i + 1; j < n; j++) {
            if (strcmp(list[j].name, list[i].name) != 0) continue;
            alike = true;
            snprintf(list[j].name + length, SESSION_NAME - length, " (%.*s)",
                     SESSION_NAME / 2, list[j].path);
        }
        if (alike)
            snprintf(list[i].name + length, SESSION_NAME - length, " (%.*s)",
                     SESSION_NAME / 2, list[i].path);
    }
}

/* ----------------------------------------------------------------- its figures */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What a share of the frames keeps within, of the three shares. */
static int find_quantiles(struct session *session, const struct table *table) {
    size_t n = table->csv.n_rows;
    double *times = malloc(n * sizeof(*times));

    if (!times) return complain(STATUS_IO, "no memory to read %s", session->path);
    for (size_t i = 0; i < n; i++) times[i] = number(table, i, WORK);
    qsort(times, n, sizeof(*times), by_value);
    session->figures[SESSION_HALF] = times[(n - 1) / 2];
    session->figures[SESSION_MOST] = times[n - 1 - n / 100];
    session->figures[SESSION_LONGEST] = times[n - 1];
    free(times);
    return STATUS_OK;
}

static double most(const struct table *table, int column) {
    double largest = 0;

    for (size_t i = 0; i < table->csv.n_rows; i++)
        largest = fmax(largest, number(table, i, column));
    return largest;
}

static double sum(const struct table *table, int column) {
    double all = 0;

    for (size_t i = 0; i < table->csv.n_rows; i++) all += number(table, i, column);
    return all;
}

/* NAN where the whole is 0: no figure. */
static double over(double part, double whole) { return whole > 0 ? part / whole : NAN; }

static int find_figures(struct session *session, const struct table *table) {
    size_t last = table->csv.n_rows - 1;
    double *figures = session->figures, n = (double)table->csv.n_rows;

    figures[SESSION_FRAMES] = n;
    figures[SESSION_PEAK] = most(table, FOOTPRINT);
    figures[SESSION_PEAK_OWN] = most(table, OWN);
    figures[SESSION_OWN_OVER_LIVE] = over(sum(table, OWN), sum(table, LIVE));
    figures[SESSION_END_OVER_LIVE] =
        over(number(table, last, OWN), number(table, last, LIVE));
    figures[SESSION_FRAGMENTATION] = sum(table, FRAGMENTATION) / n;
    figures[SESSION_SPLIT] =
        over(sum(table, OWN_FREE) - sum(table, OWN_LARGEST), sum(table, OWN));
    figures[SESSION_STEP] = sum(table, STEPS) > 0 ? most(table, STEP) : NAN;
    figures[SESSION_CALL] = most(table, CALL);
    figures[SESSION_MOVED] = sum(table, MOVED);
    return find_quantiles(session, table);
}

const char *session_text(char text[SIZE_TEXT], const struct session *session,
                         enum session_figure figure) {
    double value = session->figures[figure];

    if (isnan(value)) return "-";
    /* Sums of numbers that can be may be more than fits. */
    uint64_t whole = value < COUNT_MOST ? (uint64_t)value : (uint64_t)1 << 63;
    switch (kinds[figure]) {
    case AMOUNT: snprintf(text, SIZE_TEXT, "%.0f", value); break;
    case BYTES: return format_size(text, whole);
    case TIMES: snprintf(text, SIZE_TEXT, value < 1e6 ? "%.2f" : "%.3g", value); break;
    case SHARE: snprintf(text, SIZE_TEXT, "%.1f %%", 100 * value); break;
    case DURATION: return format_ns(text, whole);
    }
    return text;
}

int session_read(struct session *session, const char *path) {
    struct table table = {0};
    int status = csv_read(&table.csv, path);

    *session = (struct session){.path = path};
    if (status == STATUS_OK &&
        (table.csv.n_comments == 0 || strcmp(table.csv.comments[0], MAGIC VERSION) != 0))
        status =
            complain_at(STATUS_MALFORMED, path, 1,
                        "not '" MAGIC VERSION "', which is the version that is known");
    if (status == STATUS_OK) status = find_columns(&table);
    if (status == STATUS_OK) status = find_name(session, &table.csv);
    if (status == STATUS_OK) status = check_rows(&table);
    if (status == STATUS_OK) status = find_figures(session, &table);
    if (status == STATUS_OK) {
        const char *machine = csv_comment(&table.csv, "machine", 0);
        const char *date = csv_comment(&table.csv, "date", 0);
        snprintf(session->machine, sizeof(session->machine), "%s",
                 machine ? machine : "");
        snprintf(session->date, sizeof(session->date), "%s", date ? date : "");
    }
    csv_finish(&table.csv);
    return status;
}
