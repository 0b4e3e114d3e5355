/* SPDX-License-Identifier: MIT */
#include "trace/trace_csv.h"

#include <errno.h>
#include <string.h>

#include "base/say.h"
#include "base/units.h"

#define ROW_MOST 256
#define TEXT_SIZE ((size_t)64 << 10)

/* For each enum trace_op. */
static const char *const ops[] = {"malloc", "calloc", "memalign", "realloc",
                                  "free",   "lock",   "unlock"};

static size_t put_text(char *at, const char *text) {
    size_t n = strlen(text);

    memcpy(at, text, n);
    return n;
}

/* Seconds with nine decimals. */
static size_t put_time(char *at, uint64_t ns) {
    size_t n = put_count(at, ns / TRACE_SECOND);

    put_count(at + n, ns % TRACE_SECOND + TRACE_SECOND); /* its first digit is a 1, */
    at[n] = '.'; /* which is where the point goes */
    return n + 10;
}

static size_t put_row(char *at, const struct trace *trace,
                      const struct trace_event *event) {
    char *begin = at;

    at += put_count(at, trace->totals.events);
    *at++ = ',';
    at += put_text(at, ops[event->op]);
    *at++ = ',';
    at += put_count(at, event->block + 1);
    *at++ = ',';
    at += put_count(at, event->size);
    *at++ = ',';
    if (event->op == TRACE_ALIGNED)
        at += put_count(at, UINT64_C(1) << event->alignment_log2);
    *at++ = ',';
    at += put_count(at, event->thread);
    *at++ = ',';
    if (trace->timed) at += put_time(at, trace->time_ns);
    *at++ = ',';
    at += put_count(at, trace->totals.live_bytes);
    *at++ = '\n';
    return (size_t)(at - begin);
}

static int put(struct output *output, const char *text, size_t size) {
    errno = 0;
    if (fwrite(text, 1, size, output->file) == size) return STATUS_OK;
    return complain(STATUS_IO, "%s: %s", output->path,
                    errno ? strerror(errno) : "could not be written");
}

int trace_csv_write(struct trace *trace, struct output *output) {
    char text[TEXT_SIZE + ROW_MOST];
    struct trace_event event;
    size_t used = 0, n = 1;
    int status = STATUS_OK;

    fputs("event,op,block,size,alignment,thread,time,live_bytes\n", output->file);
    /* Singly: time and live bytes are those of the event that was read last. */
    while (status == STATUS_OK) {
        status = trace_read(trace, &event, 1, &n);
        if (status || n == 0) break;
        used += put_row(text + used, trace, &event);
        if (used < TEXT_SIZE) continue;
        status = put(output, text, used);
        used = 0;
        progress_update(trace->totals.events, trace_expected_events(trace));
    }
    return status ? status : put(output, text, used);
}
