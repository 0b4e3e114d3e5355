/* SPDX-License-Identifier: MIT */
#include "ui/entry.h"

#include <glib.h>
#include <string.h>

void entry_begin(struct entry *entry, const char *text) {
    *entry = (struct entry){.active = true};
    entry_insert(entry, text);
    entry->anchor = 0;
}

void entry_end(struct entry *entry) { entry->active = false; }

int entry_from(const struct entry *entry) {
    return entry->anchor < entry->cursor ? entry->anchor : entry->cursor;
}

int entry_to(const struct entry *entry) {
    return entry->anchor < entry->cursor ? entry->cursor : entry->anchor;
}

/* How much of a text goes into so much room: whole characters, of one line. */
static size_t fitting(const char *text, size_t room) {
    const char *end;

    g_utf8_validate(text, (gssize)strnlen(text, room), &end);
    return strcspn(text, "\r\n") < (size_t)(end - text) ? strcspn(text, "\r\n")
                                                        : (size_t)(end - text);
}

static void cut(struct entry *entry, int from, int to) {
    memmove(entry->text + from, entry->text + to, strlen(entry->text + to) + 1);
    entry->cursor = entry->anchor = from;
}

void entry_insert(struct entry *entry, const char *text) {
    cut(entry, entry_from(entry), entry_to(entry));
    size_t used = strlen(entry->text), n = fitting(text, ENTRY_MOST - 1 - used);
    char *at = entry->text + entry->cursor;

    memmove(at + n, at, strlen(at) + 1);
    memcpy(at, text, n);
    entry->cursor = entry->anchor = entry->cursor + (int)n;
}

void entry_put(struct entry *entry, int at, bool select) {
    entry->cursor = at;
    if (!select) entry->anchor = at;
}

void entry_move(struct entry *entry, int characters, bool select) {
    const char *at = entry->text + entry->cursor;

    for (; characters < 0 && at > entry->text; characters++) at = g_utf8_prev_char(at);
    for (; characters > 0 && *at; characters--) at = g_utf8_next_char(at);
    entry_put(entry, (int)(at - entry->text), select);
}

void entry_remove(struct entry *entry, int side) {
    if (entry->cursor == entry->anchor) entry_move(entry, side, true);
    cut(entry, entry_from(entry), entry_to(entry));
}
