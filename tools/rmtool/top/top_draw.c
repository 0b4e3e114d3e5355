/* SPDX-License-Identifier: MIT */
#include "top/top_screen.h"

#include <math.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "top/cellart.h"
#include "base/units.h"

enum { PAIR_USED = 1, PAIR_LOCKED, PAIR_METADATA, PAIR_FREE, PAIR_TROUBLE };
enum { LABEL = 12, LIST_MOST = 6, FIGURES = 7, NARROW = 12 };

void screen_colours(struct screen *screen) {
    const char *no = getenv("NO_COLOR");

    screen->unicode = cell_unicode();
    screen->colour = (!no || !*no) && has_colors() && start_color() == OK;
    if (!screen->colour) return;
    use_default_colors();
    bool many = COLORS >= 256;
    init_pair(PAIR_USED, many ? 38 : COLOR_CYAN, -1);
    init_pair(PAIR_LOCKED, many ? 214 : COLOR_YELLOW, -1);
    init_pair(PAIR_METADATA, many ? 140 : COLOR_MAGENTA, -1);
    init_pair(PAIR_FREE, many ? 242 : COLOR_WHITE, -1);
    init_pair(PAIR_TROUBLE, many ? 203 : COLOR_RED, -1);
}

/* --- texts: cut at the edge, never wrapped --- */

static void put_text(int y, int *x, const char *text) {
    wchar_t wide[600];
    mbstate_t state = {0};
    size_t n = mbsrtowcs(wide, &text, sizeof(wide) / sizeof(wide[0]) - 1, &state);
    int room = COLS - *x;

    if (n == (size_t)-1 || room <= 0 || y < 0 || y >= LINES) return;
    if (n > (size_t)room) n = (size_t)room;
    mvaddnwstr(y, *x, wide, (int)n);
    *x += (int)n;
}

__attribute__((format(printf, 3, 4))) static void put(int y, int *x, const char *format,
                                                      ...) {
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put_text(y, x, text);
}

/* A line's name. */
static int begin(int y, const char *name) {
    int x = 1;

    attron(A_BOLD);
    put(y, &x, "%s", name);
    attroff(A_BOLD);
    return LABEL;
}

static const char *size_text(const struct screen *s, char text[SIZE_TEXT], size_t bytes) {
    if (!s->exact) return format_size(text, bytes);
    snprintf(text, SIZE_TEXT, "%zu B", bytes);
    return text;
}

/* "850", "12.3 k", "4.56 M" */
static const char *number_text(const struct screen *s, char text[SIZE_TEXT], double n) {
    if (s->exact || n < 9999.5)
        snprintf(text, SIZE_TEXT, "%.0f", n);
    else if (n < 999500)
        snprintf(text, SIZE_TEXT, "%.1f k", n / 1e3);
    else
        snprintf(text, SIZE_TEXT, "%.2f M", n / 1e6);
    return text;
}

/* --- the lines --- */

static void draw_title(const struct screen *s) {
    const struct target *target = &s->top->target;
    char clock[16] = "", interval[SIZE_TEXT];
    time_t now = time(NULL);
    struct tm local;
    int x = 1;

    attron(A_REVERSE);
    mvhline(0, 0, ' ', COLS);
    put(0, &x, "%s (%s)   rmalloc %s   %zu heap%s", target->program, target->name,
        target->version, s->top->n_heaps, s->top->n_heaps == 1 ? "" : "s");
    if (localtime_r(&now, &local)) strftime(clock, sizeof(clock), "%H:%M:%S", &local);
    format_ns(interval, s->top->interval_ns);
    int wide = (int)strlen(interval) + (int)strlen(clock) + 10;
    if (x + wide < COLS) {
        x = COLS - wide;
        put(0, &x, "%s %s   %s", s->paused ? "      " : "every", interval, clock);
    }
    if (s->paused) {
        x = COLS - wide - 1;
        put(0, &x, "paused");
    }
    attroff(A_REVERSE);
}

/* A bar of so many columns, of which a share is filled. */
static void draw_bar(const struct screen *s, int y, int *x, int columns, double share) {
    int filled = (int)lround(share * columns);

    attron(s->colour ? COLOR_PAIR(PAIR_USED) : 0);
    for (int i = 0; i < columns; i++) {
        bool on = i < filled;
        put_text(y, x, on ? (s->unicode ? "▬" : "=") : (s->unicode ? " " : " "));
    }
    attroff(s->colour ? COLOR_PAIR(PAIR_USED) : 0);
}

static int list_lines(const struct screen *s) {
    int n = (int)(s->top->n_heaps < LIST_MOST ? s->top->n_heaps : LIST_MOST);
    return s->top->n_heaps < 2 || LINES < FIGURES + NARROW + n ? 0 : n + 1;
}

/* The heaps with the most memory; the one that is watched among them, or below. */
static void draw_list(const struct screen *s, int y) {
    const struct top *top = s->top;
    int lines = list_lines(s) - 1;
    size_t chosen = 0, most = 1, first = 0;
    char size[SIZE_TEXT], text[100];

    if (lines <= 0) return;
    for (size_t i = 0; i < top->n_heaps; i++) {
        if (top->heaps[i].heap == s->watch.look.heap.heap) chosen = i;
        if (top->heaps[i].capacity > most) most = top->heaps[i].capacity;
    }
    if (chosen >= (size_t)lines) first = chosen - (size_t)lines + 1;
    for (int i = 0; i < lines; i++, y++) {
        const rm_view_heap_t *heap = &top->heaps[first + (size_t)i];
        bool is_it = first + (size_t)i == chosen;
        int x = 1;
        attron(is_it ? A_BOLD : A_DIM);
        put(y, &x, "%s #%-4u%12s ", is_it ? (s->unicode ? "▸" : ">") : " ",
            look_number(heap->heap), size_text(s, size, heap->capacity));
        draw_bar(s, y, &x, 10, (double)heap->capacity / (double)most);
        put(y, &x, " %s", top_describe(heap, text));
        attroff(is_it ? A_BOLD : A_DIM);
    }
}

static void draw_memory(const struct screen *s, int y) {
    const rm_stats_t *is = &s->watch.look.stats;
    char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT];
    int x = begin(y, "memory");

    put(y, &x, "%s used   %s metadata   %s free   ", size_text(s, a, is->used),
        size_text(s, b, is->metadata), size_text(s, c, is->free));
    put(y, &x, "= %s of %s", size_text(s, d, is->capacity), size_text(s, a, is->limit));
    x = begin(++y, "gaps");
    put(y, &x, "external %.1f %%   internal %.1f %%   ", 100 * is->external_fragmentation,
        100 * is->internal_fragmentation);
    put(y, &x, "%zu free span%s, the largest %s   extent %s", is->free_spans,
        is->free_spans == 1 ? "" : "s", size_text(s, a, is->largest_free),
        size_text(s, b, is->extent));
}

static void draw_blocks(const struct screen *s, int y) {
    const struct look *look = &s->watch.look;
    const rm_stats_t *is = &look->stats;
    char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
    int x = begin(y, "blocks");

    put(y, &x, "%s live, %s asked for, %s at the peak",
        number_text(s, a, (double)is->live_blocks), size_text(s, b, is->requested),
        size_text(s, c, is->peak_requested));
    x = begin(++y, "locks");
    if (s->colour && is->locked_blocks > 0) attron(COLOR_PAIR(PAIR_LOCKED));
    put(y, &x, "%s block%s, %s", number_text(s, a, (double)is->locked_blocks),
        is->locked_blocks == 1 ? "" : "s", size_text(s, b, is->locked));
    if (s->colour) attroff(COLOR_PAIR(PAIR_LOCKED));
    if (look->oldest_ns > 0)
        put(y, &x, "   one seen locked for %s", format_ns(c, look->oldest_ns));
}

static void draw_rates(const struct screen *s, int y) {
    const struct top_rates *r = &s->watch.rates;
    const rm_stats_t *is = &s->watch.look.stats;
    char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT], e[SIZE_TEXT];
    int x = begin(y, "calls");

    put(y, &x, "%s allocations/s   %s frees/s   %zu failure%s",
        number_text(s, a, r->allocations), number_text(s, b, r->frees), is->failures,
        is->failures == 1 ? "" : "s");
    if (r->failures > 0) put(y, &x, ", %s/s", number_text(s, c, r->failures));
    x = begin(++y, "compaction");
    put(y, &x, "%s/s moved, %s blocks/s   ", size_text(s, a, (size_t)r->moved),
        number_text(s, b, r->moved_blocks));
    put(y, &x, "regained %s/s   returned %s/s   voided %s/s",
        size_text(s, c, (size_t)r->regained), size_text(s, d, (size_t)r->returned),
        number_text(s, e, r->voided));
    if (is->background_steps > 0)
        put(y, &x, "   background %s steps/s, %.1f %% of the time",
            number_text(s, a, r->background_steps), 100 * r->background_busy);
}

/* --- curves --- */

void screen_note(struct screen *s) {
    struct screen_past *past = &s->past;
    const rm_stats_t *is = &s->watch.look.stats;

    if (s->watch.n <= 1) past->n = 0;
    if (past->n == HISTORY) {
        memmove(past->used, past->used + 1, sizeof(past->used) - sizeof(double));
        memmove(past->external, past->external + 1, sizeof(past->used) - sizeof(double));
        memmove(past->moved, past->moved + 1, sizeof(past->used) - sizeof(double));
        past->n--;
    }
    past->used[past->n] = (double)is->used;
    past->external[past->n] = is->external_fragmentation;
    past->moved[past->n++] = s->watch.rates.moved;
}

/* The last values, as many as there are columns; `top` is at the full height, 0: the largest. */
static void draw_curve(const struct screen *s, int y, int *x, int columns,
                       const double *values, double top) {
    static const char *const bars[2][8] = {{"_", ".", ":", "-", "=", "+", "*", "#"},
                                           {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}};
    size_t n = s->past.n < (size_t)columns ? s->past.n : (size_t)columns;
    const double *from = values + (s->past.n - n);

    for (size_t i = 0; top == 0 && i < n; i++) top = from[i] > top ? from[i] : top;
    if (s->colour) attron(COLOR_PAIR(PAIR_USED));
    for (size_t i = 0; i < n; i++) {
        double share = top > 0 ? from[i] / top : 0;
        int level = (int)(share * 8);
        put_text(y, x, from[i] <= 0 ? " " : bars[s->unicode][level > 7 ? 7 : level]);
    }
    if (s->colour) attroff(COLOR_PAIR(PAIR_USED));
    *x += columns - (int)n;
}

static void draw_curves(const struct screen *s, int y) {
    int x = begin(y, "before"), columns = (COLS - LABEL - 32) / 3;
    double most = 0;

    if (columns < 4) return;
    for (size_t i = 0; i < s->past.n; i++)
        most = s->past.used[i] > most ? s->past.used[i] : most;
    put(y, &x, "used ");
    draw_curve(s, y, &x, columns, s->past.used, most);
    put(y, &x, "   external ");
    draw_curve(s, y, &x, columns, s->past.external, 1);
    put(y, &x, "   moved ");
    draw_curve(s, y, &x, columns, s->past.moved, 0);
}

/* --- the map --- */

static attr_t attributes_of(const struct screen *s, enum cell_kind kind) {
    static const short pairs[] = {[CELL_FREE] = PAIR_FREE,
                                  [CELL_USED] = PAIR_USED,
                                  [CELL_LOCKED] = PAIR_LOCKED,
                                  [CELL_METADATA] = PAIR_METADATA};

    if (kind == CELL_NOTHING) return 0;
    if (!s->colour) return kind == CELL_FREE ? A_DIM : 0;
    return COLOR_PAIR(pairs[kind]);
}

static void draw_cell(const struct screen *s, int y, int *x, enum cell_kind kind,
                      unsigned level) {
    attr_t attributes = attributes_of(s, kind);

    attron(attributes);
    put_text(y, x, cell_glyph(kind, level, s->unicode, !s->colour));
    attroff(attributes);
}

static int map_top(const struct screen *s) { return 2 + list_lines(s) + FIGURES + 1; }
static int map_lines(const struct screen *s) { return LINES - 3 - map_top(s); }

size_t screen_cells(const struct screen *s) {
    int lines = map_lines(s), columns = COLS - 2;
    return lines < 1 || columns < 8 ? 0 : (size_t)(lines * columns);
}

static void draw_legend(const struct screen *s, int y) {
    char size[SIZE_TEXT];
    int x = 1;

    for (unsigned i = 0; i < CELL_LEVELS; i++) draw_cell(s, y, &x, CELL_USED, i);
    put(y, &x, " used   ");
    draw_cell(s, y, &x, CELL_LOCKED, 3);
    put(y, &x, " locked   ");
    draw_cell(s, y, &x, CELL_FREE, 0);
    put(y, &x, " free   ");
    draw_cell(s, y, &x, CELL_METADATA, 3);
    put(y, &x, " metadata   a character is %s",
        size_text(s, size, s->watch.look.cell_bytes));
}

static void draw_map(const struct screen *s) {
    const struct look *look = &s->watch.look;
    int y = map_top(s), columns = COLS - 2;
    unsigned level;

    if (map_lines(s) < 1 || columns < 8) return;
    for (size_t i = 0; i < look->n_cells; i++) {
        int row = y + (int)(i / (size_t)columns), x = 1 + (int)(i % (size_t)columns);
        if (row >= y + map_lines(s)) break;
        enum cell_kind kind = cell_kind(&look->cells[i], &level);
        draw_cell(s, row, &x, kind, level);
    }
    draw_legend(s, LINES - 2);
}

/* --- all of it --- */

static void draw_bottom(const struct screen *s) {
    const struct look *look = &s->watch.look;
    char a[SIZE_TEXT], b[SIZE_TEXT], right[120];
    int x = 1, y = LINES - 1;

    if (s->trouble[0]) {
        attr_t attributes = s->colour ? COLOR_PAIR(PAIR_TROUBLE) : A_BOLD;
        attron(attributes);
        put(y, &x, "%s", s->trouble);
        attroff(attributes);
        return;
    }
    attron(A_DIM);
    put(y, &x, "q quit  h help  space pause  + - interval  %s heap  u units",
        s->unicode ? "↑ ↓" : "up down");
    if (look->taken) {
        snprintf(right, sizeof(right), "stopped for %s, %s read, %u %s",
                 format_ns(a, look->stopped_ns), format_size(b, look->bytes), look->tries,
                 look->tries == 1 ? "try" : "tries");
        int from = COLS - 1 - (int)strlen(right);
        if (from > x + 2) put(y, &from, "%s", right);
    }
    attroff(A_DIM);
}

static void draw_help(void) {
    static const char *const lines[] = {
        "q            end",
        "h, ?         this help, and back",
        "space        pause, and go on",
        "enter        look now",
        "+, -         look more often, less often",
        "up, down     the heap above, below in the list (also k, j, tab)",
        "1 to 9       the first to ninth of the list",
        "u            sizes in bytes, or in KiB, MiB, GiB",
        "",
        "The list has the heaps with the most memory first. The map shows the",
        "heap's memory from its low end, without what is reserved between the",
        "blocks and the handle table at its high end; where a character holds",
        "anything locked that is shown. Per second is since the look before. A",
        "lock is as old as it has been seen. The program is stopped for each",
        "look; for how long is said in the last line.",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int x = 3;
        put(2 + (int)i, &x, "%s", lines[i]);
    }
}

void screen_draw(const struct screen *s) {
    erase();
    draw_title(s);
    if (s->help) {
        draw_help();
    } else {
        int y = 2 + list_lines(s);
        draw_list(s, 2);
        if (s->watch.n > 0) {
            draw_memory(s, y);
            draw_blocks(s, y + 2);
            draw_rates(s, y + 4);
            draw_curves(s, y + 6);
            draw_map(s);
        }
    }
    draw_bottom(s);
    refresh();
}
