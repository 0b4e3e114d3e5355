/* SPDX-License-Identifier: MIT */
/*
 * The panel: what the browser's memory is doing, to be looked at beside the page.
 */
#ifndef RMBROWSE_PANEL_H
#define RMBROWSE_PANEL_H

#include <cairo.h>

#include "ui/session.h"

enum { PANEL_WIDTH = 360 };

/* Draws it with its top left corner at the origin. */
void panel_draw(const struct session *session, cairo_t *cairo, int height);

#endif
