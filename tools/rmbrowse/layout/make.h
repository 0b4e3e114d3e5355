/* SPDX-License-Identifier: MIT */
/*
 * While a page is laid out, or a part of it is measured. One walk does both, from the document's nodes:
 *
 *      walk.c    an element at a time: its style, and what to do about it
 *      block.c   blocks: edges, margins that collapse, list markers
 *      lines.c   inline content to boxes of lines, beside what floats
 *      float.c   where there is room for what floats, and beside it
 *      table.c   the cells of a table; columns.c: how wide its columns are
 *
 * What is measured makes no boxes: it finds how wide it is at least and would be at best.
 */
#ifndef RMBROWSE_MAKE_H
#define RMBROWSE_MAKE_H

#include "layout/run.h"

/* How wide something is: where words are broken, which is bearable only if nothing else helps; where each is on a line
   of its own; and where no line is broken. */
struct widths {
    float hard, least, best;
};

/* Something of less than this width is looked at closer: whether what is in it would stick out. */
enum { NARROW = 240 };

/* One page being laid out. All stores are held. */
struct making {
    const struct layout_input *input;
    layout_t *layout;
    struct style_step path[DOCUMENT_DEPTH_MAX + 1];
    size_t depth;
    GArray *anchors;      /* struct anchor, as they were met */
    GHashTable *measured; /* struct measured, by key */
    GArray *pictures;     /* struct picture, by number */
};

/* How wide a part of the document is, by its node. */
struct measured {
    uint64_t key;
    struct widths widths;
};

/* The image of an element; sorted. */
struct picture {
    uint32_t number; /* of the node */
    image_id_t image;
};

#define ANCHOR_WAITS (-1.0f)
struct anchor {
    const char *name; /* in the document */
    float y;          /* ANCHOR_WAITS: not known before something is placed */
    uint32_t at;      /* byte of the run that is gathered */
};

/* What is being placed below one another: the page, a cell, what floats. */
struct flow {
    struct making *making;
    struct frame *frame; /* the innermost block that is open */
    struct run run;
    float y;        /* where the next thing is, but for */
    float margin;   /* which nothing has used yet */
    GArray *floats; /* struct floating; NULL: none yet */
    float floated;  /* the top of the last of them: none is above one before it */
    bool tight;     /* the margin above what is first is nothing, as in cells */
    bool measuring; /* its frames have no boxes */
    size_t anchors; /* of making->anchors, from here on some may wait */
};

/* A block that is open. */
struct frame {
    struct frame *outer;
    const struct style *style;
    struct box *box, *last; /* NULL: measured; the last child, NULL: none */
    float x, width;         /* inside its edges */
    float top;              /* where it is, once `topped` */
    bool topped;
    bool marker;          /* one is to be placed beside the first line */
    int count;            /* of a list: its items so far; of an item: its number */
    struct widths widths; /* of its content so far, where it is measured */
    float beside;         /* of those: the best widths of what floats */
};

/* ------------------------------------------------------------------- walk.c */

/* A part of the document that is laid out into a flow of its own. */
struct part {
    enum { PART_CHILDREN, PART_ELEMENT, PART_NODE } what;
    ref_t node;
    bool first;                /* PART_NODE: it is the first element of its parent */
    const struct style *style; /* PART_NODE: its parent's; else its own */
    const struct inline_state *state;
};
void walk_part(struct flow *flow, const struct part *part);
void walk_children(struct flow *flow, ref_t parent, const struct style *style,
                   const struct inline_state *state);
/* Goes down to an element, whose style it computes; false: too deep. */
bool walk_enter(struct making *making, ref_t ref, bool first, const struct style *parent,
                struct style *style);
void walk_leave(struct making *making);
/* The names of the element that was entered last wait for what is placed next. */
void walk_anchors(struct flow *flow);
/* They are at y. */
void walk_anchors_at(struct making *making, float y);
/* How wide a part is; found out once. */
struct widths walk_measure(struct making *making, const struct part *part);

/* ------------------------------------------------------------------ block.c */

void flow_init(struct flow *flow, struct making *making, struct frame *frame);
/* Ends it, below all that floats in it. */
void flow_finish(struct flow *flow);
/* The margin is used: something is placed at flow->y. */
void flow_settle(struct flow *flow);
/* A margin above or below something; where two meet, the larger counts. */
void flow_margin(struct flow *flow, float margin);
void block_place(struct flow *flow, ref_t node, const struct style *style,
                 const struct inline_state *state);

/* ------------------------------------------------------------------ boxes.c */

/* A new box, the last child of a frame's; NULL: there is no memory. */
struct box *box_append(struct making *making, struct frame *frame);
/* Its background and borders, where it has any. */
void box_decorate(struct making *making, struct box *box, const struct style *style,
                  colour_t background);
/* Frees a box, those after it, and all in them. */
void box_free(store_t *store, ref_t box);
/* Moves a box and all in it. */
void box_move(struct box *box, float dx, float dy);
/* What a box and all in it reach. Returns: how many boxes. */
size_t box_reach(struct box *box);
/* Moves anchors from one up to another. */
void anchors_move(struct making *making, size_t from, size_t to, float dy);
/* Whole pixels of a length; `otherwise` where it is auto. */
float length_px(const struct length *length, float of, float otherwise);
/* Border and padding of a side. */
float edge_px(const struct style *style, side_t side, float of);
/* Something so wide was met in what is measured. */
void frame_widen(struct frame *frame, struct widths widths);

/* ------------------------------------------------------------------ lines.c */

/* What has been gathered becomes lines. */
void flow_flush(struct flow *flow);
/* The marker that the first line would have had beside it is placed by itself. */
void flow_marker(struct flow *flow);
/* The text of a list item's marker, "" where there is none. */
void marker_text(unsigned marker, int count, char text[16]);

/* ------------------------------------------------------------------ float.c */

struct floating {
    struct extent extent;
    bool left;
};
/* The room between what floats for something so high at y. */
struct band {
    float left, right; /* may be infinite */
    float wider;       /* from here on there may be more room; y where nothing floats */
    float narrower;    /* from here on there is less */
};
struct band float_band(struct flow *flow, float y, float height);
void float_place(struct flow *flow, ref_t node, const struct style *style,
                 const struct inline_state *state);
/* Below what floats at these sides. */
float float_bottom(const struct flow *flow, unsigned clear);

/* ------------------------------------------------------------------ table.c */

void table_place(struct flow *flow, ref_t node, const struct style *style,
                 const struct inline_state *state);

/* ---------------------------------------------------------------- picture.c */

/* Asks for all images, once an element, before stores are held: the cache may be in one of them, and grow. */
void pictures_use(struct making *making);
/* The size of an <img>, scaled down to `most` pixels, in `span`. */
void picture_size(struct making *making, const struct node *node,
                  const struct style *style, float most, struct span *span);

#endif
