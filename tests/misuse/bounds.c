/* SPDX-License-Identifier: MIT */
/* Before the beginning and behind the end of a block; and what nobody has written yet. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

/* Two blocks of one size that are filled and locked, one right behind the other where the heap's order
   makes that so: [0] the lower one. */
struct pair {
    memory_t *handle[2];
    unsigned char *at[2];
};

static struct pair pair_new(size_t size) {
    enum { TRIES = 12 };
    memory_t *made[TRIES];
    unsigned char *at[TRIES];
    unsigned low = 0, high = 1;
    ptrdiff_t least = PTRDIFF_MAX;
    for (unsigned i = 0; i < TRIES; i++) {
        made[i] = bytes_block(size, 'x');
        at[i] = lock(made[i]);
    }
    for (unsigned i = 0; i < TRIES; i++)
        for (unsigned j = 0; j < TRIES; j++)
            if (at[j] > at[i] && at[j] - at[i] < least) {
                least = at[j] - at[i];
                low = i;
                high = j;
            }
    for (unsigned i = 0; i < TRIES; i++)
        if (i != low && i != high) unlock(made[i]);
    return (struct pair){{made[low], made[high]}, {at[low], at[high]}};
}

/* One of the two is not used any more. */
static void pair_release(struct pair *p, unsigned which) {
    unlock(p->handle[which]);
    p->at[which] = NULL;
}

/* Unlocks both; the upper one's content, or the lower one's, must be as it was. */
static void pair_close(const struct pair *p, size_t size, bool upper) {
    for (unsigned i = 0; i < 2; i++)
        if (p->at[i] != NULL) unlock(p->handle[i]);
    expect(bytes_are(p->handle[upper], size, 'x'), "the neighbour's content has changed");
}

/* --- behind the end --- */

CASE(over_by_one_slack,
     "a byte behind a block of 21, within what its size is rounded up to") {
    struct pair p = pair_new(21);
    WRONG(GUILTY(p.at[0][21] = 0));
    pair_close(&p, 21, true);
}

CASE(over_by_one_used, "a byte behind a block of 16, with a locked block behind it") {
    struct pair p = pair_new(16);
    WRONG(GUILTY(p.at[0][16] = 0));
    pair_close(&p, 16, true);
}

CASE(over_by_one, "a byte behind a block of 16") {
    struct pair p = pair_new(16);
    pair_release(&p, 1);
    WRONG(GUILTY(p.at[0][16] = 0));
    pair_close(&p, 16, true);
}

CASE(over_by_loop, "i <= n") {
    struct pair p = pair_new(48);
    pair_release(&p, 1);
    unsigned n = 48 / sizeof(int);
    int *v = (int *)(void *)p.at[0];
    RIGHT(n--);
    for (unsigned i = 0; i <= n; i++) GUILTY(v[i] = (int)i);
    pair_close(&p, 48, true);
}

CASE(over_by_nul, "strcpy into a block of strlen bytes") {
    const char *text = "exactly thirty-two characters, 32";
    size_t size = strlen(text + 1);
    RIGHT(size++);
    struct pair p = pair_new(size);
    pair_release(&p, 1);
    GUILTY(strcpy((char *)p.at[0], text + 1));
    pair_close(&p, size, true);
}

CASE(over_by_eight, "eight bytes behind a block of 24") {
    struct pair p = pair_new(24);
    uint64_t word = 0;
    WRONG(GUILTY(memcpy(p.at[0] + 24, &word, 8)));
    pair_close(&p, 24, true);
}

CASE(over_by_reference, "four bytes behind a block of 20: the reference of its slot") {
    struct pair p = pair_new(20);
    uint32_t word = 0x12345;
    WRONG(GUILTY(memcpy(p.at[0] + 20, &word, 4)));
    pair_close(&p, 20, true);
}

CASE(over_by_memcpy, "64 bytes copied into a block of 48") {
    static const char source[64];
    struct pair p = pair_new(48);
    size_t n = sizeof source;
    RIGHT(n = 48);
    GUILTY(memcpy(p.at[0], source, n));
    pair_close(&p, 48, true);
}

CASE(over_by_element, "sizeof of the pointer instead of what it points to") {
    struct wide {
        double a[4];
    } * wide;
    size_t size = sizeof wide;
    RIGHT(size = sizeof *wide);
    struct pair p = pair_new(size);
    pair_release(&p, 1);
    wide = (struct wide *)(void *)p.at[0];
    GUILTY(*wide = (struct wide){{1, 2, 3, 4}});
    pair_close(&p, size, true);
}

CASE(over_header, "a byte behind a block of 3,000: the header of the next") {
    struct pair p = pair_new(3000);
    pair_release(&p, 1);
    WRONG(GUILTY(p.at[0][3000] ^= 0xff));
    pair_close(&p, 3000, true);
}

CASE(over_header_word, "eight bytes behind a block of 3,000") {
    struct pair p = pair_new(3000);
    pair_release(&p, 1);
    WRONG(GUILTY(memset(p.at[0] + 3000, 0, 8)));
    pair_close(&p, 3000, true);
}

CASE(over_far, "an index far too large: into the middle of another block") {
    struct pair p = pair_new(3000);
    size_t i = 17;
    WRONG(i = (size_t)(p.at[1] - p.at[0]) + 1500);
    GUILTY(p.at[0][i] = 'y');
    pair_close(&p, 3000, true);
}

CASE(over_zero, "a byte in a block of size 0") {
    size_t size = 0;
    RIGHT(size = 1);
    memory_t *h = block(size);
    char *at = lock(h);
    GUILTY(at[0] = 1);
    unlock(h);
}

CASE(over_shrunk, "the old content of a block that has been shrunk while locked") {
    memory_t *h = bytes_block(400, 's');
    char *at = lock(h);
    WRONG(resize(h, 100));
    GUILTY(at[300] = 'e');
    unlock(h);
}

CASE(over_large, "a byte behind a block of 300,000 in a growing heap") {
    rm_heap_t *growing = open_growing(RM_THREADS_NONE);
    memory_t *h = block_in(growing, 300000), *next = block_in(growing, 300000);
    char *at = lock(h);
    lock(next);
    WRONG(GUILTY(at[300000 + 4096] = 1));
    WRONG(GUILTY(memset(at + 300000, 1, 16)));
    unlock(next);
    unlock(h);
}

CASE(over_aligned, "eight bytes behind a block aligned to 64") {
    memory_t *h = aligned_block(256, 64), *next = aligned_block(256, 64);
    unsigned char *at = lock(h);
    lock(next);
    WRONG(GUILTY(memset(at + 256, 0, 8)));
    unlock(next);
    unlock(h);
}

CASE(over_read, "a byte behind a block of 48, read") {
    struct pair p = pair_new(48);
    pair_release(&p, 1);
    unsigned n = 48, sum = 0;
    WRONG(n++);
    for (unsigned i = 0; i < n; i++) GUILTY(sum += p.at[0][i]);
    expect(sum == 48 * 'x', "the sum is another");
    pair_close(&p, 48, true);
}

CASE(over_read_string, "strlen of a text without its end") {
    struct pair p = pair_new(48);
    pair_release(&p, 1);
    size_t length;
    RIGHT(p.at[0][47] = '\0');
    GUILTY(length = strlen((char *)p.at[0]));
    expect(length < 48, "the text is longer than its block");
    pair_close(&p, 48, true);
}

CASE(over_read_echo, "more sent back than has come in") {
    struct pair p = pair_new(128);
    pair_release(&p, 1);
    char echo[200];
    size_t claimed = 128;
    WRONG(claimed = 200);
    memset(echo, 0, sizeof echo);
    GUILTY(memcpy(echo, p.at[0], claimed));
    expect(echo[150] != 'x', "a neighbour's bytes have been sent");
    pair_close(&p, 128, true);
}

/* --- before the beginning --- */

CASE(under_by_one, "the byte before a block of 3,000: its header") {
    struct pair p = pair_new(3000);
    pair_release(&p, 0);
    WRONG(GUILTY(p.at[1][-1] ^= 0x55));
    pair_close(&p, 3000, true);
}

CASE(under_by_one_small, "the byte before a block of 16") {
    struct pair p = pair_new(16);
    WRONG(GUILTY(p.at[1][-1] ^= 0x55));
    pair_close(&p, 16, false);
}

CASE(under_by_index, "v[i - 1] with i = 0") {
    struct pair p = pair_new(48);
    pair_release(&p, 0);
    int *v = (int *)(void *)p.at[1];
    unsigned i = 1;
    WRONG(i = 0);
    GUILTY(v[(ptrdiff_t)i - 1] = 0x5a5a);
    pair_close(&p, 48, false);
}

CASE(under_by_trim, "trailing blanks cut off a text of nothing else") {
    struct pair p = pair_new(16);
    memset(p.at[0], ' ', 16);
    memset(p.at[1], ' ', 16);
    RIGHT(p.at[1][0] = '.');
    char *end = (char *)p.at[1] + 16;
    while (end > (char *)p.at[0] && (GUILTY(end[-1] == ' '))) *--end = '\0';
    for (unsigned i = 0; i < 16; i++)
        expect(p.at[0][i] == ' ', "the neighbour's content has changed");
    unlock(p.handle[0]);
    unlock(p.handle[1]);
}

CASE(under_read,
     "the word before a block of 3,000, read as if malloc's size stood there") {
    struct pair p = pair_new(3000);
    pair_release(&p, 0);
    uint64_t size = 3000;
    WRONG(GUILTY(memcpy(&size, p.at[1] - 8, 8)));
    expect(size / 16 == 3000 / 16, "that is not the size");
    pair_close(&p, 3000, true);
}

/* --- into what belongs to nobody --- */

CASE(into_free, "into free memory behind the last block") {
    memory_t *h = block(3000);
    char *at = lock(h);
    WRONG(GUILTY(memset(at + 60000, 1, 100)));
    unlock(h);
}

CASE(into_free_head, "over the head of the free memory behind the last block") {
    rm_heap_t *growing = open_growing(RM_THREADS_NONE);
    memory_t *h = block_in(growing, 3000), *next = block_in(growing, 9000);
    drop(next);
    compact(growing);
    char *at = lock(h);
    WRONG(GUILTY(memset(at + 3000, 0x7f, 64)));
    unlock(h);
}

/* Where the heap's table begins, from the low end of its region. */
static bool find_table(const rm_span_t *span, void *at) {
    if (span->kind == RM_SPAN_METADATA) *(size_t *)at = span->offset;
    return true;
}

CASE(into_table, "over entries of the handle table, by an address computed wrong") {
    size_t table = 0;
    memory_t *h = block(3000);
    must(rm_heap_walk(heap, find_table, &table));
    char *at = lock(h);
    WRONG(GUILTY(memset(at + (stage_region() + table + 16 - at), 0xff, 16)));
    unlock(h);
}

CASE(into_structure,
     "over the last bytes of the region: what the heap knows of its zones") {
    memory_t *h = block(3000);
    char *at = lock(h);
    WRONG(GUILTY(memset(at + (stage_region() + STAGE_BYTES - 16 - at), 0xff, 8)));
    unlock(h);
}

/* --- what nobody has written --- */

/* What is allocated next has been used before. */
static void soil(size_t size) {
    memory_t *used[4];
    for (unsigned i = 0; i < 4; i++) used[i] = bytes_block(size, 0x77);
    for (unsigned i = 0; i < 4; i++) drop(used[i]);
}

CASE(fresh_counter, "a counter taken for 0 in a new block") {
    soil(40);
    memory_t *h = block(40);
    int *counter = lock(h);
    RIGHT(*counter = 0);
    (*counter)++;
    GUILTY(expect(*counter == 1, "the count is another"));
    unlock(h);
}

CASE(fresh_flag, "a flag that one path does not set") {
    soil(100);
    memory_t *h = block(100);
    char *at = lock(h);
    memset(at, 0, 50);
    RIGHT(at[60] = 0);
    bool set = false;
    GUILTY(set = at[60] ? true : set);
    unlock(h);
    expect(!set, "the flag is set");
}

CASE(fresh_string, "strcat to a new block, in which no text ends yet") {
    soil(200);
    memory_t *h = block(200);
    char *at = lock(h);
    at[100] = '\0';
    RIGHT(at[0] = '\0');
    GUILTY(strcat(at, "text"));
    unlock(h);
    expect(text_is(h, "text"), "the text is another");
}

CASE(fresh_grown, "what rmrealloc has added, taken for zeros") {
    soil(400);
    memory_t *h = bytes_block(40, 0);
    resize(h, 400);
    char *at = lock(h);
    RIGHT(memset(at + 40, 0, 360));
    bool set = false;
    GUILTY(set = at[300] ? true : set);
    unlock(h);
    expect(!set, "it is not zeros");
}

CASE(fresh_moved, "half of a block is written; the other is read when it has moved") {
    soil(600);
    memory_t *gap = gap_open(2000), *h = block(600);
    char *at = lock(h);
    memset(at, 0, 300);
    RIGHT(memset(at + 300, 0, 300));
    unlock(h);
    gap_close(gap);
    at = lock(h);
    bool set = false;
    GUILTY(set = at[400 + below(100)] ? true : set);
    unlock(h);
    WRONG(expect(!set, "it is not zeros"));
}

CASE(fresh_handle, "a handle read from a struct that nobody has filled") {
    struct owner {
        memory_t *name;
    } *owner = malloc(sizeof *owner);
    expect(owner != NULL, "no memory");
    size_t size;
    RIGHT(owner->name = block(10));
    GUILTY(call(rmsize(owner->name, &size)));
    free(owner);
}
