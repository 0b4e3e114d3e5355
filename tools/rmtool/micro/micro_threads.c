/* SPDX-License-Identifier: MIT */
/*
 * Locks beside bare counts, and locks and allocations once more, in a process that has a
 * second thread. It sleeps; but whoever leaves out synchronisation while there is one
 * thread, as glibc's malloc does, can no longer do so. To run after what has no thread:
 * that there was one may be remembered.
 */
#include "micro/micro.h"

#include <pthread.h>
#include <string.h>

#include "base/say.h"

struct sleeper {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool over;
};

static void *sleep_on(void *context) {
    struct sleeper *sleeper = context;

    pthread_mutex_lock(&sleeper->mutex);
    while (!sleeper->over) pthread_cond_wait(&sleeper->wake, &sleeper->mutex);
    pthread_mutex_unlock(&sleeper->mutex);
    return NULL;
}

int micro_threads(struct micro *micro) {
    struct sleeper sleeper = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .wake = PTHREAD_COND_INITIALIZER};
    int error = pthread_create(&sleeper.thread, NULL, sleep_on, &sleeper);

    if (error) return complain(STATUS_IO, "no second thread: %s", strerror(error));
    int status = micro_beside(micro);
    if (status == STATUS_OK) status = micro_lock(micro);
    if (status == STATUS_OK) status = micro_alloc(micro);
    pthread_mutex_lock(&sleeper.mutex);
    sleeper.over = true;
    pthread_cond_signal(&sleeper.wake);
    pthread_mutex_unlock(&sleeper.mutex);
    pthread_join(sleeper.thread, NULL);
    return status;
}
