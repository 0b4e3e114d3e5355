/* SPDX-License-Identifier: MIT */
/*
 * The window, as its own files see it.
 */
#ifndef RMBROWSE_WINDOW_PARTS_H
#define RMBROWSE_WINDOW_PARTS_H

#include <SDL.h>

#include "ui/chrome.h"
#include "ui/window.h"

enum { BAR = 12 }; /* the scroll bar's width */

struct window {
    SDL_Window *sdl;
    SDL_Cursor *cursors[3]; /* by enum pointer */
    struct session *session;
    browser_t *browser;
    struct entry entry;
    struct frame last;
    char title[256];
    char link[512];    /* that the mouse is over; "": none */
    int width, height; /* of all of it, as it was drawn last */
    bool panel, leave;
    bool stale;            /* it is to be drawn anew, whatever the frame says */
    bool dragged, hovered; /* the scroll bar is; the mouse is over it */
    bool owed;             /* the panel shows what was a while ago */
    uint64_t panel_ns;     /* when it was drawn */
};

enum pointer { POINTER_ARROW, POINTER_HAND, POINTER_TEXT };

/* Of the view of the page. */
int window_view_width(const window_t *window);
int window_view_height(const window_t *window);
struct chrome window_chrome(const window_t *window);

/* Does what an event says. */
void window_take(window_t *window, const SDL_Event *event);

/* Goes to what has been typed; opens and closes tabs. */
void window_go(window_t *window);
void window_new_tab(window_t *window);
void window_close_tab(window_t *window, unsigned tab);
void window_edit_address(window_t *window);
void window_leave_address(window_t *window);

/* The keys. Returns: whether it meant something. */
bool window_take_key(window_t *window, const SDL_Keysym *key);

#endif
