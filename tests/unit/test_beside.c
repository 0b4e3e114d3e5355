/* SPDX-License-Identifier: MIT */
/*
 * What is said where somebody has written, or reached, beside a block or into one that is not theirs, under move-stress
 * and of fences: word by word, for each place there is.
 */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>

#include "calls.h"
#include "guarded.h"
#include "inside.h"
#include "os.h"
#include "stress.h"
#include "told.h"

/* --- move-stress: a heap in which nothing moves, as the test is its only guard --- */

enum { REGION = 1 << 16, LARGE = 3000, NEAR = 64 };

static struct {
    struct heap *h;
    struct crowd *crowd;
    char *low;
    size_t bytes;
    uint64_t tag;
    struct origins origins;
    struct stress *t;
    uint32_t first, second; /* with a gap between them, and behind */
} site;
static _Alignas(16) char region[REGION];

static uint32_t make(size_t size, unsigned where) {
    uint32_t slot = SLOT_NIL;
    told_set_stack(1, where);
    g_assert_cmpint(heap_alloc(site.h, NULL, size, 0, 0, &slot), ==, RM_OK);
    origin_set(&site.origins, slot, origin_here(&site.origins));
    return slot;
}

static size_t place_of(uint32_t slot) {
    return entry_place(table_entry(&site.h->store.table, slot));
}

static void open_site(enum settings_stress when) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct settings settings = {.stress = when, .stress_seed = 9};
    options.memory = region;
    options.size = REGION;
    options.threads = RM_THREADS_NONE;
    inside_open(&site, &options);
    g_assert_true(origins_init(&site.origins, REGION));
    site.first = make(LARGE, 11);
    uint32_t gap = make(LARGE, 12);
    site.second = make(LARGE, 13);
    g_assert_cmpint(free_slot(site.h, gap), ==, RM_OK);
    g_assert_cmpuint(place_of(site.second), >, place_of(site.first) + 2 * LARGE);
    heap_settle(site.h);
    site.t = stress_create(site.h, REGION, &settings, &site.origins, false);
    g_assert_nonnull(site.t);
    stress_end(site.t, site.h, false);
}

static void close_site(void) {
    stress_destroy(site.t);
    origins_finish(&site.origins);
    g_assert_true(registry_destroy(site.tag));
}

static uint64_t first_handle(void) { return slot_handle(site.h, site.first); }

/* Who left the place once. */
enum left { NOBODY, MOVED, FREED, GONE, REUSED, NEXT };

struct wrong {
    enum { FIRST, SECOND } of;
    ptrdiff_t at; /* from its beginning */
    size_t bytes;
    enum left left;
    const char *what;
    bool told; /* with that block */
};

/* A departure from 10 bytes before. */
static void leave(const struct wrong *w, size_t place) {
    uint64_t handle = first_handle();
    if (w->left == NOBODY) return;
    if (w->left == GONE || w->left == NEXT) { /* its slot is nobody's */
        uint32_t slot = make(10, 14);
        handle = slot_handle(site.h, slot);
        g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK);
        if (w->left == NEXT) handle = slot_handle(site.h, slot); /* nor is it so far */
    } else if (w->left == REUSED) {                              /* a generation ago */
        handle += (uint64_t)1 << 60;
    }
    trail_left(&site.t->trail, handle, place - 10, 77, w->left != MOVED);
    heap_settle(site.h);
    stress_end(site.t, site.h, false);
}

static void say_block(GString *to, uint32_t slot, unsigned where) {
    g_string_append_printf(
        to, "  block    handle %p, %d bytes, at %p now, 0 locks\n  made at\nat %u\n",
        (void *)heap_handle(site.h, slot), LARGE,
        (void *)(site.h->store.area.base + place_of(slot)), where);
}

static void say_left(GString *to, const struct wrong *w) {
    if (w->left == NOBODY) return;
    g_string_append_printf(to, "  offset   10 in the place of a block of 77 bytes, %s\n",
                           w->left == MOVED ? "from where it has moved"
                                            : "until it was freed");
    if (w->left == MOVED || w->left == FREED) {
        say_block(to, site.first, 11);
        return;
    }
    uint64_t n = site.t->trail.n_left - 1;
    g_string_append_printf(to, "  block    handle %p, 77 bytes, freed\n  made at\n%s\n",
                           (void *)(uintptr_t)site.t->trail.log[n].handle,
                           w->left == REUSED ? "    (not known)" : "at 14");
}

static bool is_found(struct stress *t) { return TOLD_DIES(stress_begin(t, site.h)); }

static void find(const struct wrong *w, enum settings_stress when) {
    uint32_t slot = w->of == FIRST ? site.first : site.second;
    size_t place = (size_t)((ptrdiff_t)place_of(slot) + w->at);
    char *at = site.h->store.area.base + place;
    leave(w, place);
    GString *wanted = g_string_new(NULL);
    g_string_append_printf(wanted,
                           "rmalloc: %zu bytes at %p have been written %s\n  bytes   ",
                           w->bytes, (void *)at, w->what);
    for (size_t i = 0; i < w->bytes; i++) {
        at[i] = (char)(at[i] ^ (int)(0x5a + i * 16));
        if (i < 16) g_string_append_printf(wanted, " %02x", (unsigned char)at[i]);
    }
    g_string_append(wanted, w->bytes > 16 ? " ...\n" : "\n");
    if (w->told) {
        g_string_append_printf(wanted, "  offset   %td of the block\n", w->at);
        say_block(wanted, slot, w->of == FIRST ? 11 : 13);
    }
    say_left(wanted, w);
    g_string_append_printf(
        wanted,
        "  found at the first call since; the same moves again: RMALLOC_STRESS=%s:9\n",
        when == STRESS_ON_ALL ? "onall" : "onchange");
    g_assert_true(is_found(site.t));
    g_assert_cmpstr(told(), ==, wanted->str);
    g_string_free(wanted, TRUE);
}

static void test_stress(void) {
    static const char within[] = "to a block that is not locked",
                      behind[] = "behind the end of a block",
                      before[] = "before the beginning of a block",
                      nobodys[] = "to memory that is nobody's",
                      late[] = "to a block after its last unlock",
                      freed[] = "to a block after it was freed";
    static const struct wrong wrongs[] = {
        {FIRST, 0, 1, NOBODY, within, true},
        {FIRST, 100, 15, NOBODY, within, true},
        {FIRST, LARGE - 16, 16, NOBODY, within, true},
        {SECOND, 5, 17, NOBODY, within, true},
        {SECOND, LARGE - 1, 1, NOBODY, within, true},
        {FIRST, LARGE, 1, NOBODY, behind, true},
        {FIRST, LARGE + NEAR - 2, 3, NOBODY, behind, true},
        {FIRST, LARGE + NEAR - 1, 1, NOBODY, nobodys, false},
        {FIRST, LARGE + LARGE / 2, 40, NOBODY, nobodys, false},
        {SECOND, -1, 1, NOBODY, before, true},
        {SECOND, 1 - NEAR, 2, NOBODY, before, true},
        {SECOND, -NEAR, 2, NOBODY, nobodys, false},
        {FIRST, 20, 1, MOVED, within, true},
        {FIRST, LARGE + 1, 1, MOVED, late, false},
        {SECOND, -1000, 9, MOVED, late, false},
        {SECOND, -1000, 9, FREED, freed, false},
        {SECOND, -1000, 9, GONE, freed, false},
        {SECOND, -1000, 9, REUSED, freed, false},
        {SECOND, -1000, 9, NEXT, freed, false},
    };
    for (enum settings_stress when = STRESS_ON_CHANGE; when <= STRESS_ON_ALL; when++)
        for (unsigned i = 0; i < G_N_ELEMENTS(wrongs); i++) {
            open_site(when);
            stress_begin(site.t, site.h);
            g_assert_cmpstr(told(), ==, "");
            find(&wrongs[i], when);
            close_site();
        }
}

/* Moves begin with the seed that was asked for, and with another one each time where none was. */
static void test_seed(void) {
    struct settings settings = {.stress = STRESS_ON_CHANGE, .stress_seed = 5};
    uint64_t seeds[3];
    open_site(STRESS_ON_CHANGE);
    for (unsigned i = 0; i < 3; i++, settings.stress_seed = 0) {
        struct stress *t = stress_create(site.h, REGION, &settings, &site.origins, false);
        seeds[i] = t->seed;
        stress_destroy(t);
    }
    g_assert_cmpuint(seeds[0], ==, 5);
    g_assert_true(seeds[1] != 0 && seeds[2] != 0 && seeds[1] != seeds[2]);
    close_site();
}

/* What is new is filled, and so is what is nobody's; where a tool sees each access it is left alone. */
static void test_watched(void) {
    struct settings settings = {.stress = STRESS_ON_CHANGE, .stress_seed = 5};
    for (unsigned watched = 0; watched < 2; watched++) {
        open_site(STRESS_ON_CHANGE);
        struct stress *t =
            stress_create(site.h, REGION, &settings, &site.origins, watched);
        char *at = site.h->store.area.base + place_of(site.first),
             *gap = at + LARGE + 100;
        memset(at, 1, 100);
        *gap = 1;
        stress_fresh(t, site.h, at, 50);
        g_assert_cmpuint((unsigned char)at[0], ==, watched ? 1 : MIRROR_FRESH);
        g_assert_cmpuint((unsigned char)at[49], ==, watched ? 1 : MIRROR_FRESH);
        g_assert_cmpuint((unsigned char)at[50], ==, 1);
        stress_end(t, site.h, false);
        g_assert_cmpuint((unsigned char)*gap, ==, watched ? 1 : MIRROR_FREE);
        g_assert_false(is_found(t));
        *gap ^= 1;
        g_assert_true(is_found(t) == !watched);
        g_assert_true((told()[0] == '\0') == watched);
        stress_destroy(t);
        close_site();
    }
}

/* What one call leaves the next one does not find: where it has changed something, or the library's own has changed;
   what has only looked need not be looked at. */
static void test_changes(void) {
    for (unsigned what = 0; what < 8; what++) {
        bool changed = what & 1, same = what & 2, noted = what & 4;
        open_site(STRESS_ON_CHANGE);
        stress_begin(site.t, site.h);
        site.h->store.area.base[place_of(site.first)] ^= 1;
        site.t->changed = changed;
        site.t->same = same;
        stress_end(site.t, site.h, noted);
        bool taken = changed || !same || noted;
        g_assert_true(is_found(site.t) == !taken);
        told();
        close_site();
    }
}

/* All moves where something has changed, or at each call; not if what has been put together is to stay so, nor while
   somebody reads. */
static void test_moves(void) {
    static const struct {
        enum settings_stress when;
        bool changed, spared, held, moves;
    } cases[] = {
        {STRESS_ON_CHANGE, false, false, false, false},
        {STRESS_ON_CHANGE, true, false, false, true},
        {STRESS_ON_CHANGE, true, false, true, false},
        {STRESS_ON_ALL, false, false, false, true},
        {STRESS_ON_ALL, false, true, false, false},
        {STRESS_ON_ALL, true, true, false, true},
        {STRESS_ON_ALL, true, false, true, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        open_site(cases[i].when);
        size_t first = place_of(site.first), second = place_of(site.second);
        stress_begin(site.t, site.h);
        site.t->changed = cases[i].changed;
        site.t->spared = cases[i].spared;
        if (cases[i].held) site.crowd->held++;
        errno = 1234;
        stress_move(site.t, site.h);
        g_assert_cmpint(errno, ==, 1234);
        if (cases[i].held) site.crowd->held--;
        g_assert_true((place_of(site.first) != first) == cases[i].moves);
        g_assert_true((place_of(site.second) != second) == cases[i].moves);
        close_site();
    }
}

/* --- fences --- */

/* A block of so many bytes, made at 21 and unlocked at 22: what does it take to be told, and what is said of it? */
struct touch {
    size_t size;
    ptrdiff_t at;
    bool write, locked; /* unlocked: at the last unlock */
    enum { STOPPED, BESIDE, FINE } comes;
};

static void touch(unsigned char *at, bool write) {
    volatile unsigned char *byte = at;
    if (write)
        *byte ^= 1;
    else
        (void)*byte;
}

static void fence(const struct touch *c, rm_heap_t *heap) {
    rm_memory_t *block;
    told_set_stack(1, 21u);
    g_assert_cmpint(rm_heap_alloc(heap, &block, c->size, 0, 0), ==, RM_OK);
    unsigned char *at = lock(block);
    told_set_stack(1, 22u);
    if (!c->locked) g_assert_cmpint(rmunlock(block), ==, RM_OK);
    char *how = g_strdup_printf("at %p, offset %td of a block of %zu bytes, handle %p%s\n"
                                "  made at\nat 21\n%s  found by RMALLOC_FENCE, ",
                                (void *)(at + c->at), c->at, c->size, (void *)block,
                                c->locked ? "" : ", which is not locked any more",
                                c->locked ? "" : "  unlocked at\nat 22\n");
    told_set_stack(1, 23u);
    g_assert_true(TOLD_DIES(touch(at + c->at, c->write)) == (c->comes == STOPPED));
    if (c->comes == STOPPED) {
        char *wanted =
            g_strdup_printf("rmalloc: a fence stopped an access %sin\nat 23\n", how);
        g_assert_cmpstr(told(), ==, wanted);
        g_free(wanted);
    } else if (c->comes == BESIDE) {
        char *wanted = g_strdup_printf(
            "rmalloc: bytes have been written beside a block %sat the last unlock\n",
            how);
        uint64_t tag;
        struct access a;
        g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
        g_assert_true(registry_enter(tag, &a));
        struct heap_block b = heap_look(a.heap, handle_slot(call_handle(block)));
        struct fence *f = &a.guard->fence;
        g_assert_true(TOLD_DIES(fence_unlocked(f, &b)));
        g_assert_cmpstr(told(), ==, wanted);
        touch(at + c->at, c->write); /* as it was */
        registry_leave(&a);
        g_free(wanted);
    }
    if (c->locked) g_assert_cmpint(rmunlock(block), ==, RM_OK);
    g_assert_cmpstr(told(), ==, "");
    g_assert_cmpint(rmfree(block), ==, RM_OK);
    g_free(how);
}

/* The handler that a fence sets is told once of a fault, and what was there before has its turn: so each case begins in
   a process of its own. */
static void test_fence(gconstpointer data) {
    if (g_test_subprocess()) {
        rm_heap_t *heap, *other;
        g_setenv("RMALLOC_FENCE", "1", TRUE);
        g_setenv("RMALLOC_TOOLS", "no", TRUE);
        g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
        g_assert_cmpint(rm_heap_create(&other, NULL), ==, RM_OK);
        g_assert_cmpuint(guard_of(heap)->fence.n_fenced, ==, 0);
        fence(data, heap);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_destroy(other), ==, RM_OK);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}

static const struct touch touches[] = {
    {128, 128, true, true, STOPPED},   {128, 128, false, true, STOPPED},
    {128, 127, true, true, FINE},      {128, 0, true, true, FINE},
    {100, 104, false, true, STOPPED},  {100, 103, true, true, BESIDE},
    {100, 100, true, true, BESIDE},    {100, 103, false, true, FINE},
    {100, -1, true, true, BESIDE},     {100, -3000, true, true, BESIDE},
    {5000, 5008, true, true, STOPPED}, {5000, -1, true, true, BESIDE},
    {100, 99, false, false, STOPPED},  {100, 0, true, false, STOPPED},
    {100, -1, false, false, STOPPED},  {5000, 0, false, false, STOPPED},
    {0, 0, true, true, STOPPED},       {5000, 5000, true, true, BESIDE},
};

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    told_listen();
    g_test_add_func("/beside/stress", test_stress);
    g_test_add_func("/beside/seed", test_seed);
    g_test_add_func("/beside/watched", test_watched);
    g_test_add_func("/beside/changes", test_changes);
    g_test_add_func("/beside/moves", test_moves);
    for (size_t i = 0; i < G_N_ELEMENTS(touches); i++) {
        char name[40];
        g_snprintf(name, sizeof name, "/beside/fence/%zu", i);
        g_test_add_data_func(name, &touches[i], test_fence);
    }
    return g_test_run();
}
