/* SPDX-License-Identifier: MIT */
/*
 * Parts of the panel.
 */
#ifndef RMBROWSE_PANEL_PARTS_H
#define RMBROWSE_PANEL_PARTS_H

#include "ui/ink.h"
#include "ui/panel.h"

/* A place on the panel. */
struct place {
    double x, y, width, height;
};

#define PANEL_TITLE "Sans Bold 8"
#define PANEL_SMALL "Sans 7.5"

/* A title at the left of a line, 16 pixels high; and coloured squares with names at its right. */
struct key {
    const char *name;
    uint32_t colour;
};
void panel_title(cairo_t *cairo, const struct place *line, const char *title,
                 const struct key *keys, size_t n_keys);

/* Bytes that live objects and their memory have, over the last frames. */
void panel_curve(cairo_t *cairo, const struct session *session,
                 const struct place *place);
/* What frames have taken. */
void panel_frames(cairo_t *cairo, const struct session *session,
                  const struct place *place);
/* A map of each store. */
void panel_maps(cairo_t *cairo, const struct place *place);

#endif
