/* SPDX-License-Identifier: MIT */
/* A broken invariant of our own is told by its place, number and text, and the program ends. */
#include "check.h"

#include <glib.h>

static void test_failed(void) {
    if (g_test_subprocess()) check_failed("lib/room.c", 77, 9, "n_live <= n_taken");
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(
        "rmalloc: lib/room.c:77: invariant 9 broken: n_live <= n_taken\n");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/check/failed", test_failed);
    return g_test_run();
}
