/* SPDX-License-Identifier: MIT */
/*
 * A line of text that is being edited: the address.
 */
#ifndef RMBROWSE_ENTRY_H
#define RMBROWSE_ENTRY_H

#include <stdbool.h>

enum { ENTRY_MOST = 2048 };

/* UTF-8, always whole; positions are bytes, between characters. What lies between anchor and cursor is selected. */
struct entry {
    bool active;
    char text[ENTRY_MOST];
    int cursor, anchor;
};

/* Begins to edit a text, all of it selected. */
void entry_begin(struct entry *entry, const char *text);
void entry_end(struct entry *entry);

/* In place of what is selected; what has no room, and what follows a line's end, is left out. */
void entry_insert(struct entry *entry, const char *text);

/* Moves the cursor by characters, far: to the end of the line; with `select` the anchor stays. */
void entry_move(struct entry *entry, int characters, bool select);
enum { ENTRY_FAR = ENTRY_MOST };
void entry_put(struct entry *entry, int at, bool select);

/* Removes what is selected, or else a character before (-1) or behind (1) the cursor. */
void entry_remove(struct entry *entry, int side);

/* The selected part's ends. */
int entry_from(const struct entry *entry);
int entry_to(const struct entry *entry);

#endif
