/* SPDX-License-Identifier: MIT */
#include "top/top_screen.h"

#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"

const bool top_has_screen = true;

static volatile sig_atomic_t told_to_end;

static void note_signal(int number) { told_to_end = number; }

static const uint64_t intervals_ms[] = {100,  200,   500,   1000,  2000,
                                        5000, 10000, 30000, 60000, 300000};
enum { N_INTERVALS = sizeof(intervals_ms) / sizeof(intervals_ms[0]) };

static void change_interval(struct top *top, bool more_often) {
    uint64_t ms = top->interval_ns / 1000000;

    if (more_often) {
        for (int i = N_INTERVALS - 1; i >= 0; i--)
            if (intervals_ms[i] < ms) {
                top->interval_ns = intervals_ms[i] * 1000000;
                return;
            }
    } else {
        for (int i = 0; i < N_INTERVALS; i++)
            if (intervals_ms[i] > ms) {
                top->interval_ns = intervals_ms[i] * 1000000;
                return;
            }
    }
}

/* The heap that is watched, in the list; the first one where it is gone. NULL: there is none. */
static const rm_view_heap_t *chosen_heap(const struct top *top, const rm_heap_t *wanted) {
    for (size_t i = 0; i < top->n_heaps; i++)
        if (top->heaps[i].heap == wanted) return &top->heaps[i];
    return top->n_heaps > 0 ? &top->heaps[0] : NULL;
}

static rm_heap_t *heap_of_number(const struct top *top, long number) {
    for (size_t i = 0; i < top->n_heaps; i++)
        if (look_number(top->heaps[i].heap) == (unsigned long)number)
            return top->heaps[i].heap;
    return NULL;
}

/* The n-th below (or above) it. */
static rm_heap_t *neighbour(const struct top *top, rm_heap_t *wanted, int by) {
    for (size_t i = 0; i < top->n_heaps; i++)
        if (top->heaps[i].heap == wanted) {
            size_t n = top->n_heaps;
            return top->heaps[(i + n + (size_t)(by + (int)n) % n) % n].heap;
        }
    return top->n_heaps > 0 ? top->heaps[0].heap : NULL;
}

/* --- a look --- */

/* `*wanted`: the heap that the user would like to see; NULL: the one with the most memory. */
static int look(struct screen *s, rm_heap_t **wanted, bool *ended) {
    struct top *top = s->top;
    int status = look_heaps(&top->target, true, &top->heaps, &top->n_heaps);

    if (status == STATUS_FOUND) *ended = true;
    if (status) return status;
    const rm_view_heap_t *heap = chosen_heap(top, *wanted);
    if (!heap) {
        snprintf(s->trouble, sizeof(s->trouble), "there is no heap yet");
        *wanted = NULL;
        s->watch.n = 0;
        return STATUS_OK;
    }
    *wanted = heap->heap;
    status = top_look(top, &s->watch, heap, screen_cells(s), ended);
    if (status == STATUS_OK) {
        s->trouble[0] = '\0';
        screen_note(s);
    } else if (status == STATUS_FOUND && !*ended) {
        top_why(&s->watch, s->trouble);
        status = STATUS_OK;
    }
    return status;
}

/* --- keys --- */

/* Returns false where the user wants to end; `*now`: a look is due. */
static bool obey(struct screen *s, int key, rm_heap_t **wanted, bool *now) {
    rm_heap_t *before = *wanted;

    switch (key) {
    case 'q':
    case 'Q': return false;
    case 'h':
    case '?': s->help = !s->help; break;
    case 27: s->help = false; break;
    case 'p':
    case ' ':
        s->paused = !s->paused;
        *now = !s->paused;
        break;
    case '\n':
    case '\r':
    case KEY_ENTER:
    case KEY_RESIZE: *now = true; break;
    case '+':
    case '=': change_interval(s->top, true); break;
    case '-': change_interval(s->top, false); break;
    case 'u': s->exact = !s->exact; break;
    case KEY_UP:
    case KEY_BTAB:
    case 'k': *wanted = neighbour(s->top, *wanted, -1); break;
    case KEY_DOWN:
    case '\t':
    case 'j': *wanted = neighbour(s->top, *wanted, 1); break;
    default:
        if (key >= '1' && key <= '9' && (size_t)(key - '1') < s->top->n_heaps)
            *wanted = s->top->heaps[key - '1'].heap;
    }
    if (*wanted != before) *now = true;
    return true;
}

enum { PATIENCE_MS = 250 };

static int run(struct screen *s, rm_heap_t *wanted, bool *ended) {
    uint64_t due = clock_wall_ns();

    while (!told_to_end) {
        uint64_t at = clock_wall_ns();
        bool now = false;
        if (at >= due) {
            int status = look(s, &wanted, ended);
            if (status || *ended) return status;
            due += s->top->interval_ns;
            if (due <= at || s->paused) due = clock_wall_ns() + s->top->interval_ns;
        }
        screen_draw(s);
        at = clock_wall_ns();
        uint64_t left = s->paused || due <= at ? 0 : (due - at) / 1000000 + 1;
        /* A signal that has come since it was looked for is seen a little later. */
        timeout(s->paused || left > PATIENCE_MS ? PATIENCE_MS : (int)left);
        int key = getch();
        if (key != ERR && !obey(s, key, &wanted, &now)) return STATUS_OK;
        if (key == '+' || key == '-' || key == '=')
            due = clock_wall_ns() + s->top->interval_ns;
        if (now) due = clock_wall_ns();
        if (s->paused && !now) due = UINT64_MAX;
    }
    return STATUS_OK;
}

/* --- complaints --- */

/* What is complained about while the screen is there is kept, and said behind it. */
static int keep_complaints(int *kept) {
    int own = dup(STDERR_FILENO);
    fflush(stderr);
    *kept = memfd_create("complaints", MFD_CLOEXEC);
    if (*kept >= 0) dup2(*kept, STDERR_FILENO);
    return own;
}

static void say_complaints(int own, int kept) {
    char text[4096];
    ssize_t n;

    fflush(stderr);
    if (own < 0 || kept < 0) return;
    dup2(own, STDERR_FILENO);
    close(own);
    lseek(kept, 0, SEEK_SET);
    while ((n = read(kept, text, sizeof(text))) > 0) fwrite(text, 1, (size_t)n, stderr);
    close(kept);
}

int top_screen(struct top *top, long number, char said[200]) {
    struct screen *s = calloc(1, sizeof(*s));
    struct sigaction action = {.sa_handler = note_signal}, old[4];
    static const int signals[4] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    bool ended = false;

    if (!s) return complain(STATUS_IO, "no memory for the screen");
    s->top = top;
    int status = look_heaps(&top->target, true, &top->heaps, &top->n_heaps);
    rm_heap_t *wanted = number >= 0 ? heap_of_number(top, number) : NULL;
    if (status == STATUS_OK && number >= 0 && !wanted)
        status = complain(STATUS_FOUND, "%s (%s): there is no heap #%ld",
                          top->target.name, top->target.program, number);
    set_escdelay(50);
    SCREEN *terminal = status == STATUS_OK ? newterm(NULL, stdout, stdin) : NULL;
    if (status == STATUS_OK && !terminal)
        status = complain(STATUS_IO,
                          "the terminal '%s' is not known, or no good for a "
                          "screen: --once, --json, --csv or --count are",
                          getenv("TERM") ? getenv("TERM") : "");
    if (terminal) {
        told_to_end = 0;
        for (int i = 0; i < 4; i++) sigaction(signals[i], &action, &old[i]);
        cbreak();
        noecho();
        nonl();
        keypad(stdscr, TRUE);
        curs_set(0);
        screen_colours(s);
        int kept, own = keep_complaints(&kept);
        status = run(s, wanted, &ended);
        endwin();
        delscreen(terminal);
        say_complaints(own, kept);
        for (int i = 0; i < 4; i++) sigaction(signals[i], &old[i], NULL);
        if (ended) {
            snprintf(said, 200, "%s (%s) has ended.", top->target.program,
                     top->target.name);
            status = STATUS_OK;
        }
    }
    look_finish(&s->watch.look);
    free(s);
    return status;
}
