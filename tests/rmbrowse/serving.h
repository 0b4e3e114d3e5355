/* SPDX-License-Identifier: MIT */
/* server.py, begun by a test program, and gone with it. */
#ifndef SERVING_H
#define SERVING_H

#include <stdbool.h>

/* Serves the files of `root` (NULL: none) beside the server's own pages. False: there is no python3. */
bool serving_begin(const char *root);
/* The URL of a path, "-/status/404"; good until the next call but seven. NULL: no server was begun. */
const char *serving_url(const char *format, ...) __attribute__((format(printf, 1, 2)));
void serving_end(void);

#endif
