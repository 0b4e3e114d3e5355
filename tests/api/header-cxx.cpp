/* SPDX-License-Identifier: MIT */
/* The header as C++17: every declaration is used once, and the library links. */
#include <rmalloc.h>
#include <rmalloc_inline.h>

#include <cstdio>
#include <type_traits>

static_assert(std::is_same<status_t, rm_status_t>::value, "short names are there");
static_assert(std::is_same<memory_t, rm_memory_t>::value, "short names are there");
static_assert(RM_OK == 0, "fine is 0");

static bool visit(const rm_span_t *span, void *context) {
    *static_cast<std::size_t *>(context) += span->kind == RM_SPAN_BLOCK;
    return true;
}

static bool use_heap(rm_heap_t *heap) {
    rm_memory_t *block = nullptr;
    rm_budget_t budget = {65536, 0};
    rm_progress_t progress = {};
    rm_stats_t stats = {};
    rm_fault_t fault = {};
    std::size_t size = 0, blocks = 0;
    unsigned locks = 1;
    rm_heap_t *home = nullptr;
    void *at = nullptr;

    return rm_heap_alloc(heap, &block, 1000, 64, RM_ZERO | RM_NO_COMPACT) == RM_OK &&
           rmlock(block, &at) == RM_OK && static_cast<char *>(at)[999] == 0 &&
           rmunlock(block) == RM_OK && rmrealloc(block, 2000) == RM_OK &&
           rmsize(block, &size) == RM_OK && size == 2000 &&
           rmlocks(block, &locks) == RM_OK && locks == 0 &&
           rmheap(block, &home) == RM_OK && home == heap &&
           rm_heap_compact(heap, &budget, &progress) == RM_OK && progress.complete &&
           rm_heap_largest(heap, true, &size) == RM_OK && rm_heap_trim(heap) == RM_OK &&
           rm_heap_stats(heap, &stats) == RM_OK && stats.live_blocks == 1 &&
           rm_heap_stats_quick(heap, &stats) == RM_OK &&
           rm_heap_walk(heap, visit, &blocks) == RM_OK && blocks >= 1 &&
           rm_heap_check(heap, &fault) == RM_OK && rmfree(block) == RM_OK;
}

static bool use_default() {
    memory_t *one = nullptr, *two = nullptr;

    return rmalloc(&one, 10) == RM_OK && rmcalloc(&two, 10, 10) == RM_OK &&
           rm_heap_default() != nullptr && rm_strerror(RM_ENOMEM) != nullptr &&
           rmfree(one) == RM_OK && rmfree(two) == RM_OK;
}

static bool use_options() {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = nullptr;

    options.size = std::size_t(1) << 20;
    options.threads = RM_THREADS_NONE;
    options.compaction = RM_COMPACT_STEADY;
    return rm_heap_create(&heap, &options) == RM_OK && use_heap(heap) &&
           rm_heap_destroy(heap) == RM_OK;
}

int main() {
    bool fine = use_default();

    std::printf("1..2\n%s 1 - the default heap from C++\n", fine ? "ok" : "not ok");
    fine = use_options();
    std::printf("%s 2 - a heap with options from C++\n", fine ? "ok" : "not ok");
    return 0;
}
