/* SPDX-License-Identifier: MIT */
/* Inline content while it is gathered: text with its white space collapsed, and spans. It becomes paragraphs. */
#ifndef RMBROWSE_RUN_H
#define RMBROWSE_RUN_H

#include <glib.h>

#include "layout/box.h"

/* What inline content has from the elements around it that a style does not say. */
struct inline_state {
    ref_t link; /* attributes of the <a> it is in */
    colour_t background;
    enum rise rise;
};

struct run {
    GString *text;
    GArray *spans; /* struct span */
};

void run_init(struct run *run);
void run_finish(struct run *run);
void run_clear(struct run *run);

void run_text(struct run *run, const char *text, size_t n, const struct style *style,
              const struct inline_state *state);
/* Text as it stands: a marker, a line's end. */
void run_words(struct run *run, const char *text, const struct style *style,
               const struct inline_state *state);
/* An image or what stands for one; `size` has its image, width, height and button. */
void run_image(struct run *run, const struct span *size, const struct style *style,
               const struct inline_state *state);
/* White space and one line's end at the end of the run are nothing. Returns: whether there is a line in it. */
bool run_trim(struct run *run);

/* Lines that were not to be broken may be. Returns: whether there were any. */
bool run_break(struct run *run);

/* The spans of a run. */
static inline const struct span *run_spans(const struct run *run) {
    return (const struct span *)(void *)run->spans->data;
}

/* What text of a style looks like. */
void span_of_style(struct span *span, const struct style *style,
                   const struct inline_state *state);

#endif
