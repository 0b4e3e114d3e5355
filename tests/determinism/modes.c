/* SPDX-License-Identifier: MIT */
#include "modes.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "script.h"

static void *nothing(void *context) { return context; }

/* From now on what is safe for threads is used as between them. */
static bool begin_thread(void) {
    static bool begun;
    pthread_t thread;

    if (!begun && pthread_create(&thread, NULL, nothing, NULL) == 0)
        begun = pthread_join(thread, NULL) == 0;
    return begun;
}

rm_heap_t *mode_heap(enum mode mode, rm_heap_options_t options) {
    rm_heap_t *heap = NULL;

    options.threads = mode == MODE_ALONE ? RM_THREADS_NONE : RM_THREADS_SAFE;
    if (mode >= MODE_BETWEEN && mode <= MODE_TURNS && !begin_thread()) return NULL;
    options.integrity = mode == MODE_SEALED;
    options.fence_every = mode == MODE_FENCED;
    if (mode == MODE_ON_CHANGE) setenv("RMALLOC_STRESS", "onchange:7", 1);
    if (mode == MODE_ON_ALL) setenv("RMALLOC_STRESS", "onall:7", 1);
    (void)rm_heap_create(&heap, &options);
    unsetenv("RMALLOC_STRESS");
    return heap;
}

unsigned mode_script(enum mode mode) {
    switch (mode) {
    case MODE_VIEWED:
    case MODE_TURNS: return SCRIPT_VIEWED;
    case MODE_ON_CHANGE:
    case MODE_ON_ALL: return SCRIPT_SLOW;
    case MODE_FENCED: return SCRIPT_NOWHERE;
    default: return 0;
    }
}
