/* SPDX-License-Identifier: MIT */
#include "ui/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/say.h"
#include "ui/picture.h"
#include "ui/summary.h"

/* A script that is being run, and where it is. */
struct run {
    const struct script *script;
    struct stage *stage;
    const struct command *command;
    browser_t *browser;
};

static int fail(const struct run *run, const char *what, const char *detail) {
    return complain_at(STATUS_FOUND, run->script->name, run->command->line, "%s%s%s",
                       what, *detail ? ": " : "", detail);
}

static int demand(const struct run *run, bool done, const char *what) {
    return done ? STATUS_OK : fail(run, what, "");
}

/* ---------------------------------------------------------------- frames */

/* Where nothing is busy, no time is lost with waiting for the network. */
static int run_frame(const struct run *run, bool busy, struct frame *frame) {
    const struct stage *stage = run->stage;

    if (!stage->window) {
        session_frame(stage->session, busy ? FRAME_NS / 1000000 : 0, frame);
        return STATUS_OK;
    }
    return demand(run, window_frame(stage->window, frame), "the window was closed");
}

/* Frames until nothing is busy any more. */
static int settle(const struct run *run) {
    uint64_t limit = clock_wall_ns() + run->stage->patience_s * UINT64_C(1000000000);
    struct frame frame;
    int status;

    for (;;) {
        status = run_frame(run, true, &frame);
        if (status || !frame.busy) return status;
        if (clock_wall_ns() > limit) return fail(run, "the pages do not settle", "");
    }
}

static int run_wait(const struct run *run) {
    int status = settle(run);
    struct frame frame;

    for (long n = run->command->first; !status && n > 0; n--)
        status = run_frame(run, false, &frame);
    return status;
}

/* -------------------------------------------------------------- commands */

/* What cannot be read as an address makes a page that says so. */
static int run_open(const struct run *run) {
    return demand(run, browser_open(run->browser, run->command->text) != 0,
                  "too many tabs, or no memory for one more");
}

static int run_go(const struct run *run) {
    if (browser_shown(run->browser) == 0) return fail(run, "no tab is open", "");
    return demand(run, browser_go(run->browser, run->command->text), "no memory");
}

static int run_scroll(const struct run *run) {
    long pixels = run->command->first;

    if (browser_shown(run->browser) == 0) return fail(run, "no tab is open", "");
    if (pixels == SCROLL_TOP)
        browser_scroll_to(run->browser, 0);
    else if (pixels == SCROLL_BOTTOM)
        browser_scroll_to(run->browser, browser_page_height(run->browser));
    else
        browser_scroll_by(run->browser, (float)pixels);
    return STATUS_OK;
}

static int run_close(const struct run *run) {
    unsigned tab =
        run->command->text ? (unsigned)run->command->first : browser_shown(run->browser);

    if (tab == 0) return fail(run, "no tab is open", "");
    return demand(run, browser_close(run->browser, tab), "there is no such tab");
}

static int run_resize(const struct run *run) {
    const struct command *command = run->command;

    if (command->first < VIEW_LEAST || command->first > VIEW_MOST ||
        command->second < VIEW_LEAST || command->second > VIEW_MOST)
        return fail(run, "a view has 64 to 8192 pixels each way", "");
    if (run->stage->window)
        window_resize(run->stage->window, (int)command->first, (int)command->second);
    else
        browser_resize(run->browser, (int)command->first, (int)command->second);
    return STATUS_OK;
}

static int run_panel(const struct run *run) {
    run->stage->with_panel = run->command->first != 0;
    if (run->stage->window) window_show_panel(run->stage->window, run->stage->with_panel);
    return STATUS_OK;
}

static int run_stats(const struct run *run) {
    const struct moment *moment = session_moment(run->stage->session, 0);

    if (!moment) return fail(run, "no frame has been yet", "");
    summary_line(moment, stdout);
    return STATUS_OK;
}

/* ----------------------------------------------------------- screenshots */

/* Where a screenshot goes; on the heap. */
static char *place_of(const struct stage *stage, const char *name) {
    char *path;

    if (!stage->screenshots || *name == '/') return strdup(name);
    return asprintf(&path, "%s/%s", stage->screenshots, name) < 0 ? NULL : path;
}

static int run_screenshot(const struct run *run) {
    const struct stage *stage = run->stage;
    bool whole = run->command->verb == VERB_SCREENSHOT_WINDOW;
    char *path;
    int status;

    if (whole && !stage->window) return fail(run, "there is no window", "");
    status = settle(run);
    if (status) return status;
    path = place_of(stage, run->command->text);
    if (!path) return complain(STATUS_IO, "no memory for a screenshot");
    if (whole)
        status = window_picture(stage->window, path);
    else
        status = picture_of_view(stage->session, stage->with_panel, path);
    if (status) fail(run, "no screenshot", run->command->text);
    free(path);
    return status;
}

/* ------------------------------------------------- what only windows take */

static int run_input(const struct run *run) {
    const struct command *command = run->command;
    window_t *window = run->stage->window;

    if (!window) return fail(run, "there is no window", "");
    switch (command->verb) {
    case VERB_KEY:
        if (!window_send_key(window, command->text))
            return fail(run, "no such key", command->text);
        break;
    case VERB_TYPE: window_send_text(window, command->text); break;
    default: window_send_press(window, (int)command->first, (int)command->second);
    }
    return STATUS_OK;
}

static int run_command(const struct run *run) {
    const struct command *command = run->command;
    browser_t *browser = run->browser;

    switch (command->verb) {
    case VERB_OPEN: return run_open(run);
    case VERB_GO: return run_go(run);
    case VERB_WAIT: return run_wait(run);
    case VERB_SCROLL: return run_scroll(run);
    case VERB_CLICK:
        return browser_click_text(browser, command->text)
                   ? STATUS_OK
                   : fail(run, "no link that can be followed has this in its text",
                          command->text);
    case VERB_BACK: return demand(run, browser_back(browser), "nothing to go back to");
    case VERB_FORWARD:
        return demand(run, browser_forward(browser), "nothing to go forward to");
    case VERB_RELOAD: return demand(run, browser_reload(browser), "nothing to reload");
    case VERB_TAB:
        return demand(run, browser_show(browser, (unsigned)command->first),
                      "there is no such tab");
    case VERB_CLOSE: return run_close(run);
    case VERB_COMPACT: session_compact(run->stage->session); return STATUS_OK;
    case VERB_RESIZE: return run_resize(run);
    case VERB_SCREENSHOT:
    case VERB_SCREENSHOT_WINDOW: return run_screenshot(run);
    case VERB_PANEL: return run_panel(run);
    case VERB_STATS: return run_stats(run);
    case VERB_KEY:
    case VERB_TYPE:
    case VERB_PRESS: return run_input(run);
    }
    return STATUS_OK;
}

/* Whether a frame of its own comes after it: each thing that is done is seen. */
static bool is_seen(verb_t verb) {
    return verb != VERB_WAIT && verb != VERB_SCREENSHOT &&
           verb != VERB_SCREENSHOT_WINDOW && verb != VERB_STATS;
}

int script_run(const struct script *script, struct stage *stage) {
    struct run run = {
        .script = script, .stage = stage, .browser = stage->session->browser};
    struct frame frame;
    int status = STATUS_OK;

    for (size_t i = 0; i < script->n && !status; i++) {
        run.command = &script->commands[i];
        stage->session->line = run.command->line;
        status = run_command(&run);
        if (!status && is_seen(run.command->verb))
            status = run_frame(&run, false, &frame);
    }
    return status;
}
