/* SPDX-License-Identifier: MIT */
/*
 * Sessions of rmbrowse: what is taken for one has figures that make sense, and texts of them that fit.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "plot/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct session two[2];
    char text[SIZE_TEXT];
    const char *path = fuzz_file(data, size);

    if (session_read(&two[0], path) != 0) return 0;
    FUZZ_HOLDS(session_wanted(path));
    FUZZ_HOLDS(two[0].figures[SESSION_FRAMES] >= 1);
    FUZZ_HOLDS(two[0].figures[SESSION_FRAGMENTATION] <= 1);
    FUZZ_HOLDS(two[0].figures[SESSION_HALF] <= two[0].figures[SESSION_MOST]);
    FUZZ_HOLDS(two[0].figures[SESSION_MOST] <= two[0].figures[SESSION_LONGEST]);
    for (enum session_figure i = 0; i < N_SESSION_FIGURES; i++) {
        FUZZ_HOLDS(isnan(two[0].figures[i]) || two[0].figures[i] >= 0);
        FUZZ_HOLDS(strlen(session_text(text, &two[0], i)) < SIZE_TEXT);
    }
    two[1] = two[0];
    two[1].path = "another";
    sessions_tell_apart(two, 2);
    FUZZ_HOLDS(strcmp(two[0].name, two[1].name) != 0);
    return 0;
}
