/* SPDX-License-Identifier: MIT */
#include "packer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "say.h"

#define LEVEL 9 /* levels above it take ten times as long for a tenth less */
#define OUT_SIZE ((size_t)128 << 10)

struct packer {
    FILE *file, *stream;
    const char *path;
    ZSTD_CCtx *zstd;
    const char
        *wrong; /* what has failed first, as zstd or the system says; NULL: nothing */
    char out[OUT_SIZE];
};

/* Until all of the input is taken, and with `end` until all of it is out. */
static bool pack(struct packer *packer, const char *text, size_t size,
                 ZSTD_EndDirective end) {
    ZSTD_inBuffer in = {text, size, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {packer->out, OUT_SIZE, 0};
        left = ZSTD_compressStream2(packer->zstd, &out, &in, end);
        if (ZSTD_isError(left)) {
            packer->wrong = ZSTD_getErrorName(left);
            return false;
        }
        errno = 0;
        if (fwrite(packer->out, 1, out.pos, packer->file) != out.pos) {
            if (!packer->wrong) packer->wrong = errno ? strerror(errno) : "cannot write";
            return false;
        }
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return true;
}

static ssize_t take(void *cookie, const char *text, size_t size) {
    return pack(cookie, text, size, ZSTD_e_continue) ? (ssize_t)size : 0;
}

int packer_open(struct packer **out, FILE *file, const char *path) {
    static const cookie_io_functions_t functions = {.write = take};
    struct packer *packer = calloc(1, sizeof(*packer));

    *out = NULL;
    if (packer) {
        packer->zstd = ZSTD_createCCtx();
        if (packer->zstd) packer->stream = fopencookie(packer, "w", functions);
    }
    if (!packer || !packer->stream) {
        if (packer) ZSTD_freeCCtx(packer->zstd);
        free(packer);
        return complain(STATUS_IO, "no memory to compress %s", path);
    }
    packer->file = file;
    packer->path = path;
    setvbuf(packer->stream, NULL, _IOFBF, OUT_SIZE);
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
    *out = packer;
    return STATUS_OK;
}

FILE *packer_stream(struct packer *packer) { return packer->stream; }

int packer_close(struct packer *packer) {
    int status = STATUS_OK;

    if (!packer) return STATUS_OK;
    bool failed = ferror(packer->stream) != 0;
    failed = fclose(packer->stream) != 0 || failed;
    failed = failed || !pack(packer, NULL, 0, ZSTD_e_end);
    if (failed)
        status = complain(STATUS_IO, "%s: %s", packer->path,
                          packer->wrong ? packer->wrong : "could not be written");
    ZSTD_freeCCtx(packer->zstd);
    free(packer);
    return status;
}
