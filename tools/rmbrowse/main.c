/* SPDX-License-Identifier: MIT */
/*
 * rmbrowse: a browser in a window, or run by a script.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/output.h"
#include "base/say.h"
#include "layout/layout.h"
#include "ui/ink.h"
#include "ui/run.h"
#include "ui/script.h"
#include "ui/session.h"
#include "ui/settings.h"
#include "ui/summary.h"
#include "ui/window.h"

/* A tab for each page that was named; the one named first is shown. */
static int open_pages(const struct settings *settings, browser_t *browser) {
    unsigned first = 0;

    for (int i = 0; i < settings->n_urls; i++) {
        unsigned tab = browser_open(browser, settings->urls[i]);
        if (tab == 0) return complain(STATUS_FOUND, "no memory for a tab");
        if (first == 0) first = tab;
    }
    if (first == 0) first = browser_open(browser, "about:blank");
    return browser_show(browser, first) ? STATUS_OK
                                        : complain(STATUS_FOUND, "no memory for a tab");
}

static int run_stage(const struct settings *settings, const struct script *script,
                     struct session *session) {
    struct stage stage = {.session = session,
                          .screenshots = settings->screenshots,
                          .patience_s = settings->patience_s};
    int status = STATUS_OK;

    if (settings->window)
        status = window_open(&stage.window, session, settings->browser.width,
                             settings->browser.height);
    if (status) return status;
    if (settings->script)
        status = script_run(script, &stage);
    else
        status = open_pages(settings, session->browser);
    if (!settings->script && !status) window_run(stage.window);
    window_close(stage.window);
    return status;
}

/* The browser's whole life. What went wrong first is the status. */
static int run_session(const struct settings *settings, const struct script *script,
                       const struct provenance *provenance) {
    static struct session session; /* large, and all of it is there from the beginning */
    int status = session_begin(&session, &settings->browser, settings->csv, provenance);
    int later;

    if (status) return status;
    status = run_stage(settings, script, &session);
    if (settings->stats) summary_print(&session, stderr);
    if (settings->json) {
        later = summary_print_json(&session);
        status = status ? status : later;
    }
    later = session_end(&session);
    ink_finish();
    layout_finish();
    return status ? status : later;
}

static int run(int argc, char **argv) {
    struct settings settings;
    struct script script = {0};
    struct provenance provenance;
    bool done;
    int status;

    provenance_init(&provenance, argc - 1, argv + 1);
    status = settings_read(&settings, argc, argv, &done);
    if (!status && !done && settings.script)
        status = script_read(&script, settings.script);
    if (!status && !done && settings.screenshots)
        status = output_directory(settings.screenshots);
    if (!status && !done) status = run_session(&settings, &script, &provenance);
    script_free(&script);
    provenance_finish(&provenance);
    return status;
}

int main(int argc, char **argv) {
    int status = argc > 0 ? run(argc, argv) : STATUS_USAGE;

    /* What was printed may not have arrived, a full disk for instance. */
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == STATUS_OK)
        status = complain(STATUS_IO, "standard output: %s",
                          errno ? strerror(errno) : "could not be written");
    return status;
}
