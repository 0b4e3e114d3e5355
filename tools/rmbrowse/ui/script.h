/* SPDX-License-Identifier: MIT */
/*
 * Scripts: one command a line, all of them read before the first is run. README.rst has the language.
 */
#ifndef RMBROWSE_SCRIPT_H
#define RMBROWSE_SCRIPT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum verb {
    VERB_OPEN,
    VERB_GO,
    VERB_WAIT,
    VERB_SCROLL,
    VERB_CLICK,
    VERB_BACK,
    VERB_FORWARD,
    VERB_RELOAD,
    VERB_TAB,
    VERB_CLOSE,
    VERB_COMPACT,
    VERB_RESIZE,
    VERB_SCREENSHOT,
    VERB_SCREENSHOT_WINDOW,
    VERB_PANEL,
    VERB_STATS,
    VERB_KEY,
    VERB_TYPE,
    VERB_PRESS
} verb_t;

struct command {
    verb_t verb;
    uint64_t line;
    char *text;         /* what follows the verb; NULL: nothing does */
    long first, second; /* numbers in it */
};

/* Where `scroll top` and `scroll bottom` go, as numbers. */
#define SCROLL_TOP LONG_MIN
#define SCROLL_BOTTOM LONG_MAX

struct script {
    const char *name; /* of its file, for messages */
    struct command *commands;
    size_t n;
};

/*
 * Reads a script.
 *  path: of its file, "-": standard input; kept, not copied.
 * Returns: a status (base/say.h), having complained; STATUS_MALFORMED with the line. Whatever it is, script_free is
 *        due.
 */
int script_read(struct script *script, const char *path);
void script_free(struct script *script);

#endif
