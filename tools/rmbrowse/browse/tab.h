/* SPDX-License-Identifier: MIT */
/* A tab: a store, a history, and the page that is at its current entry. */
#ifndef RMBROWSE_TAB_H
#define RMBROWSE_TAB_H

#include "browse/page.h"

struct tab {
    struct engine *engine;
    unsigned number;
    char name[16]; /* of its store */
    store_t *store;
    bool own_store;
    struct history history;
    struct page page;
};

/* A tab in a store of its own, or in `shared`. NULL: no memory. */
struct tab *tab_open(struct engine *engine, unsigned number, compaction_t compaction,
                     store_t *shared);
/* Frees all that it has. Returns: how many objects were left in its own store. NULL does nothing. */
size_t tab_close(struct tab *tab);

/* To what someone has typed; what is no address becomes a page that says so. False: no memory. */
bool tab_go(struct tab *tab, const char *words);
/* To what a link on its page refers to; false: it is nothing that can be fetched. */
bool tab_follow(struct tab *tab, const char *href);
/* Back (-1), forward (1); false: there is nothing. */
bool tab_travel(struct tab *tab, int direction);
bool tab_reload(struct tab *tab);

/* The link at a point of the page, for the caller to free(); NULL: there is none. */
char *tab_link_at(const struct tab *tab, float x, float y);
/* Its title, or URL, into `text`. */
void tab_title(const struct tab *tab, char *text, size_t size);
void tab_url(const struct tab *tab, char *text, size_t size);

#endif
