/* SPDX-License-Identifier: MIT */
/*
 * A document: a tree of nodes, each an object of its own in the tab's store, which name one another by reference.
 *
 *      <p class=a>Go <b>on</b>     element p ─ first_child ─> text "Go " ─ next ─> element b ─ first_child ─> text "on"
 *                                     └ content: "class\0a\0"      └ content: "Go "
 */
#ifndef RMBROWSE_NODE_H
#define RMBROWSE_NODE_H

#include "store/store.h"
#include "dom/tags.h"

typedef enum node_type { NODE_ELEMENT, NODE_TEXT } node_type_t;

struct node {
    ref_t parent, first_child, last_child, next;
    ref_t
        content; /* text: its bytes, UTF-8, no NUL. An element: its attributes, name\0value\0..., NO_REF: none */
    uint32_t number; /* in document order, from 1: an element's name for life */
    uint8_t type;    /* node_type_t */
    uint8_t tag;     /* tag_t; TAG_NONE for text */
};

/* The value of an attribute, NUL-terminated, in an element's content of `n` bytes; NULL where there is none. Names are
   in lower case. `attributes` may be NULL. */
const char *attribute_of(const char *attributes, size_t n, const char *name);

typedef struct document {
    store_t *store;
    ref_t root;  /* the element html; NO_REF: the document is empty */
    ref_t title; /* UTF-8, NUL-terminated; or NO_REF */
    ref_t base;  /* <base href>, likewise */
    uint32_t n_nodes;
    bool
        truncated; /* memory ran out, or there was too much (nodes, ends of nothing): the rest is missing */
} document_t;

enum {
    DOCUMENT_DEPTH_MAX = 256, /* deeper elements are made children of the deepest one */
    DOCUMENT_NODES_MAX = 1 << 22
};

/* Frees every node. The document is empty then. */
void document_free(document_t *document);

/* The node that follows another in document order, below `within` (in a held store); NO_REF: none. */
ref_t node_following(ref_t node, ref_t within);

#endif
