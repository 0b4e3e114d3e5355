/* SPDX-License-Identifier: MIT */
/* The corpus: trees and documents whose nodes are used after their last unlock. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

struct tree {
    memory_t *left, *right;
    int key, height;
};

static memory_t *tree_leaf(int key) {
    memory_t *h = block(sizeof(struct tree) + 8 * below(4));
    *(struct tree *)lock(h) = (struct tree){NULL, NULL, key, 1};
    unlock(h);
    return h;
}

/* Keys base .. base + n - 1, balanced. */
static memory_t *tree_new(int base, int n) {
    if (n == 0) return NULL;
    memory_t *h = tree_leaf(base + n / 2);
    memory_t *left = tree_new(base, n / 2),
             *right = tree_new(base + n / 2 + 1, n - n / 2 - 1);
    struct tree *t = lock(h);
    t->left = left;
    t->right = right;
    unlock(h);
    return h;
}

static int tree_sum(memory_t *h) {
    if (h == NULL) return 0;
    struct tree t = *(struct tree *)lock(h);
    unlock(h);
    return t.key + tree_sum(t.left) + tree_sum(t.right);
}

UNLOCKED(tree_insert, "tree: the parent's link set after its unlock") {
    int n = 15 + (int)below(30);
    memory_t *h = tree_new(0, n);
    for (;;) {
        struct tree *t = lock(h);
        memory_t *right = t->right;
        WRONG(unlock(h));
        if (right == NULL) {
            GUILTY(t->right = tree_leaf(n));
            RIGHT(unlock(h));
            break;
        }
        RIGHT(unlock(h));
        h = right;
    }
    expect(tree_sum(h) >= n, "the leaf is not in the tree");
}

static int sum_down(memory_t *h) {
    if (h == NULL) return 0;
    const struct tree *t = lock(h);
    memory_t *left = t->left, *right = t->right;
    WRONG(unlock(h));
    int sum = sum_down(left) + sum_down(right);
    GUILTY(sum += t->key);
    RIGHT(unlock(h));
    return sum;
}

UNLOCKED(tree_walk, "tree: a node read after the recursion, unlocked before it") {
    int n = 15 + (int)below(30);
    expect(sum_down(tree_new(0, n)) == n * (n - 1) / 2, "the sum is another");
}

UNLOCKED(tree_height,
         "tree: heights written on the way up, through the way down's addresses") {
    struct tree *path[8];
    memory_t *handles[8], *h = tree_new(0, 31);
    int depth = 0;
    for (; h != NULL && depth < 8; depth++) {
        path[depth] = lock(handles[depth] = h);
        h = path[depth]->left;
        WRONG(unlock(handles[depth]));
    }
    for (int i = depth - 1; i >= 0; i--) {
        GUILTY(path[i]->height = depth - i);
        RIGHT(unlock(handles[i]));
    }
    const struct tree *root = lock(handles[0]);
    expect(root->height == depth, "the height is another");
    unlock(handles[0]);
}

UNLOCKED(tree_rotate, "tree: rotated with the child unlocked too early") {
    memory_t *parent = tree_new(0, 15);
    struct tree *p = lock(parent);
    memory_t *child = p->left;
    struct tree *c = lock(child);
    p->left = c->right;
    WRONG(unlock(child));
    unlock(parent);
    GUILTY(c->right = parent);
    RIGHT(unlock(child));
    expect(tree_sum(child) == 15 * 14 / 2, "nodes are lost");
}

UNLOCKED(tree_nested, "tree: a helper unlocks what it has not locked, once too often") {
    memory_t *h = tree_leaf(5);
    struct tree *t = lock(h);
    lock(h); /* in a helper */
    unlock(h);
    WRONG(unlock(h));
    GUILTY(t->key += 1);
    RIGHT(unlock(h));
    t = lock(h);
    expect(t->key == 6, "the key is another");
    unlock(h);
}

/* --- a document: elements with attributes and text --- */

struct element {
    memory_t *children[4];
    memory_t *text, *attributes;
    unsigned n_children, n_attributes;
};
struct attribute {
    char name[8];
    int value;
};

static memory_t *element_new(unsigned n_attributes) {
    memory_t *h = block(sizeof(struct element));
    memory_t *text = bytes_block(20 + below(80), 't');
    memory_t *attributes = block(n_attributes * sizeof(struct attribute));
    struct attribute *a = lock(attributes);
    for (unsigned i = 0; i < n_attributes; i++)
        a[i] = (struct attribute){.name = "width", .value = (int)i};
    unlock(attributes);
    struct element *e = lock(h);
    memset(e, 0, sizeof *e);
    e->text = text;
    e->attributes = attributes;
    e->n_attributes = n_attributes;
    unlock(h);
    return h;
}

UNLOCKED(dom_append, "document: the parent's count raised after its unlock") {
    memory_t *h = element_new(2);
    for (unsigned i = 0; i < 4; i++) {
        struct element *e = lock(h);
        WRONG(unlock(h));
        memory_t *child = element_new(1);
        GUILTY(e->children[e->n_children++] = child);
        RIGHT(unlock(h));
    }
    const struct element *e = lock(h);
    expect(e->n_children == 4, "children are lost");
    unlock(h);
}

UNLOCKED(dom_attributes,
         "document: an attribute found is set after the search has ended") {
    memory_t *h = element_new(6);
    const struct element *e = lock(h);
    memory_t *attributes = e->attributes;
    unlock(h);
    struct attribute *a = lock(attributes), *found = &a[1 + below(5)];
    int was = found->value;
    WRONG(unlock(attributes));
    GUILTY(found->value = 100 + was);
    RIGHT(unlock(attributes));
    a = lock(attributes);
    expect(a[was].value == 100 + was, "the value is another");
    unlock(attributes);
}

UNLOCKED(dom_text, "document: a layout box keeps the address of the element's text") {
    struct box {
        const char *text;
        unsigned width;
        memory_t *element, *characters;
    } boxes[6];
    unsigned width = 0;
    for (unsigned i = 0; i < 6; i++) {
        boxes[i].element = element_new(1);
        const struct element *e = lock(boxes[i].element);
        boxes[i].characters = e->text;
        boxes[i].text = lock(e->text);
        WRONG(unlock(e->text));
        unlock(boxes[i].element);
    }
    for (unsigned i = 0; i < 6; i++) {
        GUILTY(width += boxes[i].text[3] == 't');
        RIGHT(unlock(boxes[i].characters));
    }
    expect(width == 6, "the text is another");
}

UNLOCKED(dom_style, "document: a struct of pointers to shared styles, each unlocked") {
    struct style {
        int color, size;
    };
    struct {
        const struct style *link, *visited, *hover;
    } sheet;
    memory_t *handles[3];
    for (int i = 0; i < 3; i++) {
        handles[i] = block(sizeof(struct style) + 8 * below(6));
        *(struct style *)lock(handles[i]) = (struct style){i + 1, 12};
        unlock(handles[i]);
    }
    sheet.link = lock(handles[0]);
    sheet.visited = lock(handles[1]);
    sheet.hover = lock(handles[2]);
    WRONG(unlock(handles[0]));
    WRONG(unlock(handles[1]));
    WRONG(unlock(handles[2]));
    int colors;
    GUILTY(colors = sheet.link->color + sheet.visited->color + sheet.hover->color);
    RIGHT(unlock(handles[0]));
    RIGHT(unlock(handles[1]));
    RIGHT(unlock(handles[2]));
    expect(colors == 6, "the colours are others");
}

UNLOCKED(dom_remove, "document: the children moved up after the unlock of their array") {
    memory_t *h = element_new(2);
    for (unsigned i = 0; i < 4; i++) {
        memory_t *child = element_new(1);
        struct element *e = lock(h);
        e->children[e->n_children++] = child;
        unlock(h);
    }
    struct element *e = lock(h);
    unsigned gone = below(3);
    memory_t *last = e->children[3];
    drop(e->children[gone]);
    WRONG(unlock(h));
    GUILTY(memmove(e->children + gone, e->children + gone + 1,
                   (3 - gone) * sizeof *e->children));
    RIGHT(unlock(h));
    e = lock(h);
    expect(e->children[2] == last, "the children are others");
    unlock(h);
}
