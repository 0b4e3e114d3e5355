/* SPDX-License-Identifier: MIT */
/*
 * The screen of `rmtool top`: what is on it. ncurses compares it with what the terminal
 * shows, and writes what has changed alone, so nothing flickers.
 */
#ifndef RMTOOL_TOP_SCREEN_H
#define RMTOOL_TOP_SCREEN_H

#include "top/top.h"

enum { HISTORY = 512 };

/* What has been, for the curves: the newest last. */
struct screen_past {
    double used[HISTORY], external[HISTORY], moved[HISTORY];
    size_t n;
};

struct screen {
    struct top *top;
    struct top_watch watch;
    struct screen_past past;
    bool paused, help, exact; /* exact: bytes, not KiB and MiB */
    bool unicode, colour;
    char trouble[200]; /* why there is no newer picture; empty: there is */
};

/* Says how many cells of the map there is room for on a screen of that size. */
size_t screen_cells(const struct screen *screen);
void screen_colours(struct screen *screen);
void screen_note(struct screen *screen);
void screen_draw(const struct screen *screen);

#endif
