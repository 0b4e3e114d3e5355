/* SPDX-License-Identifier: MIT */
#include "buddy.h"

#include "check.h"
#include "damage.h"

enum { PREVIOUS = 8, CHILD = 16, PARENT = 24, IN_TRIE = 28 };

static char *node(const char *base, unit_t span) {
    return (char *)base + units_bytes(span);
}

static unit_t field(const char *base, unit_t span, unsigned offset) {
    return load32(node(base, span) + offset);
}

static void set_field(char *base, unit_t span, unsigned offset, unit_t value) {
    store32(node(base, span) + offset, value);
}

/* What a link leads to: nothing, or a span of ours with room for what is read of it. */
static unit_t sound(const struct buddy *b, unit_t link, unsigned bytes) {
    SOUND(link == UNIT_NIL || (link < b->limit && units_bytes(b->limit - link) >= bytes));
    return link;
}
enum { IN_LIST = UNIT, IN_TRIE_END = IN_TRIE + 4 };

static unit_t next_of(const struct buddy *b, const char *base, unit_t span) {
    uint64_t next = load64(node(base, span)) >> FREE_NEXT_SHIFT;
    return sound(b, (unit_t)next & UNIT_NIL, IN_LIST);
}
static unit_t previous_of(const struct buddy *b, const char *base, unit_t span) {
    return sound(b, field(base, span, PREVIOUS), IN_LIST);
}
static unit_t child_of(const struct buddy *b, const char *base, unit_t span,
                       unsigned side) {
    return sound(b, field(base, span, CHILD + 4 * side), IN_TRIE_END);
}
static unit_t root_of(const struct buddy *b, unsigned order) {
    return sound(b, b->tries[order - BUDDY_ORDER_MIN], IN_TRIE_END);
}

static void set_next(char *base, unit_t span, unit_t next) {
    uint64_t header = load64(node(base, span));
    header &= ~((uint64_t)UNIT_NIL << FREE_NEXT_SHIFT);
    store64(node(base, span), header | (uint64_t)next << FREE_NEXT_SHIFT);
}

unit_t buddy_key(const char *base, unit_t span) {
    uint64_t header = load64(node(base, span));
    unit_t size = free_size(header);
    if (unlikely(header >> FREE_RELEASED_BIT)) size -= field(base, span, RELEASED_COUNT);
    return size;
}

static unsigned order_of(unit_t units) { return bit_highest(units); }

void buddy_init(struct buddy *b) {
    memset(b, 0, sizeof *b);
    for (unsigned i = 0; i < BUDDY_BINS; i++) b->bins[i] = UNIT_NIL;
    for (unsigned i = 0; i < BUDDY_TRIES; i++) b->tries[i] = UNIT_NIL;
}

/* A span of its size's list goes in front of `head`. */
static void list_push(char *base, unit_t span, unit_t head) {
    set_next(base, span, head);
    set_field(base, span, PREVIOUS, UNIT_NIL);
    if (head != UNIT_NIL) set_field(base, head, PREVIOUS, span);
}

static void trie_insert(struct buddy *b, char *base, unit_t span, unit_t key) {
    unsigned order = order_of(key);
    unit_t at = root_of(b, order), parent = UNIT_NIL;
    unsigned bit = order, side = 0;
    while (at != UNIT_NIL) {
        if (buddy_key(base, at) == key) {
            /* A span of that size is there: ours is second in its list, no node. */
            unit_t second = next_of(b, base, at);
            set_next(base, span, second);
            set_field(base, span, PREVIOUS, at);
            set_field(base, span, IN_TRIE, 0);
            if (second != UNIT_NIL) set_field(base, second, PREVIOUS, span);
            set_next(base, at, span);
            return;
        }
        parent = at;
        SOUND(bit > 0);
        bit--; /* two sizes of one order differ in a bit below the leading one */
        side = key >> bit & 1;
        at = child_of(b, base, at, side);
    }
    set_next(base, span, UNIT_NIL);
    set_field(base, span, PREVIOUS, UNIT_NIL);
    set_field(base, span, CHILD, UNIT_NIL);
    set_field(base, span, CHILD + 4, UNIT_NIL);
    set_field(base, span, PARENT, parent);
    set_field(base, span, IN_TRIE, 1);
    if (parent == UNIT_NIL) {
        b->tries[order - BUDDY_ORDER_MIN] = span;
        b->orders_used |= 1u << order;
    } else {
        set_field(base, parent, CHILD + 4 * side, span);
    }
}

/* Let `with` (or nothing) stand where the node `span` stands under its parent. */
static void trie_replace(struct buddy *b, char *base, unit_t span, unit_t with,
                         unsigned order) {
    unit_t parent = sound(b, field(base, span, PARENT), IN_TRIE_END);
    if (parent == UNIT_NIL) {
        SOUND(b->tries[order - BUDDY_ORDER_MIN] == span);
        b->tries[order - BUDDY_ORDER_MIN] = with;
        if (with == UNIT_NIL) b->orders_used &= ~(1u << order);
    } else {
        unsigned side = field(base, parent, CHILD) == span ? 0 : 1;
        SOUND(side == 0 || field(base, parent, CHILD + 4) == span);
        set_field(base, parent, CHILD + 4 * side, with);
    }
    if (with != UNIT_NIL) set_field(base, with, PARENT, parent);
}

static void trie_adopt_children(const struct buddy *b, char *base, unit_t from,
                                unit_t to) {
    for (unsigned side = 0; side < 2; side++) {
        unit_t child = child_of(b, base, from, side);
        set_field(base, to, CHILD + 4 * side, child);
        if (child != UNIT_NIL) set_field(base, child, PARENT, to);
    }
}

static void trie_remove(struct buddy *b, char *base, unit_t span, unit_t key) {
    unsigned order = order_of(key);
    unit_t next = next_of(b, base, span);
    if (field(base, span, IN_TRIE) == 0) {
        unit_t previous = previous_of(b, base, span);
        SOUND(previous != UNIT_NIL && next_of(b, base, previous) == span);
        set_next(base, previous, next);
        if (next != UNIT_NIL) set_field(base, next, PREVIOUS, previous);
        return;
    }
    unit_t heir = next; /* the next of its size takes its place ... */
    if (heir != UNIT_NIL) {
        sound(b, heir, IN_TRIE_END);
        set_field(base, heir, PREVIOUS, UNIT_NIL);
        set_field(base, heir, IN_TRIE, 1);
    } else { /* ... or any leaf below it: every prefix on the way holds for the leaf too */
        unit_t leaf = span;
        for (unsigned depth = 0;; depth++) {
            unit_t child = child_of(b, base, leaf, 1);
            if (child == UNIT_NIL) child = child_of(b, base, leaf, 0);
            if (child == UNIT_NIL) break;
            SOUND(depth < UNIT_BITS);
            leaf = child;
        }
        if (leaf != span) {
            trie_replace(b, base, leaf, UNIT_NIL, order);
            heir = leaf;
        }
    }
    if (heir != UNIT_NIL) trie_adopt_children(b, base, span, heir);
    trie_replace(b, base, span, heir, order);
}

void buddy_insert(struct buddy *b, char *base, unit_t span, unit_t key) {
    CHECK(4, key != 0 && buddy_key(base, span) == key);
    b->n_spans++;
    b->units[order_of(key)] += key;
    if (key < BUDDY_BINS) {
        list_push(base, span, sound(b, b->bins[key], IN_LIST));
        b->bins[key] = span;
        b->bins_used |= UINT64_C(1) << key;
    } else {
        trie_insert(b, base, span, key);
    }
}

void buddy_remove(struct buddy *b, char *base, unit_t span, unit_t key) {
    SOUND(key - 1 < b->limit);
    b->n_spans--;
    b->units[order_of(key)] -= key;
    if (key >= BUDDY_BINS) {
        trie_remove(b, base, span, key);
        return;
    }
    unit_t next = next_of(b, base, span), previous = previous_of(b, base, span);
    if (next != UNIT_NIL) set_field(base, next, PREVIOUS, previous);
    if (previous != UNIT_NIL) {
        SOUND(next_of(b, base, previous) == span);
        set_next(base, previous, next);
    } else {
        SOUND(b->bins[key] == span);
        b->bins[key] = next;
        if (next == UNIT_NIL) b->bins_used &= ~(UINT64_C(1) << key);
    }
}

void buddy_ask(const char *base, unit_t span) {
    unit_t next = (unit_t)(load64(node(base, span)) >> FREE_NEXT_SHIFT) & UNIT_NIL;
    unit_t previous = field(base, span, PREVIOUS);
    if (next != UNIT_NIL) __builtin_prefetch(node(base, next), 1);
    if (previous != UNIT_NIL) __builtin_prefetch(node(base, previous), 1);
}

/* The smallest key in a trie, or below a node of it. */
static unit_t trie_least(const struct buddy *b, const char *base, unit_t at) {
    unit_t best = at;
    SOUND(at != UNIT_NIL);
    unit_t best_key = buddy_key(base, at);
    for (unsigned depth = 0; at != UNIT_NIL; depth++) {
        SOUND(depth <= UNIT_BITS);
        unit_t key = buddy_key(base, at);
        if (key < best_key) best = at, best_key = key;
        unit_t child = child_of(b, base, at, 0);
        at = child != UNIT_NIL ? child : child_of(b, base, at, 1);
    }
    return best;
}

/* The smallest key of at least `units` in the trie of its own order, or UNIT_NIL. */
static unit_t trie_best(const struct buddy *b, const char *base, unit_t root,
                        unit_t units) {
    unit_t best = UNIT_NIL, best_key = UNIT_NIL;
    unit_t larger = UNIT_NIL; /* the deepest subtree whose keys are all larger */
    unsigned bit = order_of(units);
    for (unit_t at = root; at != UNIT_NIL;) {
        unit_t key = buddy_key(base, at);
        if (key >= units && key < best_key) best = at, best_key = key;
        if (key == units) return at;
        if (bit == 0) break;
        bit--;
        unit_t high = child_of(b, base, at, 1);
        if (units >> bit & 1) {
            at = high;
        } else {
            if (high != UNIT_NIL) larger = high;
            at = child_of(b, base, at, 0);
        }
    }
    if (larger != UNIT_NIL) {
        unit_t least = trie_least(b, base, larger);
        if (buddy_key(base, least) < best_key) best = least;
    }
    return best;
}

unit_t buddy_best(const struct buddy *b, const char *base, unit_t units) {
    unsigned order = BUDDY_ORDER_MIN;
    if (units < BUDDY_BINS) {
        uint64_t fit = b->bins_used >> units;
        if (fit != 0) {
            unit_t span = sound(b, b->bins[units + bit_lowest(fit)], IN_LIST);
            SOUND(span != UNIT_NIL);
            return span;
        }
    } else {
        order = order_of(units);
        if (b->orders_used >> order & 1) {
            unit_t best = trie_best(b, base, root_of(b, order), units);
            if (best != UNIT_NIL) return best;
        }
        order++;
    }
    uint32_t fit = order < 32 ? b->orders_used >> order : 0;
    if (fit == 0) return UNIT_NIL;
    order += bit_lowest(fit);
    SOUND(order < BUDDY_ORDERS);
    return trie_least(b, base, root_of(b, order));
}

unit_t buddy_largest(const struct buddy *b, const char *base) {
    if (b->orders_used == 0) return b->bins_used ? bit_highest(b->bins_used) : 0;
    unit_t largest = 0;
    unsigned order = bit_highest(b->orders_used), depth = 0;
    SOUND(order - BUDDY_ORDER_MIN < BUDDY_TRIES);
    for (unit_t at = root_of(b, order); at != UNIT_NIL; depth++) {
        SOUND(depth <= UNIT_BITS);
        unit_t key = buddy_key(base, at);
        if (key > largest) largest = key;
        unit_t child = child_of(b, base, at, 1);
        at = child != UNIT_NIL ? child : child_of(b, base, at, 0);
    }
    return largest;
}
