/* SPDX-License-Identifier: MIT */
/* What the system lists of this process: how many of its threads, or its descriptors. */
#ifndef RM_TESTS_LISTED_H
#define RM_TESTS_LISTED_H

#include <glib.h>

static inline unsigned n_listed(const char *name) {
    unsigned n = 0;
    GDir *folder = g_dir_open(name, 0, NULL);
    g_assert_nonnull(folder);
    while (g_dir_read_name(folder) != NULL) n++;
    g_dir_close(folder);
    return n;
}
static inline unsigned n_descriptors(void) { return n_listed("/proc/self/fd"); }
static inline unsigned n_threads(void) { return n_listed("/proc/self/task"); }

#endif
