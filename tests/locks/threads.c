/* SPDX-License-Identifier: MIT */
/*
 * Threads that do nothing but make blocks, store to them and free them: each block is
 * accessed three times between its malloc and its free, whatever the others do meanwhile.
 * Usage: threads THREADS BLOCKS
 */
#include <pthread.h>
#include <stdlib.h>

#define SIZE 57 /* of no block but these */
#define THREADS_MOST 16

static size_t n_blocks;

static void *work(void *unused) {
    for (size_t i = 0; i < n_blocks; i++) {
        volatile char *block = malloc(SIZE);
        if (!block) abort();
        block[0] = block[SIZE / 2] = block[SIZE - 1] = 1;
        free((void *)block);
    }
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS_MOST];
    size_t n = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;

    if (n == 0 || n > THREADS_MOST) return 2;
    n_blocks = strtoul(argv[2], NULL, 10);
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 1;
    for (size_t i = 0; i < n; i++) pthread_join(threads[i], NULL);
    return 0;
}
