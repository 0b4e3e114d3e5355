/* SPDX-License-Identifier: MIT */
#include "browse/tab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"

struct tab *tab_open(struct engine *engine, unsigned number, compaction_t compaction,
                     store_t *shared) {
    struct tab *tab = calloc(1, sizeof *tab);
    if (tab == NULL) return NULL;
    tab->engine = engine;
    tab->number = number;
    tab->own_store = shared == NULL;
    snprintf(tab->name, sizeof tab->name, "tab %u", number);
    tab->store = shared != NULL ? shared : store_open(tab->name, compaction);
    if (tab->store == NULL) {
        free(tab);
        return NULL;
    }
    history_init(&tab->history, tab->store);
    page_init(&tab->page, engine, tab->store, &tab->history);
    return tab;
}

size_t tab_close(struct tab *tab) {
    if (tab == NULL) return 0;
    page_finish(&tab->page);
    history_finish(&tab->history);
    size_t left = tab->own_store ? store_close(tab->store) : 0;
    free(tab);
    return left;
}

/* Whether a URL is a place on the page that is there. */
static bool is_on_page(const struct tab *tab, const char *url) {
    if (tab->page.state == PAGE_EMPTY || tab->page.failed || strchr(url, '#') == NULL)
        return false;
    char *current = history_url(&tab->history);
    bool same = current != NULL && url_same_page(current, url);
    free(current);
    return same;
}

static bool visit(struct tab *tab, const char *url) {
    bool same = is_on_page(tab, url);
    page_leave_entry(&tab->page);
    if (!history_push(&tab->history, url, same)) return false;
    if (same) {
        page_turn_to_entry(&tab->page);
    } else {
        page_load(&tab->page);
    }
    return true;
}

bool tab_go(struct tab *tab, const char *words) {
    char *url = url_resolve(NULL, words);
    if (url == NULL) url = url_of_words(words);
    bool gone;
    if (url != NULL) {
        gone = visit(tab, url);
    } else {
        page_leave_entry(&tab->page);
        gone = history_push(&tab->history, words, false);
        if (gone) page_load(&tab->page);
    }
    url_free(url);
    return gone;
}

bool tab_follow(struct tab *tab, const char *href) {
    char *url = page_resolve(&tab->page, href);
    bool gone = url != NULL && visit(tab, url);
    url_free(url);
    return gone;
}

bool tab_travel(struct tab *tab, int direction) {
    page_leave_entry(&tab->page);
    if (!history_move(&tab->history, direction)) return false;
    if (history_look(&tab->history).load == tab->page.load) {
        page_turn_to_entry(&tab->page);
    } else {
        page_load(&tab->page);
    }
    return true;
}

bool tab_reload(struct tab *tab) {
    if (tab->history.current == NO_REF) return false;
    page_leave_entry(&tab->page);
    history_renew(&tab->history);
    page_load(&tab->page);
    return true;
}

char *tab_link_at(const struct tab *tab, float x, float y) {
    if (!page_is_laid_out(&tab->page)) return NULL;
    return layout_link_at(&tab->page.layout, x, y);
}

static void copy_string(ref_t string, char *text, size_t size) {
    snprintf(text, size, "%s", string != NO_REF ? (const char *)store_lock(string) : "");
    if (string != NO_REF) store_unlock(string);
}

void tab_title(const struct tab *tab, char *text, size_t size) {
    copy_string(history_look(&tab->history).title, text, size);
    if (size > 0 && text[0] == '\0') tab_url(tab, text, size);
}

void tab_url(const struct tab *tab, char *text, size_t size) {
    copy_string(history_look(&tab->history).url, text, size);
}
