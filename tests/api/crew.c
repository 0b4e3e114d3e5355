/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "asleep.h"
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
        if (++spins > 3000) sched_yield(); /* there may be fewer cores than threads */
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

static _Noreturn void be_child(child_fn *body, void *context, int to) {
    const char *text;

    alarm(120);
    text = body(context);
    if (text != NULL && write(to, text, strlen(text)) < 0) _exit(2);
    _exit(text != NULL);
}

const char *in_child(child_fn *body, void *context) {
    char text[300] = "";
    int ends[2], status = 0;
    size_t n = 0;
    ssize_t more;
    pid_t child;

    if (pipe(ends) != 0) return fault("no pipe");
    await_begun();
    child = fork();
    if (child < 0) return fault("no child");
    if (child == 0) be_child(body, context, ends[1]);
    close(ends[1]);
    while (n < sizeof(text) - 1) {
        more = read(ends[0], text + n, sizeof(text) - 1 - n);
        if (more == 0 || (more < 0 && errno != EINTR)) break;
        n += more > 0 ? (size_t)more : 0;
    }
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (status == 0 && n == 0) return NULL;
    if (n > 0) return fault("in the child: %s", text);
    return fault("the child ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
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
