/* SPDX-License-Identifier: MIT */
/*
 * CSV files as a report takes them: every field is a number or not, in the same way for all
 * who ask; a comparison that is read back has names that fit, and goals can be computed of it.
 */
#include <math.h>
#include <string.h>

#include "compare/compare_load.h"
#include "fuzz.h"
#include "fuzz_comparison.h"
#include "report/page.h"

static void look(const struct csv *csv) {
    for (int i = 0; i < (int)csv->n_columns; i++) {
        bool numbers = csv_check_numbers(csv, i) == 0;
        FUZZ_HOLDS(csv_column(csv, csv->columns[i]) <= i);
        for (size_t j = 0; numbers && j < csv->n_rows; j++) {
            double number = csv_number(csv, j, i);
            FUZZ_HOLDS((*csv_field(csv, j, i) == '\0') == (isnan(number) != 0));
            FUZZ_HOLDS(!isinf(number));
        }
    }
}

/* Whatever a text is, as a part of a page it is text. */
static void escape(const char *text) {
    char *page = NULL;
    size_t size;
    FILE *to = open_memstream(&page, &size);

    if (!to) return;
    page_text(to, text);
    fclose(to);
    FUZZ_HOLDS(strpbrk(page, "<>\"'\n") == NULL);
    free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    struct loaded loaded = {0};
    struct csv csv;

    if (csv_read(&csv, path) == 0) {
        look(&csv);
        for (size_t i = 0; i < csv.n_comments; i++) escape(csv.comments[i]);
        if (compare_is_summary(&csv) && compare_load_csv(&loaded, &csv) == 0)
            fuzz_comparison(&loaded);
        compare_unload(&loaded);
    }
    csv_finish(&csv);
    return 0;
}
