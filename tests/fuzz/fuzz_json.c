/* SPDX-License-Identifier: MIT */
/*
 * Comparisons as JSON: what is read back has names that fit, and goals can be computed of it.
 */
#include "compare/compare_load.h"
#include "fuzz.h"
#include "fuzz_comparison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct loaded loaded = {0};

    if (compare_load_json(&loaded, fuzz_file(data, size)) == 0) fuzz_comparison(&loaded);
    compare_unload(&loaded);
    return 0;
}
