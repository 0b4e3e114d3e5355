/* SPDX-License-Identifier: MIT */
/*
 * PNGs of what is to be seen.
 */
#ifndef RMBROWSE_PICTURE_H
#define RMBROWSE_PICTURE_H

#include <cairo.h>

#include "ui/session.h"

/* Writes a surface to a file, whole or not at all. Returns: a status, having complained. */
int picture_write(cairo_surface_t *surface, const char *path);

/* The same of the view of the page that is shown; with the panel at its right. */
int picture_of_view(const struct session *session, bool with_panel, const char *path);

/* Paints the browser's screen with its top left corner at (x, y). Returns: whether there is one. */
bool picture_paint_screen(const browser_t *browser, cairo_t *cairo, double x, double y);

#endif
