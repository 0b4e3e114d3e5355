/* SPDX-License-Identifier: MIT */
#include "ui/script.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

/* What may follow a verb; `say` has it in words. */
enum shape {
    SHAPE_NONE,
    SHAPE_TEXT,
    SHAPE_COUNT,
    SHAPE_SCROLL,
    SHAPE_PAIR,
    SHAPE_SWITCH
};

static const struct form {
    const char *name;
    verb_t verb;
    enum shape shape;
    bool optional; /* nothing at all will do */
    const char *say;
} forms[] = {
    {"open", VERB_OPEN, SHAPE_TEXT, false, "a URL"},
    {"go", VERB_GO, SHAPE_TEXT, false, "a URL"},
    {"wait", VERB_WAIT, SHAPE_COUNT, true, "a number of frames, or nothing"},
    {"scroll", VERB_SCROLL, SHAPE_SCROLL, false, "a number of pixels, top or bottom"},
    {"click", VERB_CLICK, SHAPE_TEXT, false, "a link's text"},
    {"back", VERB_BACK, SHAPE_NONE, true, "nothing"},
    {"forward", VERB_FORWARD, SHAPE_NONE, true, "nothing"},
    {"reload", VERB_RELOAD, SHAPE_NONE, true, "nothing"},
    {"tab", VERB_TAB, SHAPE_COUNT, false, "a tab's number"},
    {"close", VERB_CLOSE, SHAPE_COUNT, true, "a tab's number, or nothing"},
    {"compact", VERB_COMPACT, SHAPE_NONE, true, "nothing"},
    {"resize", VERB_RESIZE, SHAPE_PAIR, false, "a width and a height"},
    {"screenshot", VERB_SCREENSHOT, SHAPE_TEXT, false, "a file's name"},
    {"screenshot-window", VERB_SCREENSHOT_WINDOW, SHAPE_TEXT, false, "a file's name"},
    {"panel", VERB_PANEL, SHAPE_SWITCH, false, "on or off"},
    {"stats", VERB_STATS, SHAPE_NONE, true, "nothing"},
    {"key", VERB_KEY, SHAPE_TEXT, false, "a key's name"},
    {"type", VERB_TYPE, SHAPE_TEXT, false, "a text"},
    {"press", VERB_PRESS, SHAPE_PAIR, false, "a point of the window: x and y"},
};
enum { N_FORMS = sizeof(forms) / sizeof(forms[0]) };

/* The longest thing that a count or a distance can be: more frames or pixels than anyone means. */
#define MOST 1000000L

/* A number from least to MOST; what follows it, in *rest. */
static bool read_number(const char *text, long least, long *number, const char **rest) {
    char *end;

    if (*text != '-' && !g_ascii_isdigit(*text)) return false;
    errno = 0;
    *number = strtol(text, &end, 10);
    *rest = end;
    return end > text && errno == 0 && *number >= least && *number <= MOST;
}

static bool read_one_number(const char *text, long least, long *number) {
    const char *rest;

    return read_number(text, least, number, &rest) && *rest == '\0';
}

static bool read_pair(const char *text, struct command *command) {
    const char *rest;

    if (!read_number(text, 0, &command->first, &rest) || !g_ascii_isspace(*rest))
        return false;
    return read_one_number(rest + strspn(rest, " \t"), 0, &command->second);
}

static bool read_scroll(const char *text, long *pixels) {
    if (strcmp(text, "top") == 0)
        *pixels = SCROLL_TOP;
    else if (strcmp(text, "bottom") == 0)
        *pixels = SCROLL_BOTTOM;
    else
        return read_one_number(text, -MOST, pixels);
    return true;
}

static bool read_switch(const char *text, long *on) {
    *on = strcmp(text, "on") == 0;
    return *on || strcmp(text, "off") == 0;
}

/* Whether `text` is of the form; what it says goes into the command. */
static bool read_argument(const struct form *form, const char *text,
                          struct command *command) {
    if (*text == '\0') return form->optional;
    switch (form->shape) {
    case SHAPE_NONE: return false;
    case SHAPE_TEXT: return true;
    case SHAPE_COUNT: return read_one_number(text, 1, &command->first);
    case SHAPE_SCROLL: return read_scroll(text, &command->first);
    case SHAPE_PAIR: return read_pair(text, command);
    case SHAPE_SWITCH: return read_switch(text, &command->first);
    }
    return false;
}

static const struct form *find_form(const char *name, size_t length) {
    for (size_t i = 0; i < N_FORMS; i++) {
        if (strlen(forms[i].name) == length && memcmp(forms[i].name, name, length) == 0)
            return &forms[i];
    }
    return NULL;
}

/* A command of a line that has one. */
static int read_command(const char *file, uint64_t number, const char *line,
                        struct command *command) {
    size_t length = strcspn(line, " \t");
    const char *argument = line + length + strspn(line + length, " \t");
    const struct form *form = find_form(line, length);

    if (!form)
        return complain_at(STATUS_MALFORMED, file, number, "no command '%.*s'",
                           (int)(length < 60 ? length : 60), line);
    *command = (struct command){.verb = form->verb, .line = number};
    if (!read_argument(form, argument, command))
        return complain_at(STATUS_MALFORMED, file, number, "%s takes %s, not '%.60s'",
                           form->name, form->say, argument);
    if (*argument == '\0') return STATUS_OK;
    command->text = strdup(argument);
    return command->text ? STATUS_OK : complain(STATUS_IO, "no memory to read %s", file);
}

static int read_line(struct script *script, uint64_t number, char *line, size_t length) {
    struct command command, *commands;
    int status;

    if (strlen(line) != length || !g_utf8_validate(line, -1, NULL))
        return complain_at(STATUS_MALFORMED, script->name, number, "not text in UTF-8");
    g_strstrip(line);
    if (*line == '\0' || *line == '#') return STATUS_OK;
    status = read_command(script->name, number, line, &command);
    if (status) return status;
    commands = reallocarray(script->commands, script->n + 1, sizeof(*commands));
    if (!commands) {
        free(command.text);
        return complain(STATUS_IO, "no memory to read %s", script->name);
    }
    script->commands = commands;
    script->commands[script->n++] = command;
    return STATUS_OK;
}

int script_read(struct script *script, const char *path) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    size_t size = 0;
    char *line = NULL;
    ssize_t length;
    int status = STATUS_OK;

    *script = (struct script){.name = standard ? "standard input" : path};
    if (!file) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    for (uint64_t n = 1; !status && (length = getline(&line, &size, file)) >= 0; n++)
        status = read_line(script, n, line, (size_t)length);
    if (!status && ferror(file))
        status = complain(STATUS_IO, "%s: %s", script->name, strerror(errno));
    free(line);
    if (!standard) fclose(file);
    return status;
}

void script_free(struct script *script) {
    for (size_t i = 0; i < script->n; i++) free(script->commands[i].text);
    free(script->commands);
    *script = (struct script){0};
}
