/* SPDX-License-Identifier: MIT */
/* The corpus: lists, queues and caches whose nodes are used after their last unlock. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

struct node {
    memory_t *next;
    int value;
    char name[20];
};

static memory_t *node_new(int value, memory_t *next) {
    memory_t *h = block(sizeof(struct node) + below(40));
    struct node *n = lock(h);
    n->next = next;
    n->value = value;
    memset(n->name, 'a' + value % 26, sizeof n->name);
    unlock(h);
    return h;
}

/* Values `n - 1` down to 0. */
static memory_t *list_new(int n) {
    memory_t *list = NULL;
    for (int i = 0; i < n; i++) list = node_new(i, list);
    return list;
}

static int list_sum(memory_t *list) {
    int sum = 0;
    while (list != NULL) {
        struct node *n = lock(list);
        memory_t *next = n->next;
        sum += n->value;
        unlock(list);
        list = next;
    }
    return sum;
}

UNLOCKED(list_value, "list: a node's value read after its unlock") {
    int n = 10 + (int)below(40), sum = 0;
    for (memory_t *list = list_new(n), *next; list != NULL; list = next) {
        struct node *node = lock(list);
        next = node->next;
        WRONG(unlock(list));
        GUILTY(sum += node->value);
        RIGHT(unlock(list));
    }
    expect(sum == n * (n - 1) / 2, "the sum is another");
}

UNLOCKED(list_next, "list: a node's link read after its unlock") {
    int n = 10 + (int)below(40), sum = 0;
    memory_t *list = list_new(n), *next;
    for (int i = 0; i < n; i++, list = next) {
        struct node *node = lock(list);
        sum += node->value;
        WRONG(unlock(list));
        GUILTY(next = node->next);
        RIGHT(unlock(list));
    }
    expect(sum == n * (n - 1) / 2, "the sum is another");
}

UNLOCKED(list_insert,
         "list: a new node linked in through an address from before it was made") {
    int n = 10 + (int)below(40);
    memory_t *list = list_new(n);
    struct node *head = lock(list);
    memory_t *after = head->next;
    WRONG(unlock(list));
    memory_t *made = node_new(1000, after);
    GUILTY(head->next = made);
    RIGHT(unlock(list));
    expect(list_sum(list) == n * (n - 1) / 2 + 1000, "the node is not in the list");
}

UNLOCKED(list_remove, "list: the node before a removed one changed after its unlock") {
    int n = 10 + (int)below(40);
    memory_t *list = list_new(n);
    struct node *first = lock(list);
    memory_t *gone = first->next;
    struct node *second = lock(gone);
    memory_t *rest = second->next;
    WRONG(unlock(list));
    unlock(gone);
    drop(gone);
    GUILTY(first->next = rest);
    RIGHT(unlock(list));
    expect(list_sum(list) == n * (n - 1) / 2 - (n - 2), "the node is still in the list");
}

UNLOCKED(list_reverse, "list: reversed with one node's address too many") {
    int n = 10 + (int)below(40);
    memory_t *list = list_new(n), *done = NULL;
    while (list != NULL) {
        struct node *node = lock(list);
        memory_t *next = node->next;
        WRONG(unlock(list));
        memory_t *log = block(8 + below(64)); /* something else happens */
        GUILTY(node->next = done);
        RIGHT(unlock(list));
        drop(log);
        done = list;
        list = next;
    }
    expect(list_sum(done) == n * (n - 1) / 2, "the list is another");
}

UNLOCKED(list_swap, "list: two values swapped, one of them through an old address") {
    memory_t *a = node_new(3, NULL), *b = node_new(4, NULL);
    struct node *at_a = lock(a), *at_b = lock(b);
    int value = at_a->value;
    at_a->value = at_b->value;
    WRONG(unlock(b));
    unlock(a);
    GUILTY(at_b->value = value);
    RIGHT(unlock(b));
    expect(list_sum(a) == 4 && list_sum(b) == 3, "the values are others");
}

UNLOCKED(list_search, "list: a found node is given back as an address") {
    int n = 10 + (int)below(40), wanted = (int)below(10);
    const struct node *found = NULL;
    memory_t *list = list_new(n), *where = NULL;
    for (memory_t *h = list, *next; h != NULL && found == NULL; h = next) {
        struct node *node = lock(h);
        next = node->next;
        if (node->value == wanted) found = node;
        where = h;
        WRONG(unlock(h));
        RIGHT(if (found == NULL) unlock(h));
    }
    char letter = 'a' + (char)(wanted % 26);
    GUILTY(expect(found->name[7] == letter, "the name is another"));
    RIGHT(unlock(where));
}

/* --- queues --- */

struct ring {
    unsigned first, n, room;
    int items[];
};

static memory_t *ring_new(unsigned room) {
    memory_t *h = block(sizeof(struct ring) + room * sizeof(int));
    struct ring *r = lock(h);
    *r = (struct ring){0, 0, room};
    unlock(h);
    return h;
}

UNLOCKED(ring_slot, "ring buffer: a reserved slot is filled after the unlock") {
    memory_t *h = ring_new(16 + below(100));
    int sum = 0;
    for (int i = 0; i < 10; i++) {
        struct ring *r = lock(h);
        int *slot = &r->items[r->n++];
        WRONG(unlock(h));
        GUILTY(*slot = i);
        RIGHT(unlock(h));
    }
    struct ring *r = lock(h);
    for (unsigned i = 0; i < r->n; i++) sum += r->items[i];
    unlock(h);
    expect(sum == 45, "the items are others");
}

UNLOCKED(ring_grown, "ring buffer: the old address after it has grown") {
    unsigned room = 8 + below(30);
    memory_t *h = ring_new(room);
    struct ring *r = lock(h);
    for (unsigned i = 0; i < room; i++) r->items[i] = (int)i;
    unlock(h);
    resize(h, sizeof(struct ring) + 4 * room * sizeof(int));
    RIGHT(r = lock(h));
    GUILTY(r->room = 4 * room);
    RIGHT(unlock(h));
    r = lock(h);
    expect(r->room == 4 * room, "it has not grown");
    unlock(h);
}

/* --- caches --- */

enum { CACHE_ROOM = 16 };
struct entry {
    unsigned key, hits;
    char page[48];
};
static memory_t *cache[CACHE_ROOM];

static void cache_fill(void) {
    for (unsigned i = 0; i < CACHE_ROOM; i++) {
        cache[i] = block(sizeof(struct entry) + below(200));
        struct entry *e = lock(cache[i]);
        *e = (struct entry){.key = 100 + i};
        memset(e->page, (int)('A' + i), sizeof e->page);
        unlock(cache[i]);
    }
}

/* The entry of a key, for ever as it seems. */
static struct entry *cache_get(unsigned key) {
    struct entry *e = lock(cache[key - 100]);
    WRONG(unlock(cache[key - 100]));
    return e;
}

UNLOCKED(cache_get_read,
         "cache: what is looked up is given back as an address, and read") {
    cache_fill();
    unsigned key = 100 + below(CACHE_ROOM);
    const struct entry *e = cache_get(key);
    GUILTY(expect(e->key == key, "the key is another"));
    RIGHT(unlock(cache[key - 100]));
}

UNLOCKED(cache_get_written, "cache: hits counted through the address looked up before") {
    cache_fill();
    unsigned key = 100 + below(CACHE_ROOM);
    struct entry *e = cache_get(key);
    for (unsigned i = 0; i < 5; i++) GUILTY(e->hits++);
    RIGHT(unlock(cache[key - 100]));
    e = lock(cache[key - 100]);
    expect(e->hits == 5, "the hits are others");
    unlock(cache[key - 100]);
}

UNLOCKED(cache_evict,
         "cache: the page of one entry copied while another one is evicted") {
    cache_fill();
    unsigned key = below(CACHE_ROOM - 1);
    char page[48], wanted[48];
    memset(wanted, (int)('A' + key), sizeof wanted);
    struct entry *e = lock(cache[key]);
    WRONG(unlock(cache[key]));
    drop(cache[CACHE_ROOM - 1]);
    cache[CACHE_ROOM - 1] = block(600);
    compact(heap);
    GUILTY(memcpy(page, e->page, sizeof page));
    RIGHT(unlock(cache[key]));
    expect(memcmp(page, wanted, sizeof page) == 0, "the page is another");
}

UNLOCKED(cache_last, "cache: the entry used last is remembered by its address") {
    static struct entry *last;
    unsigned hits = 0;
    cache_fill();
    for (unsigned i = 0; i < 40; i++) {
        unsigned key = i % 4 == 0 ? below(CACHE_ROOM) : 3;
        RIGHT(last = NULL);
        if (last == NULL || last->key != 100 + key) {
            last = lock(cache[key]);
            unlock(cache[key]);
        }
        RIGHT(last = lock(cache[key]));
        GUILTY(hits += last->key == 100 + key);
        RIGHT(unlock(cache[key]));
    }
    expect(hits == 40, "an entry is another");
}

/* --- hash tables --- */

UNLOCKED(hash_rehash, "hash table: the buckets' address kept while it is resized") {
    unsigned n = 16, used = 0, sum = 0;
    memory_t *h = bytes_block(n * sizeof(unsigned), 0);
    unsigned *buckets = lock(h);
    WRONG(unlock(h));
    for (unsigned key = 1; key <= 40; key++) {
        if (used == n) {
            RIGHT(unlock(h));
            resize(h, 2 * n * sizeof(unsigned));
            n *= 2;
            RIGHT(buckets = lock(h));
        }
        GUILTY(buckets[used++] = key);
    }
    RIGHT(unlock(h));
    buckets = lock(h);
    for (unsigned i = 0; i < used; i++) sum += buckets[i];
    unlock(h);
    expect(sum == 40 * 41 / 2, "keys are lost");
}

UNLOCKED(hash_key, "hash table: a key compared after the unlock of its entry") {
    memory_t *keys[20];
    char text[24];
    unsigned wanted = below(20), found = 99;
    memset(text, 0, sizeof text);
    for (unsigned i = 0; i < 20; i++) {
        memset(text, (int)('a' + i), 16);
        keys[i] = text_block(text);
    }
    memset(text, (int)('a' + wanted), 16);
    for (unsigned i = 0; i < 20 && found == 99; i++) {
        const char *key = lock(keys[i]);
        WRONG(unlock(keys[i]));
        GUILTY(found = strcmp(key, text) == 0 ? i : found);
        RIGHT(unlock(keys[i]));
    }
    expect(found == wanted, "the key is not found");
}
