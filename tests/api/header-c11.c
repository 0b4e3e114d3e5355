/* SPDX-License-Identifier: MIT */
/*
 * The header as strict C11, beside a program's own status_t and memory_t: with
 * RM_NO_SHORT_NAMES these names are free.
 */
#define RM_NO_SHORT_NAMES
#include <rmalloc.h>
#include <rmalloc_inline.h>
#include <rmalloc.h> /* twice does no harm */

#include <stdio.h>

typedef struct status {
    int of_their_own;
} status_t;
typedef double memory_t;

int main(void) {
    status_t status = {7};
    memory_t memory = 0.5;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_memory_t *block = NULL;
    rm_heap_t *heap = NULL;
    int fine;

    options.size = (size_t)1 << 20;
    fine = rm_heap_create(&heap, &options) == RM_OK &&
           rm_heap_alloc(heap, &block, 10, 0, 0) == RM_OK && rmfree(block) == RM_OK &&
           rm_heap_destroy(heap) == RM_OK && status.of_their_own == 7 && memory < 1;
    printf("1..1\n%s 1 - strict C11, short names hidden\n", fine ? "ok" : "not ok");
    return 0;
}
