/* SPDX-License-Identifier: MIT */
#include "ui/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "base/output.h"
#include "base/say.h"
#include "base/units.h"
#include "ui/session.h"
#include "ui/window.h"

static const char help[] =
    "Usage: rmbrowse [OPTION]... [URL]...\n"
    "  or:  rmbrowse [OPTION]... --script FILE\n"
    "\n"
    "A small browser that lives in heaps of relocatable memory. With URLs, or names of "
    "files,\n"
    "it opens a window with a tab for each; with a script it runs without a window.\n"
    "\n"
    "  -s, --script FILE       run the commands in FILE, '-' for standard input\n"
    "  -w, --window            run the script in a window\n"
    "      --width PIXELS      of the view of a page [1024]\n"
    "      --height PIXELS     [768]\n"
    "  -h, --help              this text\n"
    "      --version           the version\n"
    "\n"
    "Memory; a SIZE is a number with B, KiB, MiB or GiB:\n"
    "      --heap tab|shared   a heap for each tab, or one for all [tab]\n"
    "      --compact POLICY    off: never; idle: in what frames leave of 16 ms; steady: "
    "a\n"
    "                          little with each allocation, and in idle time [idle]\n"
    "      --image-cache SIZE  of decoded images [8MiB]\n"
    "      --budget SIZE       of all memory, libraries included [no limit]\n"
    "\n"
    "Time:\n"
    "      --timeout SECONDS   that fetching a page takes at most [30]\n"
    "      --patience SECONDS  that the script's 'wait' waits at most [120]\n"
    "\n"
    "What is written:\n"
    "      --csv FILE          figures of each frame, which 'rmtool plot' draws\n"
    "      --stats             a summary at the end, on standard error\n"
    "      --json              the summary, as JSON on standard output\n"
    "      --screenshots DIR   where the script's screenshots go [.]\n"
    "\n"
    "Keys in the window:\n"
    "  F2                      show or hide the panel, which shows what memory is doing\n"
    "  F3, C                   compact everything now\n"
    "  Ctrl+L, F6              take an address; Enter goes there, Escape does not\n"
    "  Ctrl+T, Ctrl+W          open a tab, close the one that is shown\n"
    "  Ctrl+Tab                show the next tab; with Shift, the one before\n"
    "  Alt+Left, Alt+Right     go back, forward\n"
    "  F5, Ctrl+R              load the page again\n"
    "  Space, arrows ...       scroll\n"
    "  Ctrl+Q                  leave\n"
    "\n"
    "Commands of scripts, one a line:\n"
    "  open URL                in a new tab\n"
    "  go URL                  in the tab that is shown\n"
    "  wait [FRAMES]           until all is there; then so many frames more\n"
    "  scroll N                pixels down, or up; or to the top, or the bottom\n"
    "  click TEXT              the first link with TEXT in it\n"
    "  back, forward, reload   as the keys do\n"
    "  tab N, close [N]        show, or close, the tab that was opened as the N-th\n"
    "  compact                 everything now\n"
    "  resize WIDTH HEIGHT     the view\n"
    "  screenshot FILE         of the view, as a PNG, when all is there\n"
    "  panel on|off            whether it is on screenshots\n"
    "  stats                   print a line of figures\n"
    "Only in a window:\n"
    "  screenshot-window FILE  of all of it\n"
    "  key KEY, type TEXT      as if someone did, key ctrl+l for instance\n"
    "  press X Y               the mouse's button, at a point\n"
    "\n"
    "Exit status: 0 fine, 1 something in the script could not be done, memory was "
    "refused\n"
    "or objects were left, 2 wrong usage, 3 cannot read or write, 4 malformed script.\n"
    "\n"
    "Example: rmbrowse /usr/share/doc/debian-handbook/html/en-US/index.html\n"
    "Example: rmbrowse --stats --csv session.csv --script session.txt\n"
    "Example: printf 'open page.html\\nscreenshot page.png\\n' | rmbrowse --script -\n";

/* Options without a letter. */
enum {
    OPTION_WIDTH = 256,
    OPTION_HEIGHT,
    OPTION_HEAP,
    OPTION_COMPACT,
    OPTION_IMAGE_CACHE,
    OPTION_BUDGET,
    OPTION_TIMEOUT,
    OPTION_PATIENCE,
    OPTION_CSV,
    OPTION_STATS,
    OPTION_JSON,
    OPTION_SCREENSHOTS,
    OPTION_VERSION
};

static const struct option options[] = {
    {"script", required_argument, NULL, 's'},
    {"window", no_argument, NULL, 'w'},
    {"width", required_argument, NULL, OPTION_WIDTH},
    {"height", required_argument, NULL, OPTION_HEIGHT},
    {"heap", required_argument, NULL, OPTION_HEAP},
    {"compact", required_argument, NULL, OPTION_COMPACT},
    {"image-cache", required_argument, NULL, OPTION_IMAGE_CACHE},
    {"budget", required_argument, NULL, OPTION_BUDGET},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"patience", required_argument, NULL, OPTION_PATIENCE},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"screenshots", required_argument, NULL, OPTION_SCREENSHOTS},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* ----------------------------------------------------------------- values */

static int set_pixels(const char *option, int *pixels) {
    uint64_t number;
    int status = parse_number(NULL, option, optarg, VIEW_LEAST, VIEW_MOST, &number);

    if (!status) *pixels = (int)number;
    return status;
}

static int set_seconds(const char *option, uint64_t *seconds) {
    return parse_number(NULL, option, optarg, 1, 86400, seconds);
}

static int set_size(const char *option, size_t *size) {
    uint64_t bytes;

    if (!parse_size(optarg, &bytes) || bytes == 0)
        return complain_usage(NULL, "--%s is a size such as 64MiB, not '%s'", option,
                              optarg);
    *size = bytes;
    return STATUS_OK;
}

static int set_heap(struct settings *settings) {
    settings->browser.shared = strcmp(optarg, "shared") == 0;
    if (settings->browser.shared || strcmp(optarg, "tab") == 0) return STATUS_OK;
    return complain_usage(NULL, "--heap is tab or shared, not '%s'", optarg);
}

static int set_compact(struct settings *settings) {
    settings->compact_said = true;
    for (compaction_t i = COMPACT_OFF; i <= COMPACT_STEADY; i++) {
        if (strcmp(optarg, compaction_names[i]) != 0) continue;
        settings->browser.compaction = i;
        return STATUS_OK;
    }
    return complain_usage(NULL, "--compact is off, idle or steady, not '%s'", optarg);
}

/* The whole fetch, and what is a part of it. */
static int set_timeout(struct fetch_limits *limits) {
    uint64_t seconds;
    int status = set_seconds("timeout", &seconds);

    if (status) return status;
    limits->total_ms = (long)seconds * 1000;
    if (limits->connect_ms > limits->total_ms) limits->connect_ms = limits->total_ms;
    if (limits->idle_ms > limits->total_ms) limits->idle_ms = limits->total_ms;
    return STATUS_OK;
}

static int set_patience(unsigned *patience_s) {
    uint64_t seconds;
    int status = set_seconds("patience", &seconds);

    if (!status) *patience_s = (unsigned)seconds;
    return status;
}

static int set(void *context, int option) {
    struct settings *settings = context;

    switch (option) {
    case 's': settings->script = optarg; break;
    case 'w': settings->window = true; break;
    case OPTION_WIDTH: return set_pixels("width", &settings->browser.width);
    case OPTION_HEIGHT: return set_pixels("height", &settings->browser.height);
    case OPTION_HEAP: return set_heap(settings);
    case OPTION_COMPACT: return set_compact(settings);
    case OPTION_IMAGE_CACHE:
        return set_size("image-cache", &settings->browser.image_budget);
    case OPTION_BUDGET: return set_size("budget", &settings->browser.budget);
    case OPTION_TIMEOUT: return set_timeout(&settings->browser.fetch);
    case OPTION_PATIENCE: return set_patience(&settings->patience_s);
    case OPTION_CSV: settings->csv = optarg; break;
    case OPTION_STATS: settings->stats = true; break;
    case OPTION_JSON: settings->json = true; break;
    case OPTION_SCREENSHOTS: settings->screenshots = optarg; break;
    case OPTION_VERSION: return -1;
    }
    return STATUS_OK;
}

/* -------------------------------------------------------- the whole of them */

/* What lies in malloc stays where it is: there is one policy, and no other is taken for it. */
static int check_policy(struct settings *settings) {
    if (strcmp(store_kind, "malloc") != 0) return STATUS_OK;
    if (settings->compact_said && settings->browser.compaction != COMPACT_OFF)
        return complain_usage(NULL,
                              "objects in malloc cannot be moved: --compact is off");
    settings->browser.compaction = COMPACT_OFF;
    return STATUS_OK;
}

static int check(struct settings *settings) {
    int status = check_policy(settings);

    if (status) return status;
    if (settings->script && settings->n_urls > 0)
        return complain_usage(NULL, "a script opens its own pages: what is '%s'?",
                              settings->urls[0]);
    if (!settings->script && settings->screenshots)
        return complain_usage(NULL, "--screenshots is for a script's");
    if (settings->n_urls > TABS_MAX)
        return complain_usage(NULL, "at most %d tabs can be open", TABS_MAX);
    if (!settings->script) settings->window = true;
    return check_standard_output(NULL, "--csv, --json", &settings->csv, 1, settings->json,
                                 NULL);
}

int settings_read(struct settings *settings, int argc, char **argv, bool *done) {
    static const struct option_reader reader = {
        .help = help, .letters = ":s:wh", .options = options, .set = set};
    int status;

    *settings = (struct settings){.browser = browser_options_default, .patience_s = 120};
    status = parse_options(&reader, argc, argv, settings, done);
    if (status == -1) {
        *done = true;
        printf("%s %s\n", program_invocation_short_name, tool_version);
        return STATUS_OK;
    }
    if (status || *done) return status;
    settings->urls = argv + optind;
    settings->n_urls = argc - optind;
    return check(settings);
}
