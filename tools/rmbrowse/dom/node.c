/* SPDX-License-Identifier: MIT */
#include "dom/node.h"

#include <string.h>

const char *attribute_of(const char *attributes, size_t n, const char *name) {
    const char *end = attributes + n;

    for (const char *at = attributes; at != NULL && at < end;) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0) return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

ref_t node_following(ref_t ref, ref_t within) {
    const struct node *node = store_peek(ref);

    if (node->first_child != NO_REF) return node->first_child;
    while (ref != within && node->next == NO_REF) {
        ref = node->parent;
        if (ref == NO_REF) return NO_REF;
        node = store_peek(ref);
    }
    return ref == within ? NO_REF : node->next;
}

/* Children first, without a stack: a parent that was left for its children has none any more when it is come back to. */
void document_free(document_t *document) {
    store_t *store = document->store;

    for (ref_t at = document->root; at != NO_REF;) {
        struct node *node = store_lock(at);
        const struct node was = *node;

        node->first_child = NO_REF;
        store_unlock(at);
        if (was.first_child != NO_REF) {
            at = was.first_child;
            continue;
        }
        store_free(store, was.content);
        store_free(store, at);
        at = was.next != NO_REF ? was.next : was.parent;
    }
    store_free(store, document->title);
    store_free(store, document->base);
    *document = (document_t){.store = store};
}
