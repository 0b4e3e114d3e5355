/* SPDX-License-Identifier: MIT */
/*
 * In place of say.c: complaints are made, so that a sanitizer sees what they are made of,
 * and not printed.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/say.h"

static char text[4096];

int complain(int status, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return status;
}

int complain_at(int status, const char *file, uint64_t line, const char *format, ...) {
    va_list arguments;

    snprintf(text, sizeof(text), "%s:%llu", file, (unsigned long long)line);
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return status;
}

int complain_usage(const char *verb, const char *format, ...) {
    va_list arguments;

    snprintf(text, sizeof(text), "%s", verb);
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return STATUS_USAGE;
}

void progress_begin(const char *what, bool wanted) {
    (void)what;
    (void)wanted;
}

void progress_update(uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
}

void progress_end(void) {}
