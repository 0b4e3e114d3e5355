/* SPDX-License-Identifier: MIT */
/*
 * What the targets of the importers have in common: FUZZ_IMPORTER is whose it is.
 */
#include "fuzz.h"
#include "trace/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct import import = {.path = fuzz_file(data, size)};
    const char *text;
    size_t length;

    if (input_open(&import.input, import.path) != 0) return 0;
    if (input_peek(import.input, &text, &length) == 0 &&
        trace_writer_open(&import.writer, NULL) == 0) {
        FUZZ_IMPORTER.detect(text, length);
        input_lenient(import.input);
        /* What the writer refuses, an importer has to have refused. */
        if (FUZZ_IMPORTER.run(&import) == 0)
            FUZZ_HOLDS(trace_writer_close(import.writer) == 0);
        else
            trace_writer_discard(import.writer);
    }
    lookup_finish(&import.addresses);
    input_close(import.input);
    return 0;
}
