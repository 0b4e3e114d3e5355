/* SPDX-License-Identifier: MIT */
/*
 * Little but malloc and free: "heavy [PAIRS]", blocks of 16 bytes to 4 KiB, most of them
 * small, 10,000 live; each is written to once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIVE 10000

int main(int argc, char **argv) {
    static void *blocks[LIVE];
    long pairs = argc > 1 ? atol(argv[1]) : 10000000;
    uint64_t random = 1;

    for (long i = 0; i < pairs; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        void **place = &blocks[(random >> 33) % LIVE];
        size_t size = 16 + (random >> 20 & ((UINT64_C(16) << (random >> 50 & 7)) - 1));
        free(*place);
        *place = malloc(size);
        if (!*place) return 1;
        memset(*place, (int)i, size);
    }
    for (int i = 0; i < LIVE; i++) free(blocks[i]);
    return 0;
}
