/* SPDX-License-Identifier: MIT */
#include "browse/sheets.h"

void sheets_init(struct sheets *sheets, struct engine *engine, store_t *store) {
    *sheets = (struct sheets){.engine = engine, .store = store, .n = 1};
    sheets->list[0] = engine->own;
}

void sheets_finish(struct sheets *sheets) {
    for (size_t i = 1; i < sheets->n; i++) {
        struct sheet_coming *coming = &sheets->coming[i];
        if (coming->fetch != NULL) fetch_cancel(coming->fetch);
        store_free(sheets->store, coming->body);
        if (sheets->list[i].store != NULL) sheet_free(&sheets->list[i]);
    }
    sheets_init(sheets, sheets->engine, sheets->store);
}

void sheets_add(struct sheets *sheets, const char *css, size_t n) {
    if (sheets->n == 1 + SHEETS_MOST) return;
    sheet_parse(&sheets->list[sheets->n++], sheets->store, css, n);
}

static void arrived(void *context, const struct fetch_result *result) {
    struct sheet_coming *coming = context;
    coming->fetch = NULL;
    coming->body = result->body;
    coming->size =
        result->error == NULL ? result->size : 0; /* an error's page is not CSS */
}

void sheets_fetch(struct sheets *sheets, const char *url) {
    if (sheets->n == 1 + SHEETS_MOST || sheets->n_linked == SHEETS_LINKED_MOST) return;
    sheets->n_linked++;
    /* Its place is kept until it comes: an empty sheet has no rules. */
    size_t i = sheets->n++;
    sheet_parse(&sheets->list[i], sheets->store, "", 0);
    sheets->coming[i].fetch = fetch_begin(sheets->engine->fetcher, sheets->store, url,
                                          arrived, &sheets->coming[i]);
}

bool sheets_work(struct sheets *sheets) {
    for (size_t i = 1; i < sheets->n; i++) {
        ref_t body = sheets->coming[i].body;
        if (body == NO_REF) continue;
        sheet_free(&sheets->list[i]);
        sheet_parse(&sheets->list[i], sheets->store, store_lock(body),
                    sheets->coming[i].size);
        store_unlock(body);
        store_free(sheets->store, body);
        sheets->coming[i].body = NO_REF;
        return true;
    }
    return false;
}

bool sheets_coming(const struct sheets *sheets) {
    for (size_t i = 1; i < sheets->n; i++) {
        if (sheets->coming[i].fetch != NULL) return true;
    }
    return false;
}
