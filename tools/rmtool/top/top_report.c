/* SPDX-License-Identifier: MIT */
/* A look as a report, with a map of a few lines. */
#include <inttypes.h>
#include <string.h>

#include "top/cellart.h"
#include "top/top.h"
#include "base/units.h"

enum { COLUMNS = 64 };

static void print_map(const struct look *look, FILE *file) {
    bool unicode = cell_unicode();
    char size[SIZE_TEXT];
    unsigned level;

    if (look->n_cells == 0) return;
    for (size_t i = 0; i < look->n_cells; i++) {
        enum cell_kind kind = cell_kind(&look->cells[i], &level);
        if (i % COLUMNS == 0) fputs(i == 0 ? "map          " : "\n             ", file);
        fputs(cell_glyph(kind, level, unicode, true), file);
    }
    fprintf(file,
            "\n             a character is %s: ", format_size(size, look->cell_bytes));
    for (unsigned i = 0; i < CELL_LEVELS; i++)
        fputs(cell_glyph(CELL_USED, i, unicode, true), file);
    fprintf(file, " used, %s locked, %s free, %s table\n",
            cell_glyph(CELL_LOCKED, 0, unicode, true),
            cell_glyph(CELL_FREE, 0, unicode, true),
            cell_glyph(CELL_METADATA, 0, unicode, true));
}

static void print_rates(const struct top_rates *r, FILE *file) {
    char moved[SIZE_TEXT], regained[SIZE_TEXT], returned[SIZE_TEXT];

    if (r->seconds <= 0) return;
    fprintf(file,
            "a second     %.0f allocations, %.0f frees, %.0f failures; %s moved in %.0f "
            "blocks, %s regained, %s returned, %.0f voided; %.0f background steps\n",
            r->allocations, r->frees, r->failures, format_size(moved, (uint64_t)r->moved),
            r->moved_blocks, format_size(regained, (uint64_t)r->regained),
            format_size(returned, (uint64_t)r->returned), r->voided, r->background_steps);
}

void top_report(const struct top *top, const struct top_watch *watch, FILE *file) {
    const struct look *look = &watch->look;
    const rm_stats_t *s = &look->stats;
    char text[100], a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT];

    fprintf(file, "program      %s (%s), rmalloc %s\n", top->target.program,
            top->target.name, top->target.version);
    fprintf(file, "heap         #%u of %zu: %s\n", look_number(look->heap.heap),
            top->n_heaps, top_describe(&look->heap, text));
    fprintf(file, "capacity     %s of %s: %s used, %s metadata, ",
            format_size(a, s->capacity), format_size(b, s->limit),
            format_size(c, s->used), format_size(d, s->metadata));
    fprintf(file, "%s free in %zu spans, the largest %s; extent %s\n",
            format_size(a, s->free), s->free_spans, format_size(b, s->largest_free),
            format_size(c, s->extent));
    fprintf(file, "live         %zu blocks, %s asked for; peak %s\n", s->live_blocks,
            format_size(a, s->requested), format_size(b, s->peak_requested));
    fprintf(file, "locked       %zu blocks, %s", s->locked_blocks,
            format_size(a, s->locked));
    if (look->oldest_ns > 0)
        fprintf(file, "; one for %s or longer", format_ns(b, look->oldest_ns));
    fprintf(file, "\nfragmentation  external %.4f, internal %.4f\n",
            s->external_fragmentation, s->internal_fragmentation);
    fprintf(file, "since the heap was made: %zu allocations, %zu frees, %zu failures;\n",
            s->allocations, s->frees, s->failures);
    fprintf(file,
            "             %s moved in %zu blocks, %s regained, %s returned, %zu voided\n",
            format_size(a, s->moved), s->moved_blocks, format_size(b, s->regained),
            format_size(c, s->returned), s->voided);
    if (s->background_steps > 0)
        fprintf(file,
                "background   %zu steps, %s moved in %s; stopped short of the mark %zu "
                "times\n",
                s->background_steps, format_size(a, s->background_moved),
                format_ns(b, s->background_nanoseconds), s->background_backoffs);
    print_rates(&watch->rates, file);
    print_map(look, file);
    fprintf(file, "looked       in %u %s, stopped for %s, %s read\n", look->tries,
            look->tries == 1 ? "try" : "tries", format_ns(a, look->stopped_ns),
            format_size(b, look->bytes));
}
