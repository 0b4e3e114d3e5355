/* SPDX-License-Identifier: MIT */
/*
 * Lines of any file: plain, zstd, gzip. The first byte says whether leniently.
 */
#include <string.h>

#include "fuzz.h"
#include "base/input.h"

#define LINE_MOST (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input *input;
    const char *text;
    size_t length, held = 0;
    uint64_t lines = 0;
    bool end = false;
    int status;

    if (size < 1 || input_open(&input, fuzz_file(data + 1, size - 1)) != 0) return 0;
    if (data[0] & 1) input_lenient(input);
    status = data[0] & 2 ? input_peek(input, &text, &held) : 0;
    while (status == 0) {
        status = input_line(input, &text, &length, &end);
        if (status || end) break;
        lines++;
        FUZZ_HOLDS(length <= LINE_MOST && input_line_number(input) == lines);
        FUZZ_HOLDS(length == 0 || !memchr(text, '\n', length)); /* reads all of it */
    }
    input_close(input);
    return 0;
}
