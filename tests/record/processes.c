/* SPDX-License-Identifier: MIT */
/*
 * Forks, in all the ways there are, and ends.
 */
#include "calls.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 1000

const char *program_path;

void kill_myself(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void wait_for_all(void) {
    int state;

    while (wait(&state) > 0)
        if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) abort();
}

/* Blocks of the parent are freed in the child, some in both; then the same a generation
   on. */
static void family(int generations) {
    void *blocks[BLOCKS];

    for (int i = 0; i < BLOCKS; i++) blocks[i] = malloc((size_t)i);
    for (int i = 0; i < BLOCKS; i += 3) free(blocks[i]);
    for (int i = 1; i < BLOCKS; i += 3) blocks[i] = realloc(blocks[i], 50);
    for (int child = 0; child < 3; child++) {
        if (fork() != 0) continue;
        for (int i = 1; i < BLOCKS; i += 3) free(blocks[i]);
        for (int i = 2; i < BLOCKS; i += 3) blocks[i] = realloc(blocks[i], 100);
        if (generations > 0) family(generations - 1);
        for (int i = 2; i < BLOCKS; i += 3) free(blocks[i]);
        wait_for_all();
        _exit(0);
    }
    for (int i = 1; i < BLOCKS; i++)
        if (i % 3 != 0) free(blocks[i]);
    wait_for_all();
}

void run_fork(void) { family(1); }

/* Others allocate while one forks: the child has what they had, and frees none of it but
   what is in `shared`. */
#define SHARED 64
static void *_Atomic shared[SHARED];
static atomic_bool over;

static void *busy(void *number) {
    unsigned at = (unsigned)(unsigned long)number;

    while (!atomic_load(&over)) {
        void *block = malloc(at % 500);
        free(atomic_exchange(&shared[at % SHARED], block));
        at = at * 1664525 + 1013904223;
    }
    return NULL;
}

void run_fork_threads(void) {
    pthread_t threads[3];

    for (unsigned long i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, busy, (void *)i);
    for (int i = 0; i < 20; i++) {
        usleep(2000);
        if (fork() != 0) continue;
        for (int j = 0; j < SHARED; j++) free(atomic_exchange(&shared[j], NULL));
        for (int j = 0; j < 1000; j++) free(malloc((size_t)j));
        _exit(0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    wait_for_all();
}

static void become(const char *what) {
    execl(program_path, program_path, what, (char *)NULL);
    _exit(127);
}

void run_fork_exec(void) {
    free(malloc(10));
    if (fork() == 0) become("idle");
    if (fork() == 0) {
        free(malloc(20));
        become("idle");
    }
    if (fork() == 0) _exit(0);
    wait_for_all();
}

/* The child has its parent's memory, and uses it. */
void run_vfork(void) {
    for (int i = 0; i < 10; i++) {
        void *volatile block = malloc(10);
        pid_t child = vfork();
        if (child == 0) {
            free(block);
            block = malloc(1000);
            become("idle");
        }
        if (child < 0) abort();
        free(block);
        wait_for_all();
    }
}

/* No handler of pthread_atfork hears of this one. */
void run_raw_fork(void) {
    void *block = malloc(10);

    free(malloc(20));
    if (syscall(SYS_fork) == 0) {
        free(block);
        for (int i = 0; i < 1000; i++) free(malloc(30));
        _exit(0);
    }
    for (int i = 0; i < 1000; i++) free(malloc(40));
    wait_for_all(); /* no record tells of this fork: what is free before the child is seen is not inherited */
    free(block);
}

void run_idle(void) {}

/* Alive until it is ended from outside, or for some seconds. */
void run_linger(void) {
    for (int i = 0; i < 20000; i++) free(malloc(10));
    (void)!write(STDOUT_FILENO, "lingering\n", 10);
    sleep(20);
}

/* What it leaves behind goes on for a while. */
void run_daemon(void) {
    free(malloc(10));
    if (fork() != 0) return;
    for (int i = 0; i < 300; i++) {
        free(malloc(20));
        usleep(1000);
    }
}

/* Its first thread ends, and the others go on. */
static void *outlive(void *first) {
    pthread_join(*(pthread_t *)first, NULL);
    for (int i = 0; i < 300; i++) {
        free(malloc(20));
        usleep(3000);
    }
    return NULL;
}

void run_headless(void) {
    static pthread_t first, other;

    first = pthread_self();
    free(malloc(10));
    pthread_create(&other, NULL, outlive, &first);
    pthread_exit(NULL);
}

/* Children that can make no log. */
void run_childless(void) {
    struct rlimit none = {0, 0};

    free(malloc(10));
    setrlimit(RLIMIT_NOFILE, &none);
    for (int i = 0; i < 5; i++) {
        if (fork() == 0) _exit(0);
        free(malloc(10));
    }
    wait_for_all();
    usleep(100000);
}

/* There is always another one, for some seconds. */
void run_relay(void) {
    for (int i = 0; i < 40; i++) {
        free(malloc(10));
        usleep(50000);
        if (fork() != 0) _exit(0);
    }
}

/* Ends when it has been asked three times. */
static volatile sig_atomic_t asked;
static void on_request(int number) { asked += number == SIGTERM; }

void run_stubborn(void) {
    signal(SIGTERM, on_request);
    free(malloc(10));
    (void)!write(STDOUT_FILENO, "lingering\n", 10);
    for (int i = 0; asked < 3 && i < 100; i++) usleep(100000);
}
