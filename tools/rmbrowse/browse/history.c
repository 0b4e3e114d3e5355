/* SPDX-License-Identifier: MIT */
#include "browse/history.h"

#include <string.h>

void history_init(struct history *history, store_t *store) {
    *history = (struct history){.store = store};
}

struct entry history_look(const struct history *history) {
    struct entry copy = {0};
    if (history->current != NO_REF) {
        copy = *(struct entry *)store_lock(history->current);
        store_unlock(history->current);
    }
    return copy;
}

static struct entry look_at(ref_t at) {
    return history_look(&(struct history){.current = at});
}

/* Forgets an entry's source: it is whoever asks' now. */
static struct source lose_source(struct history *history, ref_t at) {
    struct entry *entry = store_lock(at);
    struct source source = entry->source;
    entry->source = (struct source){0};
    store_unlock(at);
    if (source.bytes != NO_REF) {
        history->n_sources--;
        history->source_bytes -= source.size;
    }
    return source;
}

static void free_source(struct history *history, ref_t at) {
    struct source source = lose_source(history, at);
    store_free(history->store, source.bytes);
}

/* Frees one that is linked to no more. */
static void free_entry(struct history *history, ref_t at) {
    free_source(history, at);
    struct entry entry = look_at(at);
    store_free(history->store, entry.url);
    store_free(history->store, entry.title);
    store_free(history->store, at);
    history->n_entries--;
}

static void link_entries(ref_t before, ref_t after) {
    if (before != NO_REF) {
        ((struct entry *)store_lock(before))->next = after;
        store_unlock(before);
    }
    if (after != NO_REF) {
        ((struct entry *)store_lock(after))->previous = before;
        store_unlock(after);
    }
}

static ref_t oldest(const struct history *history) {
    ref_t at = history->current;
    for (ref_t before = at; before != NO_REF; before = look_at(at).previous) at = before;
    return at;
}

/* Frees an entry and all that follow. */
static void free_from(struct history *history, ref_t at) {
    while (at != NO_REF) {
        ref_t next = look_at(at).next;
        free_entry(history, at);
        at = next;
    }
}

void history_finish(struct history *history) {
    free_from(history, oldest(history));
    history_init(history, history->store);
}

bool history_push(struct history *history, const char *url, bool same_load) {
    ref_t string = store_copy(history->store, url, strlen(url) + 1);
    ref_t at = string != NO_REF ? store_new_zeroed(history->store, sizeof(struct entry))
                                : NO_REF;
    if (at == NO_REF) {
        store_free(history->store, string);
        return false;
    }

    if (history->current != NO_REF) {
        free_from(history, history_look(history).next);
        link_entries(history->current, NO_REF);
    }
    if (!same_load) history->last_load++;
    uint32_t load = same_load ? history_look(history).load : history->last_load;
    struct entry *entry = store_lock(at);
    *entry = (struct entry){.url = string, .scroll = -1, .load = load};
    store_unlock(at);
    link_entries(history->current, at);
    history->current = at;
    history->n_entries++;

    if (history->n_entries > HISTORY_MOST) {
        ref_t first = oldest(history);
        link_entries(NO_REF, look_at(first).next);
        free_entry(history, first);
    }
    return true;
}

bool history_move(struct history *history, int direction) {
    struct entry entry = history_look(history);
    ref_t to = direction < 0 ? entry.previous : entry.next;
    if (to == NO_REF) return false;
    history->current = to;
    return true;
}

char *history_url(const struct history *history) {
    ref_t url = history_look(history).url;
    if (url == NO_REF) return NULL;
    char *copy = strdup(store_lock(url));
    store_unlock(url);
    return copy;
}

/* Puts a copy of a string where `field` of the current entry is. The entry is looked at after the copy was made: memory
   that is short may have taken its source meanwhile. */
static void set_string(struct history *history, const char *text, size_t field_off) {
    ref_t copy = history->current != NO_REF
                     ? store_copy(history->store, text, strlen(text) + 1)
                     : NO_REF;
    if (copy == NO_REF) return;
    unsigned char *entry = store_lock(history->current);
    ref_t *field = (ref_t *)(void *)(entry + field_off), before = *field;
    *field = copy;
    store_unlock(history->current);
    store_free(history->store, before);
}

void history_set_url(struct history *history, const char *url) {
    set_string(history, url, offsetof(struct entry, url));
}

void history_set_title(struct history *history, const char *title) {
    set_string(history, title, offsetof(struct entry, title));
}

void history_set_scroll(struct history *history, float scroll) {
    if (history->current == NO_REF) return;
    ((struct entry *)store_lock(history->current))->scroll = scroll;
    store_unlock(history->current);
}

void history_renew(struct history *history) {
    if (history->current == NO_REF) return;
    free_source(history, history->current);
    ((struct entry *)store_lock(history->current))->load = ++history->last_load;
    store_unlock(history->current);
}

struct source history_take_source(struct history *history) {
    uint32_t load = history_look(history).load;
    for (ref_t at = oldest(history); at != NO_REF; at = look_at(at).next) {
        struct entry entry = look_at(at);
        if (entry.load == load && entry.source.bytes != NO_REF)
            return lose_source(history, at);
    }
    return (struct source){0};
}

bool history_shed(struct history *history) {
    for (ref_t at = oldest(history); at != NO_REF; at = look_at(at).next) {
        if (look_at(at).source.bytes != NO_REF) {
            free_source(history, at);
            return true;
        }
    }
    return false;
}

void history_keep_source(struct history *history, const struct source *source) {
    if (source->bytes == NO_REF) return;
    if (history->current == NO_REF) {
        store_free(history->store, source->bytes);
        return;
    }
    free_source(history, history->current);
    ((struct entry *)store_lock(history->current))->source = *source;
    store_unlock(history->current);
    history->n_sources++;
    history->source_bytes += source->size;
    while (history->n_sources > HISTORY_SOURCES_MOST) history_shed(history);
}
