/* SPDX-License-Identifier: MIT */
#include "top.h"
const bool top_has_screen = false;
int top_screen(struct top *top, long number, char said[200]) { return 0; }
