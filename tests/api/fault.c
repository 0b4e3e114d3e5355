/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *fault(const char *format, ...) {
    static _Thread_local char text[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return text;
}

void give_up(const char *what) {
    printf("Bail out! %s\n", what);
    fflush(stdout);
    exit(99);
}
