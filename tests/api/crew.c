/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "fault.h"

bool fails(struct worker *worker, const char *text) {
    if (text != NULL && worker->wrong == NULL) {
        snprintf(worker->text, sizeof(worker->text), "%s", text);
        worker->wrong = worker->text;
    }
    return worker->wrong != NULL;
}

bool fails_status(struct worker *worker, const char *call, rm_status_t status,
                  rm_status_t wanted) {
    if (status == wanted) return worker->wrong != NULL;
    return fails(worker, fault("%s: status %d, not %d", call, (int)status, (int)wanted));
}

void worker_start(struct worker *worker, void *(*body)(void *)) {
    worker->wrong = NULL;
    worker->n_done = 0;
    if (pthread_create(&worker->thread, NULL, body, worker) != 0)
        give_up("no thread for a test");
}

void worker_join(struct worker *worker) {
    if (pthread_join(worker->thread, NULL) != 0) give_up("a thread cannot be joined");
}

void meet(struct meeting *meeting, unsigned k) {
    atomic_fetch_add(&meeting->n_come, 1);
    for (unsigned spins = 0; atomic_load(&meeting->n_come) < k * meeting->n_threads;)
        if (++spins % 256 == 0) sched_yield(); /* there may be fewer cores than threads */
}

void tale_turn(struct tale *tale, unsigned chapter) {
    pthread_mutex_lock(&tale->mutex);
    tale->chapter = chapter;
    pthread_cond_broadcast(&tale->turned);
    pthread_mutex_unlock(&tale->mutex);
}

void tale_await(struct tale *tale, unsigned chapter) {
    pthread_mutex_lock(&tale->mutex);
    while (tale->chapter < chapter) pthread_cond_wait(&tale->turned, &tale->mutex);
    pthread_mutex_unlock(&tale->mutex);
}

uint64_t now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sleep_ns(uint64_t nanoseconds) {
    struct timespec t = {(time_t)(nanoseconds / 1000000000u),
                         (long)(nanoseconds % 1000000000u)};

    while (nanosleep(&t, &t) != 0 && errno == EINTR) continue;
}
