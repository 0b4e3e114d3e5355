/* SPDX-License-Identifier: MIT */
#include "browse/sheets.h"

#include <stdlib.h>
#include <string.h>

#include "net/url.h"

void sheets_init(struct sheets *sheets, struct engine *engine, store_t *store) {
    *sheets = (struct sheets){.engine = engine, .store = store, .n = 1};
    sheets->list[0] = engine->own;
}

void sheets_finish(struct sheets *sheets) {
    for (size_t i = 0; i < sheets->n_linked; i++) {
        struct sheet_coming *coming = &sheets->coming[i];
        if (coming->fetch != NULL) fetch_cancel(coming->fetch);
        store_free(sheets->store, coming->body);
        free(coming->url);
    }
    for (size_t i = 1; i < sheets->n; i++) sheet_free(&sheets->list[i]);
    sheets_init(sheets, sheets->engine, sheets->store);
}

static void arrived(void *context, const struct fetch_result *result) {
    struct sheet_coming *coming = context;
    coming->fetch = NULL;
    coming->body = result->body;
    coming->size =
        result->error == NULL ? result->size : 0; /* an error's page is not CSS */
    coming->url = strdup(result->url);
}

/* Makes room in the list for an empty sheet before those at `place` and behind it. */
static void insert(struct sheets *sheets, size_t place) {
    memmove(&sheets->list[place + 1], &sheets->list[place],
            (sheets->n - place) * sizeof *sheets->list);
    sheets->list[place] = (sheet_t){.store = sheets->store};
    sheets->n++;
    for (size_t i = 0; i < sheets->n_linked; i++)
        if (sheets->coming[i].place >= place) sheets->coming[i].place++;
}

/* Its place is kept until it comes: an empty sheet has no rules. */
static bool begin(struct sheets *sheets, const char *url, size_t place) {
    if (sheets->n == 1 + SHEETS_MOST || sheets->n_linked == SHEETS_LINKED_MOST)
        return false;
    insert(sheets, place);
    struct sheet_coming *coming = &sheets->coming[sheets->n_linked++];
    *coming = (struct sheet_coming){.place = place};
    coming->fetch =
        fetch_begin(sheets->engine->fetcher, sheets->store, url, arrived, coming);
    return true;
}

void sheets_fetch(struct sheets *sheets, const char *url) {
    begin(sheets, url, sheets->n);
}

/* What a sheet imports comes before it. Of a sheet of which nobody knows where it came from, nothing is: it might refer to
   files that it must not see. */
struct importing {
    struct sheets *sheets;
    const char *base; /* or NULL */
    size_t place;     /* of the sheet */
};

static void imports(void *context, const char *reference) {
    struct importing *importing = context;
    char *url = importing->base != NULL ? url_resolve(importing->base, reference) : NULL;
    if (url != NULL && begin(importing->sheets, url, importing->place))
        importing->place++;
    url_free(url);
}

void sheets_add(struct sheets *sheets, const char *css, size_t n, const char *base) {
    struct importing importing = {sheets, base, sheets->n};
    sheet_imports(css, n, imports, &importing);
    if (sheets->n == 1 + SHEETS_MOST) return;
    sheet_parse(&sheets->list[sheets->n++], sheets->store, css, n);
}

bool sheets_work(struct sheets *sheets) {
    for (size_t i = 0; i < sheets->n_linked; i++) {
        struct sheet_coming *coming = &sheets->coming[i];
        if (coming->body == NO_REF) continue;
        const char *css = store_lock(coming->body);
        struct importing importing = {sheets, coming->url, coming->place};
        sheet_imports(css, coming->size, imports, &importing);
        sheet_parse(&sheets->list[coming->place], sheets->store, css, coming->size);
        store_unlock(coming->body);
        store_free(sheets->store, coming->body);
        coming->body = NO_REF;
        return true;
    }
    return false;
}

bool sheets_coming(const struct sheets *sheets) {
    for (size_t i = 0; i < sheets->n_linked; i++) {
        if (sheets->coming[i].fetch != NULL) return true;
    }
    return false;
}
