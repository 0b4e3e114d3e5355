/* SPDX-License-Identifier: MIT */
/*
 * Inline content to boxes of lines. A run is cut into paragraphs where what floats beside it ends, and after some
 * lines, so that painting a tile does not break a whole book into lines again.
 */
#include "layout/make.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layout/text.h"

enum {
    PIECE_LINES = 64,
    PIECE_BYTES = 4000,
    PIECE_SPANS = 200,
    WORD_BYTES = 400, /* of a word */
    BAND_LEAST = 60,
    BROKEN_EMS = 3
};

/* Some of a run: bytes from `at` to `end`; what follows begins at `next`. */
struct piece {
    size_t at, end, next;
    bool whole; /* lines end at its end */
};

/* After so many bytes a piece ends where it may. Pango takes the square of a long word's characters, and of spans. */
static size_t piece_most(const struct run *run, size_t at) {
    const struct span *spans = run_spans(run);
    size_t last = span_of(spans, run->spans->len, at) + PIECE_SPANS;
    size_t most = last < run->spans->len ? spans[last].start - at : PIECE_BYTES;
    return MIN(most, PIECE_BYTES);
}

static struct piece piece_of(const struct run *run, size_t at) {
    const char *text = run->text->str;
    size_t n = run->text->len, most = piece_most(run, at);
    struct piece piece = {at, n, n, true};
    size_t word = at;
    unsigned lines = 0;
    for (size_t i = at; i < n; i++) {
        if (text[i] == '\n' && ++lines == PIECE_LINES) {
            piece.end = i;
            piece.next = i + 1;
            return piece;
        }
        bool space = text[i] == ' ' || text[i] == '\n';
        bool ends = i - word >= WORD_BYTES || (text[i] == ' ' && i - at >= most);
        if (space) word = i + 1;
        if (ends && (text[i] & 0xc0) != 0x80) {
            piece.end = piece.next = i;
            piece.whole = false;
            return piece;
        }
    }
    return piece;
}

static PangoLayout *piece_layout(const struct flow *flow, const struct piece *piece,
                                 float width) {
    const struct run *run = &flow->run;
    return text_layout(run->text->str + piece->at, piece->end - piece->at, run_spans(run),
                       run->spans->len, piece->at, width, flow->frame->style->align);
}

/* ------------------------------------------------------------------ a paragraph */

/* A paragraph of bytes of a run, and its box. NULL: there is no memory. */
static struct box *paragraph_make(struct flow *flow, const struct run *run, size_t at,
                                  size_t end, float width, align_t align) {
    const struct span *spans = run_spans(run);
    size_t first = span_of(spans, run->spans->len, at), last = first + 1;
    while (last < run->spans->len && spans[last].start < end) last++;

    struct box *box = box_append(flow->making, flow->frame);
    if (!box) return NULL;
    store_t *store = flow->making->layout->store;
    struct paragraph head = {width, end - at, last - first, align};
    box->lines = true;
    box->content =
        store_new(store, sizeof head + head.n_spans * sizeof *spans + head.n_text);
    if (box->content == NO_REF) {
        box->lines = false;
        flow->making->layout->truncated = true;
        return NULL;
    }
    struct paragraph *paragraph = store_peek(box->content);
    *paragraph = head;
    for (size_t i = 0; i < head.n_spans; i++) {
        paragraph->spans[i] = spans[first + i];
        paragraph->spans[i].start -= MIN(at, paragraph->spans[i].start);
    }
    memcpy((char *)paragraph_text(paragraph), run->text->str + at, head.n_text);
    return box;
}

/* Where a box of lines is, and how far it reaches. */
static void box_fit(struct box *box, PangoLayout *layout, float x, float y) {
    const struct paragraph *paragraph = store_peek(box->content);
    float width, height;
    text_size(layout, &width, &height, &box->reach);
    box->x = x;
    box->y = y;
    box->width = fmaxf(width, paragraph->width);
    box->height = height;
    box->reach.left += x;
    box->reach.right += x;
    box->reach.top += y;
    box->reach.bottom += y;
}

static float first_baseline(PangoLayout *layout) {
    return PANGO_PIXELS(pango_layout_get_baseline(layout));
}

/* --------------------------------------------------------------------- markers */

/* 1 is I, 4 IV ...; beyond what is written so, digits. */
static void roman(int number, char text[16]) {
    static const struct {
        int value;
        const char *digits;
    } steps[] = {{100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"},
                 {9, "ix"},  {5, "v"},   {4, "iv"}, {1, "i"}};
    *text = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        for (; number >= steps[i].value; number -= steps[i].value)
            strcat(text, steps[i].digits);
}

void marker_text(unsigned marker, int count, char text[16]) {
    snprintf(text, 12, "%d", count); /* also where letters and Roman numbers end */
    switch (marker) {
    case MARKER_NONE: text[0] = '\0'; return;
    case MARKER_DISC: strcpy(text, "\xe2\x80\xa2"); return;   /* U+2022 */
    case MARKER_CIRCLE: strcpy(text, "\xe2\x97\xa6"); return; /* U+25E6 */
    case MARKER_SQUARE: strcpy(text, "\xe2\x96\xaa"); return; /* U+25AA */
    case MARKER_ALPHA:
    case MARKER_UPPER_ALPHA:
        if (count >= 1 && count <= 26)
            snprintf(text, 16, "%c", (marker == MARKER_ALPHA ? 'a' : 'A') + count - 1);
        break;
    case MARKER_ROMAN:
    case MARKER_UPPER_ROMAN:
        if (count < 1 || count >= 100) break;
        roman(count, text);
        for (char *c = text; marker == MARKER_UPPER_ROMAN && *c; c++)
            *c = g_ascii_toupper(*c);
        break;
    default: break;
    }
    strcat(text, ".");
}

/* The marker of the innermost item that waits for it, on a baseline at `baseline`; or, where that is negative, on a
   line of its own. */
static void marker_place(struct flow *flow, float baseline) {
    struct frame *frame = flow->frame;
    while (frame && !frame->marker) frame = frame->outer;
    if (!frame) return;
    frame->marker = false;
    char text[16];
    marker_text(frame->style->marker, frame->count, text);
    struct run run;
    run_init(&run);
    run_words(&run, text, frame->style, &(struct inline_state){0});
    struct box *box =
        paragraph_make(flow, &run, 0, run.text->len, LINES_UNBROKEN, ALIGN_LEFT);
    run_finish(&run);
    if (!box) return;
    PangoLayout *layout = paragraph_layout(store_peek(box->content));
    box_fit(box, layout, 0, 0);
    bool own = baseline < 0;
    if (own) {
        flow_settle(flow);
        baseline = flow->y + first_baseline(layout);
    }
    float gap = rintf(frame->style->font_size * 0.5f);
    box_move(box, frame->x - gap - box->width,
             fmaxf(flow->y, baseline - first_baseline(layout)));
    if (own) flow->y += box->height;
    g_object_unref(layout);
}

void flow_marker(struct flow *flow) {
    if (flow->frame->marker) marker_place(flow, -1);
}

/* ----------------------------------------------------------------------- lines */

/* Anchors in bytes of the run up to `next` are where their lines are. They wait in the order of the run; among them
   are those of what floats, which wait no more. */
static void anchors_place(struct flow *flow, PangoLayout *layout, size_t at,
                          size_t next) {
    GArray *anchors = flow->making->anchors;
    if (flow->anchors == anchors->len) return;
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    struct line line;
    do {
        text_line(iter, &line);
        size_t end =
            pango_layout_iter_at_last_line(iter) ? next : at + line.start + line.length;
        for (; flow->anchors < anchors->len; flow->anchors++) {
            struct anchor *anchor = &g_array_index(anchors, struct anchor, flow->anchors);
            if (anchor->y != ANCHOR_WAITS) continue;
            if (anchor->at >= end) break;
            anchor->y = flow->y + line.top;
        }
    } while (pango_layout_iter_next_line(iter));
    pango_layout_iter_free(iter);
}

/* Places bytes of the run that make whole lines; `layout` is theirs, or NULL: not made yet. */
static void lines_emit(struct flow *flow, const struct piece *piece, float x, float width,
                       PangoLayout *layout) {
    struct box *box = paragraph_make(flow, &flow->run, piece->at, piece->end, width,
                                     flow->frame->style->align);
    if (box) {
        if (layout)
            g_object_ref(layout);
        else
            layout = paragraph_layout(store_peek(box->content));
        box_fit(box, layout, x, flow->y);
        anchors_place(flow, layout, piece->at, piece->next);
        marker_place(flow, flow->y + first_baseline(layout));
        flow->y += box->height;
        g_object_unref(layout);
    }
}

/* How much of a piece stands beside what floats: where its first line that does not begins, or its end. */
static size_t lines_beside(const struct flow *flow, const struct piece *piece,
                           PangoLayout *layout, const struct band *band) {
    size_t end = piece->next;
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    bool first = true;
    do {
        struct line line;
        text_line(iter, &line);
        bool beside = (band->wider <= flow->y || flow->y + line.top < band->wider) &&
                      flow->y + line.bottom <= band->narrower;
        bool ended = piece->whole || !pango_layout_iter_at_last_line(iter);
        if (!first && !(beside && ended)) {
            end = piece->at + line.start;
            break;
        }
        first = false;
    } while (pango_layout_iter_next_line(iter));
    pango_layout_iter_free(iter);
    return end;
}

/* Places the next lines. Returns: where what is left begins. */
static size_t lines_some(struct flow *flow, size_t at) {
    const struct frame *frame = flow->frame;
    struct piece piece = piece_of(&flow->run, at);
    const struct span *span =
        &run_spans(&flow->run)[span_of(run_spans(&flow->run), flow->run.spans->len, at)];
    float guess = fmaxf(span->line_height, rintf(span->font_size * 1.25f));
    struct band band;
    float x, width, needed, height;
    PangoLayout *layout;
    for (;;) {
        band = float_band(flow, flow->y, guess);
        x = fmaxf(frame->x, band.left);
        width = fminf(frame->x + frame->width, band.right) - x;
        bool beside = band.wider > flow->y;
        if (beside && width < BAND_LEAST) {
            flow->y = band.wider;
            continue;
        }
        layout = piece_layout(flow, &piece, width);
        struct extent reach;
        text_size(layout, &needed, &height, &reach);
        if (needed <= width) break;
        if (beside)
            flow->y = band.wider;
        else if (!run_break(&flow->run))
            break;
        g_object_unref(layout);
    }
    size_t next = lines_beside(flow, &piece, layout, &band);
    if (next == piece.next) {
        lines_emit(flow, &piece, x, width, layout);
    } else {
        struct piece part = {.at = at, .end = next, .next = next};
        const char *text = flow->run.text->str;
        if (part.end > at && text[part.end - 1] == '\n') part.end--;
        while (part.end > at && text[part.end - 1] == ' ') part.end--;
        lines_emit(flow, &part, x, width, NULL);
    }
    g_object_unref(layout);
    return next;
}

/* How wide words are at least, whose widest is `least`: they are broken if need be, and images are made smaller. */
static float lines_hard(const struct run *run, float least) {
    float hard = 0;
    for (size_t i = 0; i < run->spans->len; i++)
        hard = fmaxf(hard, BROKEN_EMS * run_spans(run)[i].font_size);
    return fminf(hard, least);
}

static void lines_measure(struct flow *flow) {
    struct widths widths = {0};
    size_t n = flow->run.text->len;
    float best = 0;
    for (size_t at = 0; at < n;) {
        struct piece piece = piece_of(&flow->run, at);
        PangoLayout *layout = piece_layout(flow, &piece, LINES_UNBROKEN);
        float width, height;
        struct extent reach;
        text_size(layout, &width, &height, &reach);
        best += width;
        widths.best = fmaxf(widths.best, best);
        if (piece.whole) best = 0;
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD);
        pango_layout_set_width(layout, 0);
        text_size(layout, &width, &height, &reach);
        widths.least = fmaxf(widths.least, width);
        g_object_unref(layout);
        at = piece.next;
    }
    widths.hard = lines_hard(&flow->run, widths.least);
    frame_widen(flow->frame, widths);
}

void flow_flush(struct flow *flow) {
    struct run *run = &flow->run;
    bool empty = run->text->len == 0; /* then all that wait do so at its beginning */
    if (run_trim(run)) {
        if (flow->measuring) {
            lines_measure(flow);
        } else {
            flow_settle(flow);
            size_t at = 0;
            do {
                at = lines_some(flow, at);
            } while (at < run->text->len && !flow->making->layout->truncated);
        }
    }
    run_clear(run);
    for (size_t i = flow->anchors; !empty && i < flow->making->anchors->len; i++)
        g_array_index(flow->making->anchors, struct anchor, i).at = 0;
}
