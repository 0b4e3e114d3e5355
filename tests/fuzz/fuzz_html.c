/* SPDX-License-Identifier: MIT */
/* Pages: the same document, whole and in pieces of as many bytes as the first byte says; nothing is left of it. */
#include "dom/build.h"
#include "fuzz.h"

static uint32_t built(const char *bytes, size_t n, size_t step) {
    store_t *store = store_open("page", COMPACT_STEADY);
    document_t document;
    builder_t *builder = builder_begin(&document, store, "", NULL);

    for (size_t at = 0; at < n; at += step)
        builder_feed(builder, bytes + at, n - at < step ? n - at : step);
    builder_end(builder);
    uint32_t n_nodes = document.n_nodes, seen = 0;

    FUZZ_HOLDS(document.root != NO_REF && !document.truncated);
    store_hold(store);
    for (ref_t node = document.root; node != NO_REF;
         node = node_following(node, document.root))
        FUZZ_HOLDS(((const struct node *)store_peek(node))->number == ++seen);
    store_release(store);
    FUZZ_HOLDS(seen == n_nodes);
    document_free(&document);
    FUZZ_HOLDS(store_close(store) == 0);
    return n_nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;

    if (size < 2) return 0;
    FUZZ_HOLDS(built(bytes + 1, size - 1, size) ==
               built(bytes + 1, size - 1, data[0] + 1u));
    return 0;
}
