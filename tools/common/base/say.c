/* SPDX-License-Identifier: MIT */
#include "base/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define REDRAW_NS UINT64_C(100000000)
#define BAR_CELLS 30

/* There is one terminal, so there is one bar. */
static struct {
    const char *what;
    bool wanted, coloured, drawn;
    uint64_t drawn_ns;
} bar;

static void bar_erase(void) {
    if (bar.drawn) fprintf(stderr, "\r%*s\r", BAR_CELLS + 46, "");
    bar.drawn = false;
}

static void bar_draw(uint64_t done, uint64_t total) {
    bar_erase();
    if (total == 0) {
        fprintf(stderr, "%-20.28s %" PRIu64 " events", bar.what, done);
    } else {
        double share = done < total ? (double)done / (double)total : 1.0;
        int full = (int)(share * BAR_CELLS);
        fprintf(stderr, "%-20.28s [%s%.*s%s%*s] %3d %%", bar.what,
                bar.coloured ? "\033[36m" : "", full, "##############################",
                bar.coloured ? "\033[0m" : "", BAR_CELLS - full, "", (int)(share * 100));
    }
    fflush(stderr);
    bar.drawn = true;
    bar.drawn_ns = clock_wall_ns();
}

void progress_begin(const char *what, bool wanted) {
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

    bar.what = what;
    bar.wanted = wanted && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    bar.coloured = !no_color || !*no_color;
    if (bar.wanted) bar_draw(0, 1);
}

void progress_update(uint64_t done, uint64_t total) {
    if (bar.wanted && clock_wall_ns() - bar.drawn_ns >= REDRAW_NS) bar_draw(done, total);
}

void progress_end(void) {
    bar_erase();
    bar.wanted = false;
}

int complain(int status, const char *format, ...) {
    va_list arguments;

    bar_erase();
    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

int complain_at(int status, const char *file, uint64_t line, const char *format, ...) {
    va_list arguments;

    bar_erase();
    fprintf(stderr, "%s: %s:%" PRIu64 ": ", program_invocation_short_name, file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

int complain_usage(const char *verb, const char *format, ...) {
    va_list arguments;

    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry '%s%s%s --help'.\n", program_invocation_short_name,
            verb ? " " : "", verb ? verb : "");
    return STATUS_USAGE;
}
