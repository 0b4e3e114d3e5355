/* SPDX-License-Identifier: MIT */
#include "base/unpack.h"

#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>
#ifdef RMTOOL_ZLIB
#include <zlib.h>
#endif

#include "base/say.h"

#define WINDOW_LOG_MAX 27 /* 128 MiB: the limit of the trace format */

struct unpack {
    ZSTD_DCtx *zstd; /* NULL: it is gzip */
#ifdef RMTOOL_ZLIB
    z_stream gzip;
    bool ended; /* a member of the file; another may follow */
#endif
};

static bool is_zstd(const unsigned char *first, size_t n) {
    uint32_t magic = 0;

    if (n < 4) return false;
    for (size_t i = 0; i < 4; i++)
        magic |= (uint32_t)first[i] << (8 * i); /* little-endian by the format */
    return magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static bool is_gzip(const unsigned char *first, size_t n) {
    return n >= 2 && first[0] == 0x1f && first[1] == 0x8b;
}

#ifdef RMTOOL_ZLIB
static bool open_gzip(struct unpack *unpack) {
    return inflateInit2(&unpack->gzip, 15 + 16) == Z_OK; /* gzip's header alone */
}

static void close_gzip(struct unpack *unpack) { inflateEnd(&unpack->gzip); }

static const char *step_gzip(struct unpack *unpack, struct unpack_buffers *b) {
    z_stream *gzip = &unpack->gzip;
    int result;

    if (unpack->ended && b->in_at < b->in_size) {
        unpack->ended = false;
        if (inflateReset(gzip) != Z_OK) return "zlib: cannot begin anew";
    }
    gzip->next_in = (unsigned char *)(uintptr_t)(b->in + b->in_at);
    gzip->avail_in = (unsigned)(b->in_size - b->in_at);
    gzip->next_out = (unsigned char *)b->out + b->out_at;
    gzip->avail_out = (unsigned)(b->out_size - b->out_at);
    result = inflate(gzip, Z_NO_FLUSH);
    b->in_at = b->in_size - gzip->avail_in;
    b->out_at = b->out_size - gzip->avail_out;
    if (result == Z_STREAM_END) unpack->ended = true;
    b->within = !unpack->ended;
    /* Z_BUF_ERROR: there was nothing to do, which is the caller's to see. */
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return NULL;
    return gzip->msg ? gzip->msg : "zlib: not its data";
}
#else
static bool open_gzip(struct unpack *unpack) { return false; }
static void close_gzip(struct unpack *unpack) { (void)unpack; }
static const char *step_gzip(struct unpack *unpack, struct unpack_buffers *b) {
    return "built without zlib";
}
#endif

int unpack_open(struct unpack **out, const unsigned char *first, size_t n,
                const char *path) {
    struct unpack *unpack;

    *out = NULL;
    if (!is_zstd(first, n) && !is_gzip(first, n)) return STATUS_OK;
    unpack = calloc(1, sizeof(*unpack));
    if (!unpack) return complain(STATUS_IO, "no memory to decompress %s", path);
    if (is_zstd(first, n)) unpack->zstd = ZSTD_createDCtx();
    if (is_gzip(first, n) ? !open_gzip(unpack) : !unpack->zstd) {
        free(unpack);
#ifndef RMTOOL_ZLIB
        if (is_gzip(first, n))
            return complain(STATUS_IO,
                            "%s: gzip, which this program was built without: try "
                            "'gzip -dc FILE | rmtool ... -'",
                            path);
#endif
        return complain(STATUS_IO, "no memory to decompress %s", path);
    }
    if (unpack->zstd)
        ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    *out = unpack;
    return STATUS_OK;
}

void unpack_close(struct unpack *unpack) {
    if (!unpack) return;
    if (unpack->zstd)
        ZSTD_freeDCtx(unpack->zstd);
    else
        close_gzip(unpack);
    free(unpack);
}

const char *unpack_step(struct unpack *unpack, struct unpack_buffers *b) {
    if (!unpack->zstd) return step_gzip(unpack, b);

    ZSTD_outBuffer out = {b->out, b->out_size, b->out_at};
    ZSTD_inBuffer in = {b->in, b->in_size, b->in_at};
    size_t result = ZSTD_decompressStream(unpack->zstd, &out, &in);
    if (ZSTD_isError(result)) return ZSTD_getErrorName(result);
    b->in_at = in.pos;
    b->out_at = out.pos;
    b->within = result != 0;
    return NULL;
}
