/* SPDX-License-Identifier: MIT */
#include "base/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/say.h"

/* Above 9 it takes ten times as long for a tenth less; and where it has to keep up with a program that is being
   recorded, 9 takes four times as long as 3 for two thirds of the size. */
#define LEVEL 9
#define LEVEL_LONG 3
#define OUT_SIZE ((size_t)128 << 10)

struct packer {
    FILE *file;
    const char *path;
    ZSTD_CCtx *zstd;
    int status; /* of all so far */
    char out[OUT_SIZE];
};

static int failed(struct packer *packer, const char *what) {
    packer->status = complain(STATUS_IO, "%s: %s", packer->path, what);
    return packer->status;
}

/* Until all of the input is taken, and with `end` until all of it is out. */
static int pack(struct packer *packer, const char *text, size_t size,
                ZSTD_EndDirective end) {
    ZSTD_inBuffer in = {text, size, 0};
    size_t left;

    if (packer->status) return packer->status;
    do {
        ZSTD_outBuffer out = {packer->out, OUT_SIZE, 0};
        left = ZSTD_compressStream2(packer->zstd, &out, &in, end);
        if (ZSTD_isError(left)) return failed(packer, ZSTD_getErrorName(left));
        errno = 0;
        if (fwrite(packer->out, 1, out.pos, packer->file) != out.pos)
            return failed(packer, errno ? strerror(errno) : "could not be written");
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return STATUS_OK;
}

int packer_open(struct packer **out, FILE *file, const char *path, bool long_text) {
    struct packer *packer = calloc(1, sizeof(*packer));

    *out = NULL;
    if (packer) packer->zstd = ZSTD_createCCtx();
    if (!packer || !packer->zstd) {
        free(packer);
        return complain(STATUS_IO, "no memory to compress %s", path);
    }
    packer->file = file;
    packer->path = path;
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel,
                           long_text ? LEVEL_LONG : LEVEL);
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
    /* A zstd without threads refuses this and compresses in the caller's. */
    if (long_text) ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_nbWorkers, 1);
    *out = packer;
    return STATUS_OK;
}

int packer_write(struct packer *packer, const char *text, size_t size) {
    return pack(packer, text, size, ZSTD_e_continue);
}

int packer_close(struct packer *packer) {
    int status;

    if (!packer) return STATUS_OK;
    status = pack(packer, NULL, 0, ZSTD_e_end);
    packer_discard(packer);
    return status;
}

void packer_discard(struct packer *packer) {
    if (!packer) return;
    ZSTD_freeCCtx(packer->zstd);
    free(packer);
}
