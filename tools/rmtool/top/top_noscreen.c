/* SPDX-License-Identifier: MIT */
/* In place of top_screen.c, where there is no ncurses. */
#include "base/say.h"
#include "top/top.h"

const bool top_has_screen = false;

int top_screen(struct top *top, long number, char said[200]) {
    (void)top, (void)number, (void)said;
    return complain(STATUS_USAGE, "this rmtool was built without ncurses");
}
