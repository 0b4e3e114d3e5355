/* SPDX-License-Identifier: MIT */
/*
 * Where a tab has been: a list of entries, objects of its store.
 *
 *      previous <── entry ──> next        url, title: strings
 *                     └── source: what its page was made of, so that going back needs no network
 *
 * Entries that differ in the fragment alone, reached on the same page, have the same `load`: going from one to the
 * other scrolls. Few sources are kept; the oldest go first, by number and when memory is short.
 */
#ifndef RMBROWSE_HISTORY_H
#define RMBROWSE_HISTORY_H

#include "browse/content.h"

enum { HISTORY_MOST = 100, HISTORY_SOURCES_MOST = 8 };

struct entry {
    ref_t previous, next;
    ref_t url, title; /* NUL-terminated; title: or NO_REF */
    struct source source;
    float scroll;  /* where it was left; below 0: not yet known: at the fragment */
    uint32_t load; /* which load of a page it belongs to */
};

struct history {
    store_t *store;
    ref_t current; /* struct entry; NO_REF: it is empty */
    unsigned n_entries, n_sources;
    uint32_t last_load;
    size_t source_bytes;
};

void history_init(struct history *history, store_t *store);
/* Frees all entries. */
void history_finish(struct history *history);

/* A new entry after the current one, which becomes it; those after it go.
   same_load: it is on the page of the current one. Returns: false: no memory, nothing has changed. */
bool history_push(struct history *history, const char *url, bool same_load);
/* To the entry before (-1) or after (1) the current one; false: there is none. */
bool history_move(struct history *history, int direction);

/* A copy of the current entry; all 0 where there is none. */
struct entry history_look(const struct history *history);
/* The current entry's URL, for the caller to free(); NULL: none, or no memory. */
char *history_url(const struct history *history);

/* Changes of the current entry. Where there is no memory for a string, it stays as it was. */
void history_set_url(struct history *history, const char *url);
void history_set_title(struct history *history, const char *title);
void history_set_scroll(struct history *history, float scroll);
/* It is loaded again: a load of its own, without a source. */
void history_renew(struct history *history);

/* The source of the current entry's load becomes the caller's; bytes: NO_REF where it is not kept. */
struct source history_take_source(struct history *history);
/* Gives it (back): it is the history's from now on. */
void history_keep_source(struct history *history, const struct source *source);
/* Lets the oldest source go; false: there is none. Allocates nothing. */
bool history_shed(struct history *history);

#endif
