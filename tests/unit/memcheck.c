/* SPDX-License-Identifier: MIT */
#include "memcheck.h"

#include <glib.h>
#include <string.h>

#include "tool.h"

_Alignas(4096) char memcheck_memory[MEMCHECK_BYTES];
bool memcheck_hidden[MEMCHECK_BYTES];
unsigned char memcheck_bits[MEMCHECK_BYTES];
const char memcheck_place[] = "main.c:7";
int memcheck_depth;
struct memcheck_name memcheck_names[MEMCHECK_NAMES];
unsigned memcheck_n_names, memcheck_n_pools;
struct memcheck_said memcheck_said[MEMCHECK_SAID];
unsigned memcheck_n_said;

enum { POOLS = 64 };
static const void *pools[POOLS];

void memcheck_reset(void) {
    memset(memcheck_hidden, 0, sizeof memcheck_hidden);
    memset(memcheck_bits, 0, sizeof memcheck_bits);
    memset(memcheck_said, 0, sizeof memcheck_said);
    memset(pools, 0, sizeof pools);
    memcheck_depth = 0;
    memcheck_n_names = memcheck_n_pools = memcheck_n_said = 0;
}

enum tool tool_watching(void) { return TOOL_MEMCHECK; }

/* --- bytes --- */

/* Where in the memory that is watched; false: elsewhere. */
static bool find(const void *from, size_t bytes, size_t *at) {
    const char *low = from;
    if (low < memcheck_memory || low >= memcheck_memory + MEMCHECK_BYTES) return false;
    *at = (size_t)(low - memcheck_memory);
    g_assert_cmpuint(bytes, <=, MEMCHECK_BYTES - *at);
    return true;
}

static void set(const void *from, size_t bytes, bool hidden, unsigned char bits) {
    size_t at;
    if (!find(from, bytes, &at)) return;
    memset(memcheck_hidden + at, hidden, bytes);
    memset(memcheck_bits + at, bits, bytes);
}

void tool_hide(const void *from, size_t bytes) { set(from, bytes, true, 0xff); }
void tool_show(const void *from, size_t bytes) { set(from, bytes, false, 0); }
void tool_undefine(const void *from, size_t bytes) { set(from, bytes, false, 0xff); }

bool tool_defined(const void *from, size_t bytes) {
    size_t at = 0;
    g_assert_true(find(from, bytes, &at));
    for (size_t i = at; i < at + bytes; i++)
        if (memcheck_hidden[i] || memcheck_bits[i] != 0) return false;
    return true;
}

static bool all_shown(size_t at, size_t bytes) {
    for (size_t i = at; i < at + bytes; i++)
        if (memcheck_hidden[i]) return false;
    return true;
}

bool tool_get_bits(const void *from, unsigned char *bits, size_t bytes) {
    size_t at = 0;
    g_assert_true(find(from, bytes, &at));
    if (!all_shown(at, bytes)) return false;
    memcpy(bits, memcheck_bits + at, bytes);
    return true;
}

void tool_set_bits(const void *from, const unsigned char *bits, size_t bytes) {
    size_t at = 0;
    g_assert_true(find(from, bytes, &at));
    g_assert_true(all_shown(at, bytes));
    memcpy(memcheck_bits + at, bits, bytes);
}

void tool_begin(void) { memcheck_depth++; }
void tool_end(void) {
    memcheck_depth--;
    g_assert_cmpint(memcheck_depth, >=, 0);
}

/* --- names --- */

static unsigned find_pool(const void *pool) {
    unsigned i = 0;
    while (i < POOLS && pools[i] != pool) i++;
    return i;
}

void tool_pool_open(const void *pool) {
    g_assert_cmpuint(find_pool(pool), ==, POOLS);
    unsigned i = find_pool(NULL);
    g_assert_cmpuint(i, <, POOLS);
    pools[i] = pool;
    memcheck_n_pools++;
}

void tool_pool_close(const void *pool) {
    unsigned i = find_pool(pool);
    g_assert_cmpuint(i, <, POOLS);
    pools[i] = NULL;
    memcheck_n_pools--;
    for (unsigned n = memcheck_n_names; n-- > 0;)
        if (memcheck_names[n].pool == pool)
            memcheck_names[n] = memcheck_names[--memcheck_n_names];
}

static struct memcheck_name *find_name(const void *pool, const void *at) {
    for (unsigned i = 0; i < memcheck_n_names; i++)
        if (memcheck_names[i].pool == pool && memcheck_names[i].at == at)
            return &memcheck_names[i];
    return NULL;
}

const struct memcheck_name *memcheck_name_at(const char *at) {
    for (unsigned i = 0; i < memcheck_n_names; i++)
        if (memcheck_names[i].at == at) return &memcheck_names[i];
    return NULL;
}

static void hide_beside(const char *block, size_t bytes) {
    tool_hide(block - TOOL_BESIDE, TOOL_BESIDE);
    tool_hide(block + bytes, TOOL_BESIDE);
}

void tool_named(const void *pool, const void *block, size_t bytes) {
    g_assert_cmpuint(find_pool(pool), <, POOLS);
    g_assert_null(memcheck_name_at(block));
    g_assert_cmpuint(memcheck_n_names, <, MEMCHECK_NAMES);
    memcheck_names[memcheck_n_names++] = (struct memcheck_name){pool, block, bytes};
    tool_undefine(block, bytes);
    hide_beside(block, bytes);
}

void tool_renamed(const void *pool, const void *from, const void *to, size_t bytes) {
    struct memcheck_name *name = find_name(pool, from);
    g_assert_nonnull(name);
    if (from != to) g_assert_null(memcheck_name_at(to));
    name->at = to;
    name->bytes = bytes;
}

void tool_unnamed(const void *pool, const void *block) {
    struct memcheck_name *name = find_name(pool, block);
    g_assert_nonnull(name);
    tool_hide(block, name->bytes);
    hide_beside(block, name->bytes);
    *name = memcheck_names[--memcheck_n_names];
}

/* --- bytes by what they were --- */

unsigned tool_note(const void *from, size_t bytes, const char *what) {
    unsigned i = 0;
    while (i < MEMCHECK_SAID && memcheck_said[i].low != NULL) i++;
    g_assert_cmpuint(i, <, MEMCHECK_SAID);
    memcheck_said[i].low = from;
    memcheck_said[i].end = (const char *)from + bytes;
    g_strlcpy(memcheck_said[i].what, what, sizeof memcheck_said[i].what);
    memcheck_n_said++;
    return i;
}

void tool_note_drop(unsigned note) {
    g_assert_cmpuint(note, <, MEMCHECK_SAID);
    g_assert_nonnull(memcheck_said[note].low);
    memcheck_said[note].low = NULL;
    memcheck_n_said--;
}

const struct memcheck_said *memcheck_said_of(const char *low, const char *end) {
    for (unsigned i = 0; i < MEMCHECK_SAID; i++)
        if (memcheck_said[i].low == low && memcheck_said[i].end == end)
            return &memcheck_said[i];
    return NULL;
}

/* --- ASan's, which must not be told --- */

void tool_on_report(void (*report)(const char *address)) { g_assert_null(report); }
void tool_root(const void *from, size_t bytes) { g_assert_true(from == NULL && bytes); }
void tool_unroot(const void *from, size_t bytes) { g_assert_true(from == NULL && bytes); }

/* --- places: two frames of the library's own, then the program's --- */

enum { FRAMES = 3, MADE_FRAMES = 9 };

unsigned tool_stack(void **frames, unsigned most) {
    g_assert_true(most == MADE_FRAMES || most == 0);
    unsigned n = most < FRAMES ? most : FRAMES;
    for (unsigned i = 0; i < n; i++) frames[i] = memcheck_memory + i;
    return n;
}

void tool_place(const void *pc, char *text, size_t size) {
    static const char *const places[FRAMES] = {"notes.c:54", "shadow.c:370",
                                               memcheck_place};
    g_strlcpy(text, places[(const char *)pc - memcheck_memory], (gsize)size);
}
