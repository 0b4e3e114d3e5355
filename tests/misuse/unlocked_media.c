/* SPDX-License-Identifier: MIT */
/* The corpus: arrays and pictures, aligned, large, and in heaps of other kinds, used after unlock. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

UNLOCKED(bitmap_rows, "picture: rows as addresses, the block unlocked") {
    enum { WIDTH = 40, HEIGHT = 30 };
    unsigned char *rows[HEIGHT];
    unsigned sum = 0;
    memory_t *h = bytes_block(WIDTH * HEIGHT, 1);
    unsigned char *at = lock(h);
    for (unsigned y = 0; y < HEIGHT; y++) rows[y] = at + y * WIDTH;
    WRONG(unlock(h));
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++) GUILTY(sum += rows[y][x]);
    RIGHT(unlock(h));
    expect(sum == WIDTH * HEIGHT, "the picture is another");
}

UNLOCKED(bitmap_draw, "picture: drawn into after the unlock") {
    unsigned width = 20 + below(20), height = 20 + below(20), sum = 0;
    memory_t *h = bytes_block(width * height, 0);
    unsigned char *at = lock(h);
    WRONG(unlock(h));
    for (unsigned y = 0; y < height; y++) GUILTY(memset(at + y * width, (int)y, width));
    RIGHT(unlock(h));
    at = lock(h);
    for (unsigned y = 0; y < height; y++) sum += at[y * width];
    unlock(h);
    expect(sum == height * (height - 1) / 2, "the picture is another");
}

UNLOCKED(bitmap_blit, "picture: the source unlocked before it is copied") {
    memory_t *source = bytes_block(900, 7), *target = bytes_block(900, 0);
    const unsigned char *from = lock(source);
    WRONG(unlock(source));
    unsigned char *to = lock(target);
    GUILTY(memcpy(to, from, 900));
    RIGHT(unlock(source));
    unlock(target);
    expect(bytes_are(target, 900, 7), "the picture is another");
}

UNLOCKED(samples_hoisted, "loop: the address is taken before it, the lock inside of it") {
    memory_t *h = bytes_block(4 * 500, 0);
    int *samples = lock(h), sum = 0;
    WRONG(unlock(h));
    for (int i = 0; i < 500; i++) {
        WRONG(if (i % 10 == 0) {
            lock(h);
            unlock(h);
        });
        GUILTY(samples[i] = i);
    }
    RIGHT(unlock(h));
    samples = lock(h);
    for (int i = 0; i < 500; i++) sum += samples[i];
    unlock(h);
    expect(sum == 500 * 499 / 2, "samples are lost");
}

static int by_value(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

UNLOCKED(samples_found, "bsearch's result used after the unlock") {
    memory_t *h = block(400);
    int *samples = lock(h), key = 4 * (int)below(100);
    for (int i = 0; i < 100; i++) samples[i] = 4 * i;
    const int *found = bsearch(&key, samples, 100, sizeof key, by_value);
    WRONG(unlock(h));
    GUILTY(expect(*found == key, "the sample is another"));
    RIGHT(unlock(h));
}

UNLOCKED(vector_struct, "a struct copied out of an unlocked array") {
    struct point {
        double x, y, z;
    } * points, p;
    memory_t *h = block(50 * sizeof *points);
    points = lock(h);
    for (unsigned i = 0; i < 50; i++) points[i] = (struct point){i, i, i};
    unsigned i = below(50);
    WRONG(unlock(h));
    GUILTY(p = points[i]);
    RIGHT(unlock(h));
    expect(p.x == i && p.z == i, "the point is another");
}

UNLOCKED(aligned_vectors, "a block aligned to 64, used after its unlock") {
    memory_t *h = aligned_block(1024, 64);
    float *v = lock(h), sum = 0;
    for (unsigned i = 0; i < 256; i++) v[i] = 1;
    WRONG(unlock(h));
    for (unsigned i = 0; i < 256; i++) GUILTY(v[i] *= 2);
    RIGHT(unlock(h));
    v = lock(h);
    for (unsigned i = 0; i < 256; i++) sum += v[i];
    unlock(h);
    expect(sum == 512, "the vector is another");
}

UNLOCKED(array_large, "a block of 60,000 bytes, written at its end after the unlock") {
    memory_t *h = bytes_block(60000, 5);
    unsigned char *at = lock(h);
    unsigned where = 59000 + below(1000);
    WRONG(unlock(h));
    GUILTY(at[where] = 6);
    RIGHT(unlock(h));
    at = lock(h);
    expect(at[where] == 6, "the byte is another");
    unlock(h);
}

/* In heaps of the library's own memory: blocks of 256 KiB and more move by pages. */

UNLOCKED(array_pages,
         "a block of 1 MiB in a growing heap, used after a compaction moved it") {
    rm_heap_t *growing = open_growing(RM_THREADS_NONE);
    memory_t *below_it = block_in(growing, 700000), *h = block_in(growing, 1 << 20);
    unsigned char *at = lock(h);
    memset(at, 3, 1 << 20);
    WRONG(unlock(h));
    drop(below_it);
    compact(growing);
    unsigned where = (1 << 19) + below(1 << 18);
    GUILTY(at[where] = 4);
    RIGHT(unlock(h));
    at = lock(h);
    expect(at[where] == 4, "the byte is another");
    unlock(h);
}

UNLOCKED(array_pages_read, "the same, read") {
    rm_heap_t *growing = open_growing(RM_THREADS_NONE);
    memory_t *below_it = block_in(growing, 700000), *h = block_in(growing, 1 << 20);
    unsigned char *at = lock(h), byte;
    memset(at, 3, 1 << 20);
    WRONG(unlock(h));
    drop(below_it);
    compact(growing);
    unsigned where = (1 << 19) + below(1 << 18);
    GUILTY(byte = at[where]);
    RIGHT(unlock(h));
    expect(byte == 3, "the byte is another");
}

UNLOCKED(default_heap, "a block of the default heap, used after its unlock") {
    memory_t *h;
    int *at;
    must(rmalloc(&h, 64));
    must(rmlock(h, (void **)&at));
    at[3] = 77;
    WRONG(must(rmunlock(h)));
    GUILTY(at[3]++);
    RIGHT(must(rmunlock(h)));
    must(rmlock(h, (void **)&at));
    expect(at[3] == 78, "the number is another");
    must(rmunlock(h));
}
