/* SPDX-License-Identifier: MIT */
/* The browser as it is inside, for its frames. */
#ifndef RMBROWSE_FRAME_H
#define RMBROWSE_FRAME_H

#include "browse/tab.h"
#include "browse/tiles.h"

struct browser {
    struct browser_options options;
    struct engine engine;
    struct tab *tabs[TABS_MAX]; /* in the order of their opening */
    unsigned n_tabs, last_number;
    struct tab *shown;
    struct tiles tiles; /* of that */
    ref_t screen;
    uint64_t begin_ns, n_frames;
    bool stirred; /* a command was given since the last frame */
    bool
        more; /* there was work that waits for nobody when the last frame's time was up */
    bool compacting; /* likewise, of store_idle */
    size_t left;     /* objects that closed stores had left */
};

#endif
