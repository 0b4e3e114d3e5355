/* SPDX-License-Identifier: MIT */
/*
 * Traces: read to the end for what rmtool stats says, and every event that the reader lets
 * pass the writer has to take, to the same totals.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/census.h"
#include "fuzz.h"
#include "trace/trace_writer.h"

static void take_census(const char *path) {
    struct census *census = calloc(1, sizeof(*census));
    struct trace trace;
    uint64_t live = 0;

    if (!census) abort();
    if (trace_open(&trace, path, UINT64_MAX, false) == 0 &&
        census_take(census, &trace, 7) == 0) {
        for (int i = 0; i < CENSUS_CLASSES; i++) live += census->classes[i].live;
        FUZZ_HOLDS(live == trace.totals.live_blocks);
        FUZZ_HOLDS(census->life_events.count == trace.totals.frees);
        FUZZ_HOLDS(census->n_points < 16);
    }
    census_finish(census);
    free(census);
    trace_close(&trace);
}

static void write_anew(const char *path) {
    struct trace trace;
    struct trace_event event;
    struct trace_writer *writer;
    size_t n = 1;
    int status = trace_open(&trace, path, UINT64_MAX, true);

    if (trace_writer_open(&writer, NULL) != 0) abort();
    if (status == 0) trace_writer_copy_keys(writer, &trace, ", anew");
    while (status == 0 && n > 0) {
        bool ended;
        status = trace_peek(&trace, &ended);
        if (status == 0) status = trace_read(&trace, &event, 1, &n);
        if (status || n == 0) break;
        FUZZ_HOLDS(!ended);
        if (trace.timed) trace_writer_time(writer, trace.time_ns);
        FUZZ_HOLDS(trace_writer_event(writer, &event) == 0);
    }
    if (status == 0) {
        struct trace_totals totals = *trace_writer_totals(writer);
        totals.threads =
            trace.totals.threads; /* threads without an event have no number */
        FUZZ_HOLDS(memcmp(&totals, &trace.totals, sizeof(totals)) == 0);
        /* From the tape, the same again. */
        FUZZ_HOLDS(trace_rewind(&trace) == 0 && trace_scan(&trace) == 0);
        FUZZ_HOLDS(memcmp(&totals, &trace.totals, sizeof(totals)) == 0);
    }
    trace_writer_close(writer);
    trace_close(&trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);

    take_census(path);
    write_anew(path);
    return 0;
}
