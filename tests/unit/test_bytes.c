/* SPDX-License-Identifier: MIT */
/* Copying and filling that no sanitizer looks at: as memmove and memset, at all offsets and lengths. */
#include "bytes.h"

#include <glib.h>

enum { ROOM = 96, LONGEST = 40 };

static void test_copy(void) {
    unsigned char is[ROOM], wanted[ROOM];
    for (size_t from = 0; from + LONGEST <= ROOM; from++)
        for (size_t to = 0; to + LONGEST <= ROOM; to++)
            for (size_t n = 0; n <= LONGEST; n++) {
                for (unsigned i = 0; i < ROOM; i++) is[i] = wanted[i] = (unsigned char)i;
                bytes_copy_unseen((char *)is + to, (char *)is + from, n);
                memmove(wanted + to, wanted + from, n);
                if (memcmp(is, wanted, ROOM) != 0)
                    g_error("%zu bytes from %zu to %zu", n, from, to);
            }
}

static void test_fill(void) {
    unsigned char is[ROOM], wanted[ROOM];
    for (size_t to = 0; to + LONGEST <= ROOM; to++)
        for (size_t n = 0; n <= LONGEST; n++) {
            memset(is, 1, ROOM);
            memset(wanted, 1, ROOM);
            bytes_fill_unseen((char *)is + to, 0xa5, n);
            memset(wanted + to, 0xa5, n);
            g_assert_cmpmem(is, ROOM, wanted, ROOM);
        }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bytes/copy", test_copy);
    g_test_add_func("/bytes/fill", test_fill);
    return g_test_run();
}
