/* SPDX-License-Identifier: MIT */
#include "layout/run.h"

#include <math.h>
#include <string.h>

enum { FONT_LEAST = 6, FONT_MOST = 200 };

void run_init(struct run *run) {
    run->text = g_string_new(NULL);
    run->spans = g_array_new(FALSE, TRUE, sizeof(struct span));
}

void run_finish(struct run *run) {
    g_string_free(run->text, TRUE);
    g_array_free(run->spans, TRUE);
}

void run_clear(struct run *run) {
    g_string_truncate(run->text, 0);
    g_array_set_size(run->spans, 0);
}

void span_of_style(struct span *span, const struct style *style,
                   const struct inline_state *state) {
    memset(span, 0, sizeof *span); /* spans are compared by their bytes */
    span->link = state->link;
    span->colour = style->hidden ? COLOUR_NONE : style->colour;
    span->background = style->hidden ? COLOUR_NONE : state->background;
    span->font_size = CLAMP(lrintf(style->font_size), FONT_LEAST, FONT_MOST);
    /* Lines that are closer than their letters are high would lie on one another. */
    if (style->line_height > 0)
        span->line_height =
            lrintf(CLAMP(style->line_height, 1.0f, 8.0f) * span->font_size);
    span->family = style->family;
    span->bold = style->bold;
    span->italic = style->italic;
    span->underline = style->underline;
    span->strike = style->strike;
    span->unbroken = !style->wrap && !style->pre;
    span->rise = state->rise;
}

/* The span for what is appended next: the last one goes on where it looks the same. */
static void run_look(struct run *run, struct span *span) {
    span->start = run->text->len;
    if (run->spans->len) {
        struct span *last = &g_array_index(run->spans, struct span, run->spans->len - 1);
        if (last->start == span->start && !last->width) { /* nothing was put into it */
            *last = *span;
            return;
        }
        struct span as_last = *span;
        as_last.start = last->start;
        if (!last->width && memcmp(&as_last, last, sizeof as_last) == 0) return;
    }
    g_array_append_vals(run->spans, span, 1);
}

static bool is_white(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Whether white space that comes next is nothing, as there is some before it, or a line begins. */
static bool run_after_space(const struct run *run) {
    size_t n = run->text->len;
    return n == 0 || run->text->str[n - 1] == ' ' || run->text->str[n - 1] == '\n';
}

static void run_collapsed(struct run *run, const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        if (is_white(text[i])) {
            if (!run_after_space(run)) g_string_append_c(run->text, ' ');
            i++;
            continue;
        }
        size_t from = i;
        while (i < n && !is_white(text[i])) i++;
        g_string_append_len(run->text, text + from, i - from);
    }
}

/* Text whose white space is kept; lines end as in any system. */
static void run_kept(struct run *run, const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        const char *end = memchr(text + i, '\r', n - i);
        size_t stop = end ? (size_t)(end - text) : n;
        g_string_append_len(run->text, text + i, stop - i);
        i = stop;
        if (end && !(i + 1 < n && text[i + 1] == '\n'))
            g_string_append_c(run->text, '\n');
        i += end != NULL;
    }
}

void run_text(struct run *run, const char *text, size_t n, const struct style *style,
              const struct inline_state *state) {
    struct span span;
    span_of_style(&span, style, state);
    run_look(run, &span);
    if (style->pre)
        run_kept(run, text, n);
    else
        run_collapsed(run, text, n);
}

void run_words(struct run *run, const char *text, const struct style *style,
               const struct inline_state *state) {
    struct span span;
    span_of_style(&span, style, state);
    run_look(run, &span);
    if (*text == '\n') /* a space before a line's end would make it wider */
        while (run->text->len && run->text->str[run->text->len - 1] == ' ' &&
               run->text->len > span.start)
            g_string_truncate(run->text, run->text->len - 1);
    g_string_append(run->text, text);
}

void run_image(struct run *run, const struct span *size, const struct style *style,
               const struct inline_state *state) {
    struct span span;
    span_of_style(&span, style, state);
    span.image = size->image;
    span.width = size->width;
    span.height = size->height;
    span.button = size->button;
    if (style->valign == 3) span.rise = RISE_MIDDLE;
    run_look(run, &span);
    g_string_append(run->text, "\xef\xbf\xbc"); /* U+FFFC */
}

bool run_trim(struct run *run) {
    size_t n = run->text->len;
    const char *text = run->text->str;
    bool any = n > 0;
    if (n && text[n - 1] == '\n') n--;
    while (n && text[n - 1] == ' ') n--;
    g_string_truncate(run->text, n);
    return any && run->spans->len;
}

bool run_break(struct run *run) {
    bool any = false;
    for (size_t i = 0; i < run->spans->len; i++) {
        struct span *span = &g_array_index(run->spans, struct span, i);
        any |= span->unbroken;
        span->unbroken = false;
    }
    return any;
}
