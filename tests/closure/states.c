/* SPDX-License-Identifier: MIT */
/*
 * Known states are 128-bit hashes in an open table. The hash is the sum, over the words that are not as
 * in the first state, of two independent mixes of the word, so that it follows from that of the state
 * before and what has changed. With n states the chance that any two share one is n^2 / 2^129.
 *
 * States to be left lie in a queue of chunks, each as a bitmap of the words that are not as in the
 * first state, and those. They are forgotten when they have been left: what is kept of a state for
 * good is its hash, its parent, and the call that led from there.
 */
#include <string.h>
#include <sys/mman.h>

#include "closure.h"
#include "fault.h"

enum { CHUNK = 1 << 20, ROOM_FIRST = 1 << 16, FROM_FIRST = 1 << 16 };

struct chunk {
    struct chunk *next;
    size_t begin, end; /* in words */
    uint64_t words[CHUNK / 8];
};

static void *pages(size_t bytes) {
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) give_up("no memory for the states");
    return memory;
}

/* The finisher of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void states_init(struct states *s, size_t words, const uint64_t *root) {
    memset(s, 0, sizeof *s);
    s->words = words;
    s->root = pages(3 * words * sizeof *s->root);
    s->salt = s->root + words;
    memcpy(s->root, root, words * sizeof *root);
    for (size_t i = 0; i < 2 * words; i++)
        s->salt[i] = mix((i + 1) * UINT64_C(0x9e3779b97f4a7c15));
    s->room = ROOM_FIRST;
    s->seen = pages(s->room * sizeof *s->seen);
    s->from_room = FROM_FIRST;
    s->from = pages(s->from_room * sizeof *s->from);
}

void states_finish(struct states *s) {
    munmap(s->seen, s->room * sizeof *s->seen);
    munmap(s->from, s->from_room * sizeof *s->from);
    munmap(s->root, 3 * s->words * sizeof *s->root);
    while (s->first != NULL) {
        struct chunk *next = s->first->next;
        munmap(s->first, sizeof *s->first);
        s->first = next;
    }
}

void states_hash(const struct states *s, const uint64_t *known, const uint64_t *state,
                 const uint64_t known_hash[2], uint64_t hash[2]) {
    const uint64_t *salt = s->salt;
    uint64_t a = known_hash[0], b = known_hash[1];
    for (size_t i = 0; i < s->words; i++) {
        if (__builtin_expect(known[i] == state[i], 1)) continue;
        a += mix(state[i] ^ salt[2 * i]) - mix(known[i] ^ salt[2 * i]);
        b += mix(state[i] + salt[2 * i + 1]) - mix(known[i] + salt[2 * i + 1]);
    }
    hash[0] = a;
    hash[1] = b;
}

/* --- the table --- */

static void insert(struct states *s, const uint64_t hash[2]) {
    size_t at = hash[0] & (s->room - 1);
    while (s->seen[at][0] != 0 || s->seen[at][1] != 0) at = (at + 1) & (s->room - 1);
    s->seen[at][0] = hash[0];
    s->seen[at][1] = hash[1];
}

static void widen(struct states *s) {
    uint64_t(*old)[2] = s->seen;
    size_t room = s->room;
    s->room *= 2;
    s->seen = pages(s->room * sizeof *s->seen);
    for (size_t i = 0; i < room; i++)
        if (old[i][0] != 0 || old[i][1] != 0) insert(s, old[i]);
    munmap(old, room * sizeof *old);
}

bool states_add(struct states *s, const uint64_t hash[2], uint32_t parent, call_t call) {
    const uint64_t key[2] = {hash[0], hash[1] | (hash[0] == 0)}; /* zeros: none */
    size_t at = key[0] & (s->room - 1);
    while (s->seen[at][0] != 0 || s->seen[at][1] != 0) {
        if (s->seen[at][0] == key[0] && s->seen[at][1] == key[1]) return false;
        at = (at + 1) & (s->room - 1);
    }
    s->seen[at][0] = key[0];
    s->seen[at][1] = key[1];
    if (s->n == UINT32_MAX) give_up("more states than there are numbers");
    if (s->n == s->from_room) {
        size_t bytes = s->from_room * sizeof *s->from;
        void *memory = mremap(s->from, bytes, 2 * bytes, MREMAP_MAYMOVE);
        if (memory == MAP_FAILED) give_up("no memory for the states");
        s->from = memory;
        s->from_room *= 2;
    }
    s->from[s->n++] = (struct from){parent, call};
    if (s->n > s->room / 8 * 5) widen(s);
    return true;
}

/* --- the queue --- */

static size_t map_words(const struct states *s) { return (s->words + 63) / 64; }

void states_push(struct states *s, const uint64_t *state, const uint64_t hash[2]) {
    size_t most = 2 + map_words(s) + s->words;
    if (s->last == NULL || s->last->end + most > CHUNK / 8) {
        struct chunk *chunk = pages(sizeof *chunk);
        if (s->last != NULL)
            s->last->next = chunk;
        else
            s->first = chunk;
        s->last = chunk;
        s->waiting_bytes += sizeof *chunk;
        if (s->waiting_bytes > s->waiting_most) s->waiting_most = s->waiting_bytes;
    }
    uint64_t *to = s->last->words + s->last->end, *map = to + 2,
             *word = map + map_words(s);
    to[0] = hash[0];
    to[1] = hash[1];
    memset(map, 0, map_words(s) * sizeof *map);
    for (size_t i = 0; i < s->words; i++) {
        if (state[i] == s->root[i]) continue;
        map[i / 64] |= UINT64_C(1) << i % 64;
        *word++ = state[i];
    }
    s->last->end = (size_t)(word - s->last->words);
}

bool states_pop(struct states *s, uint64_t *state, uint64_t hash[2]) {
    if (s->first != NULL && s->first->begin == s->first->end) {
        struct chunk *old = s->first;
        if (old->next == NULL) return false;
        s->first = old->next;
        munmap(old, sizeof *old);
        s->waiting_bytes -= sizeof *old;
    }
    if (s->first == NULL) return false;
    const uint64_t *from = s->first->words + s->first->begin, *map = from + 2;
    const uint64_t *word = map + map_words(s);
    hash[0] = from[0];
    hash[1] = from[1];
    memcpy(state, s->root, s->words * sizeof *state);
    for (size_t k = 0; k < map_words(s); k++)
        for (uint64_t bits = map[k]; bits != 0; bits &= bits - 1)
            state[64 * k + bit_lowest(bits)] = *word++;
    s->first->begin = (size_t)(word - s->first->words);
    return true;
}
