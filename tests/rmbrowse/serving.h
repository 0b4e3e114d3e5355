/* SPDX-License-Identifier: MIT */
/* server.py, begun by a test, and gone with it. Without python3 the test is skipped. */
#ifndef SERVING_H
#define SERVING_H

#include <stdbool.h>

/* Serves the files of `root` (NULL: none) beside the server's own pages. False: it cannot, and g_test_skip was called. */
bool serving_begin(const char *root);
/* The URL of a path, "-/status/404"; good until the next call but seven. */
const char *serving_url(const char *format, ...) __attribute__((format(printf, 1, 2)));
void serving_end(void);

#endif
