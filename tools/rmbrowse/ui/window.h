/* SPDX-License-Identifier: MIT */
/*
 * The window: SDL's, without any OpenGL; everything in it is drawn by Cairo where SDL has its pixels.
 *
 *      +------------------------------------------+
 *      | tabs, address                            |  chrome.h
 *      +---------------------------+--------------+
 *      | the page: the browser's   | the panel    |  panel.h
 *      | screen, locked meanwhile  |              |
 *      +---------------------------+--------------+
 */
#ifndef RMBROWSE_WINDOW_H
#define RMBROWSE_WINDOW_H

#include "ui/session.h"

/* Pixels of a page's view, each way. */
enum { VIEW_LEAST = 64, VIEW_MOST = 8192 };

typedef struct window window_t;

/* Opens it, with the panel, around a view of so many pixels. Returns: a status, having complained. */
int window_open(window_t **window, struct session *session, int width, int height);
void window_close(window_t *window); /* NULL does nothing */

/* Takes what the user has done, runs a frame, shows it. Returns: false where the window is to be closed. */
bool window_frame(window_t *window, struct frame *frame);

/* Runs frames until it is to be closed; sleeps while there is nothing to do. */
void window_run(window_t *window);

void window_show_panel(window_t *window, bool shown);
/* Makes the view of the page so large. */
void window_resize(window_t *window, int width, int height);
/* Writes what the window shows as a PNG. Returns: a status. */
int window_picture(window_t *window, const char *path);

/* As if the user did it; seen by the next frame. */
bool window_send_key(window_t *window,
                     const char *name); /* "ctrl+t"; false: there is no such key */
void window_send_text(window_t *window, const char *text);
void window_send_press(window_t *window, int x, int y);

#endif
