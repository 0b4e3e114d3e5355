/* SPDX-License-Identifier: MIT */
/* The style sheets of a page in the order in which it names them: those in it, and those that are fetched; before each
   those that it imports. */
#ifndef RMBROWSE_SHEETS_H
#define RMBROWSE_SHEETS_H

#include "browse/engine.h"

enum { SHEETS_MOST = 32, SHEETS_LINKED_MOST = 16 }; /* further ones are left out */

struct sheet_coming {
    fetch_t *fetch;
    size_t place; /* of its sheet in the list */
    char *url;    /* where it came from; NULL: no memory */
    ref_t body;   /* what has come, to be parsed */
    size_t size;
};

struct sheets {
    struct engine *engine;
    store_t *store;
    size_t n, n_linked;
    sheet_t list[1 + SHEETS_MOST]; /* the browser's own is the first */
    struct sheet_coming coming[SHEETS_LINKED_MOST];
};

void sheets_init(struct sheets *sheets, struct engine *engine, store_t *store);
/* Frees them, and cancels what is being fetched. */
void sheets_finish(struct sheets *sheets);
/* The text of a <style>, of a page at `base`, NULL where that is not known; it must not lie in an unlocked object. */
void sheets_add(struct sheets *sheets, const char *css, size_t n, const char *base);
/* Begins to fetch one. What fails is left out. */
void sheets_fetch(struct sheets *sheets, const char *url);
/* Parses one that has come; false: none has. */
bool sheets_work(struct sheets *sheets);
/* Whether some are being fetched. */
bool sheets_coming(const struct sheets *sheets);

#endif
