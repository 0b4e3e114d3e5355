/* SPDX-License-Identifier: MIT */
/*
 * What is said of blocks and of the places where things happened, word by word. The tools that know stacks and places
 * are here, and say what the test wants; what is written to standard error is kept.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "inject.h"
#include "notes.h"
#include "origin.h"
#include "told.h"
#include "tool.h"

/* --- the tools' functions, for want of themselves --- */

/* Places by the number that stands for an address, from 1 on; those above are told by it. */
static const char *const places[] = {"tool_stack lib/tool.c:200",
                                     "notes_made ../lib/notes.c:54",
                                     "shadow_made /a/b/shadow.c:1",
                                     "guard.c:9",
                                     "guarded_alloc api_guarded.c:90",
                                     "rm_heap_alloc lib/api.c:5",
                                     "rm_heap_create lib/api_heap.c:77",
                                     "rmlock+0x1 (/usr/lib/librmalloc.so.0)",
                                     "main src/main.c:10",
                                     "work src/mytool.c:20",
                                     "api.cc:3",
                                     "f /lib/notes.cpp:4"};
enum { OWN = 8, MAIN = OWN, WORK, API, CPP, N_PLACES };
static unsigned n_asked;

void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size);
void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size) {
    size_t i = (size_t)pc - 1;
    g_assert_cmpstr(format, ==, "%f %S");
    n_asked++;
    if (i < N_PLACES)
        g_snprintf(text, (gulong)size, "%s", places[i]);
    else
        g_snprintf(text, (gulong)size, "place %zu", i);
}

static struct {
    const void *from;
    size_t bytes;
    const char *what;
} last;
static void tell_last(const volatile void *from, size_t bytes, const char *what) {
    last.from = (const void *)from;
    last.bytes = bytes;
    last.what = what;
}
static void assert_last(const void *from, size_t bytes, const char *what) {
    g_assert_true(last.from == from);
    g_assert_cmpuint(last.bytes, ==, bytes);
    g_assert_cmpstr(last.what, ==, what);
    last.what = NULL;
}

void __asan_poison_memory_region(const volatile void *from, size_t bytes);
void __asan_poison_memory_region(const volatile void *from, size_t bytes) {
    tell_last(from, bytes, "hidden");
}
void __asan_unpoison_memory_region(const volatile void *from, size_t bytes);
void __asan_unpoison_memory_region(const volatile void *from, size_t bytes) {
    tell_last(from, bytes, "shown");
}
void __lsan_register_root_region(const void *from, size_t bytes);
void __lsan_register_root_region(const void *from, size_t bytes) {
    tell_last(from, bytes, "root");
}
void __lsan_unregister_root_region(const void *from, size_t bytes);
void __lsan_unregister_root_region(const void *from, size_t bytes) {
    tell_last(from, bytes, "no root");
}

/* --- tools --- */

static void test_tool(void) {
    static const char bytes[8];
    g_assert_cmpint(tool_watching(), ==, TOOL_ASAN);
    g_assert_cmpint(tool_watching(), ==, TOOL_ASAN);
    tool_hide(bytes, 7);
    assert_last(bytes, 7, "hidden");
    tool_show(bytes, 6);
    assert_last(bytes, 6, "shown");
    tool_root(bytes, 5);
    assert_last(bytes, 5, "root");
    tool_unroot(bytes, 4);
    assert_last(bytes, 4, "no root");
}

/* As deep as was asked for, as there is room for, as the stack is; without the innermost, which asks. */
static void test_depth(void) {
    static const struct {
        unsigned deep, most, n;
    } cases[] = {{0, 10, 0},   {1, 10, 0},   {2, 10, 1},   {5, 10, 4},
                 {11, 10, 10}, {12, 10, 10}, {12, 1, 1},   {12, 0, 0},
                 {90, 62, 62}, {90, 63, 63}, {90, 64, 63}, {90, 99, 63}};
    void *frames[100];
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (told_depth = 0; told_depth < (int)cases[i].deep; told_depth++)
            told_stack[told_depth] = told_frame((size_t)told_depth);
        memset(frames, 0, sizeof frames);
        g_assert_cmpuint(tool_stack(frames, cases[i].most), ==, cases[i].n);
        for (unsigned n = 0; n < 100; n++)
            g_assert_true(frames[n] == (n < cases[i].n ? told_frame(n + 1) : NULL));
    }
}

/* --- stacks, frame by frame --- */

/* The library's own frames are left out until the first that is the program's: its files alone are the library's. */
static void test_stack(void) {
    struct {
        unsigned n, frames[4];
        const char *said;
    } cases[] = {
        {0, {0}, ""},
        {2, {0, 1}, ""},
        {3, {0, 1, MAIN}, "    #0 main src/main.c:10\n"},
        {4,
         {3, WORK, 2, MAIN},
         "    #0 work src/mytool.c:20\n    #1 shadow_made /a/b/shadow.c:1\n"
         "    #2 main src/main.c:10\n"},
        {1, {API}, "    #0 api.cc:3\n"},
        {1, {CPP}, "    #0 f /lib/notes.cpp:4\n"},
    };
    void *frames[4];
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned j = 0; j < cases[i].n; j++)
            frames[j] = told_frame(cases[i].frames[j]);
        unsigned asked = n_asked;
        notes_print_stack(cases[i].n > 0 ? frames : NULL, cases[i].n);
        g_assert_cmpstr(told(), ==, cases[i].said);
        if (cases[i].said[0] == '\0') g_assert_cmpuint(n_asked, ==, asked + cases[i].n);
    }
    for (unsigned own = 0; own < OWN; own++) {
        frames[0] = told_frame(own);
        frames[1] = told_frame(MAIN);
        notes_print_stack(frames, 2);
        g_assert_cmpstr(told(), ==, "    #0 main src/main.c:10\n");
    }
}

/* One place in words for each stack: the first that is the program's, as often as it is asked for, though others
   have come in between; who has been asked just now is not asked again. */
static void test_where(void) {
    enum { STACKS = 2000, FIRST = 100 };
    struct aside a = {.chunks = NULL};
    struct notes n;
    g_assert_true(notes_init(&n, &a));
    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < STACKS; i++) {
            char wanted[40];
            told_set_stack(4, 0u, 1u, FIRST + i, MAIN);
            struct note *note = notes_made(&n, 5, 1, 10);
            g_snprintf(wanted, sizeof wanted, "place %u", FIRST + i);
            g_assert_cmpstr(notes_where(&n, note), ==, wanted);
            unsigned asked = n_asked;
            g_assert_cmpstr(notes_where(&n, note), ==, wanted);
            g_assert_cmpuint(n_asked, ==, asked);
        }
    told_set_stack(3, 0u, 1u, 2u);
    g_assert_cmpstr(notes_where(&n, notes_made(&n, 5, 1, 10)), ==, "an unknown place");
    told_depth = 0;
    g_assert_cmpstr(notes_where(&n, notes_made(&n, 5, 1, 10)), ==, "an unknown place");
    aside_finish(&a);
}

/* --- lines --- */

static const char memory[1 << 20];

/* What becomes of a block, and what is said then of an address so far from where it is. */
static void test_say(void) {
    static const struct {
        char does;
        int into;
        const char *where, *is;
    } steps[] = {
        {' ', 0, "0 bytes into", "unlocked, and always was\n  "},
        {' ', -7, "7 bytes below", "unlocked, and always was\n  "},
        {'p', 49, "49 bytes into", "unlocked, and always was\n  "},
        {'l', 50, "0 bytes behind", "locked\n  "},
        {'l', 51, "1 bytes behind", "locked\n  "},
        {'u', 51, "1 bytes behind", "locked\n  "},
        {'u', 49, "49 bytes into", "unlocked\n  unlocked here:\n    #0 place 21\n  "},
        {'l', 0, "0 bytes into", "locked\n  unlocked here:\n    #0 place 21\n  "},
        {'u', 0, "0 bytes into", "unlocked\n  unlocked here:\n    #0 place 23\n  "},
        {'f', 3, "3 bytes into", "freed\n  freed here:\n    #0 place 24\n  "},
    };
    struct aside a = {.chunks = NULL};
    struct notes n;
    unsigned locks = 0;
    g_assert_true(notes_init(&n, &a));
    told_set_stack(3, 0u, 1u, MAIN);
    const struct note *note = notes_made(&n, 5, 0xabc, 50);
    for (unsigned i = 0, at = 15; i < G_N_ELEMENTS(steps); i++) {
        told_set_stack(2, 0u, at++);
        if (steps[i].does == 'p') notes_locked(&n, 5, memory + 100, locks);
        if (steps[i].does == 'l') notes_locked(&n, 5, memory + 100, ++locks);
        if (steps[i].does == 'u') notes_unlocked(&n, 5, --locks);
        if (steps[i].does == 'f') notes_freed(&n, 5);
        const char *address = memory + 100 + steps[i].into;
        char *wanted = g_strdup_printf(
            "rmalloc: %p is %s a block of 50 bytes, handle 0xabc, which is %sallocated "
            "here:\n    #0 main src/main.c:10\n",
            (const void *)address, steps[i].where, steps[i].is);
        notes_say(note, address, memory + 100);
        g_assert_cmpstr(told(), ==, wanted);
        g_free(wanted);
    }
    aside_finish(&a);
}

/* A line as long as there is room for; more is cut off; what cannot be said is not. */
static void test_lines(void) {
    for (int length = 505; length < 1030; length++) {
        char *text = g_strnfill((gsize)length, 'x');
        char *line = g_strdup_printf("%.*s\n", length < 510 ? length : 510, text);
        notes_print("%s", text);
        const char *line_told = told();
        g_assert_cmpuint(strlen(line_told), ==, length < 1023 ? length : 1023);
        g_assert_true(g_str_has_prefix(text, line_told));
        origin_say("%s", text);
        g_assert_cmpstr(told(), ==, line);
        g_free(line);
        g_free(text);
    }
    told_writes = 0;
    notes_print("%s", "");
    notes_print("%ls", L"\x7fffffff");
    origin_say("%ls", L"\x7fffffff");
    g_assert_cmpuint(told_writes, ==, 0);
    origin_say("%s", "");
    g_assert_cmpstr(told(), ==, "\n");
}

/* --- where blocks have been made --- */

static void test_origins(void) {
    static const struct {
        int n;
        unsigned frames[3];
    } stacks[] = {{1, {30}},         {1, {31}},         {2, {30, 31}},
                  {2, {31, 30}},     {3, {30, 31, 32}}, {3, {30, 31, 33}},
                  {3, {34, 31, 32}}, {3, {30, 35, 32}}};
    enum { N = G_N_ELEMENTS(stacks) };
    uint32_t numbers[N];
    struct origins o;
    g_assert_true(origins_init(&o, 1000));
    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < N; i++) {
            GString *wanted = g_string_new(NULL);
            for (told_depth = 0; told_depth < stacks[i].n; told_depth++) {
                told_stack[told_depth] = told_frame(stacks[i].frames[told_depth]);
                g_string_append_printf(wanted, "at %u\n", stacks[i].frames[told_depth]);
            }
            uint32_t number = origin_here(&o);
            if (turn == 0) numbers[i] = number;
            g_assert_cmpuint(number, ==, numbers[i]);
            for (unsigned j = 0; j < i; j++) g_assert_cmpuint(number, !=, numbers[j]);
            origin_print(&o, number);
            g_assert_cmpstr(told(), ==, wanted->str);
            origin_print_here();
            g_assert_cmpstr(told(), ==, wanted->str);
            g_string_free(wanted, TRUE);
        }
    g_assert_cmpuint(o.n_stacks, ==, N);
    origin_print(&o, ORIGIN_NONE);
    g_assert_cmpstr(told(), ==, "    (not known)\n");
    told_depth = 0;
    g_assert_cmpuint(origin_here(&o), ==, ORIGIN_NONE);
    origins_finish(&o);
}

/* Three of four places are taken, and no more; what has a number keeps it. Stacks that differ in one frame, whichever,
   lie far apart, so that each is soon found. */
static void test_many_stacks(void) {
    enum { MOST = ORIGIN_STACKS / 4 * 3 };
    static uint32_t numbers[MOST + 10];
    unsigned n_near = 0;
    struct origins o;
    g_assert_true(origins_init(&o, 1000));
    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < MOST + 10; i++) {
            told_set_stack(3, 1u, 2u, 3u);
            told_stack[i % 3] = told_frame(1000 + i);
            uint32_t number = origin_here(&o);
            if (turn == 0) {
                numbers[i] = number;
                n_near += i > 0 && number == numbers[i - 1] + 1;
            }
            g_assert_cmpuint(number, ==, numbers[i]);
            g_assert_true((number == ORIGIN_NONE) == (i >= MOST));
        }
    g_assert_cmpuint(n_near, <, MOST / 10);
    origins_finish(&o);
}

/* Slots far away and near, in any order; where memory is refused it is not known, and may be another time. */
static void test_slots(void) {
    enum { SLOTS = 200000, STEP = 1 << 16 };
    size_t kept = inject_kept();
    struct origins o = {.stacks = NULL};
    origins_finish(&o);
    for (unsigned k = 1; k <= 2; k++) {
        inject_begin(&(struct fault){k, false, 0, REQUESTS_ALL});
        g_assert_false(origins_init(&o, SLOTS * 8 - 8));
        inject_end();
        g_assert_cmpuint(inject_kept(), ==, kept);
        origins_finish(&o);
    }
    g_assert_true(origins_init(&o, SLOTS * 8 - 8));
    origin_set(&o, 70000, 7);
    origin_set(&o, 5, 8);
    g_assert_cmpuint(origin_of(&o, 70000), ==, 7);
    g_assert_cmpuint(origin_of(&o, 5), ==, 8);
    errno = 1234;
    inject_begin(&(struct fault){1, true, 0, REQUESTS_ALL});
    origin_set(&o, 2 * STEP, 9);
    inject_end();
    g_assert_cmpint(errno, ==, 1234);
    g_assert_cmpuint(origin_of(&o, 2 * STEP), ==, ORIGIN_NONE);
    origin_set(&o, SLOTS - 1, 10);
    origin_set(&o, SLOTS, 11);
    g_assert_cmpuint(origin_of(&o, SLOTS - 1), ==, 10);
    g_assert_cmpuint(origin_of(&o, SLOTS), ==, ORIGIN_NONE);
    g_assert_cmpuint(origin_of(&o, 70000), ==, 7);
    origins_finish(&o);
    g_assert_cmpuint(inject_kept(), ==, kept);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/told/tool", test_tool);
    g_test_add_func("/told/depth", test_depth);
    g_test_add_func("/told/stack", test_stack);
    g_test_add_func("/told/where", test_where);
    g_test_add_func("/told/say", test_say);
    g_test_add_func("/told/lines", test_lines);
    g_test_add_func("/told/origins", test_origins);
    g_test_add_func("/told/many-stacks", test_many_stacks);
    g_test_add_func("/told/slots", test_slots);
    return g_test_run();
}
