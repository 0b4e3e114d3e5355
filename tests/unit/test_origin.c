/* SPDX-License-Identifier: MIT */
/*
 * Where blocks have been made: equal stacks have one number, others have others, even where they have the same hash;
 * what there is no room for is not known. And what is said of them, however long it is.
 */
#include "origin.h"

#include <glib.h>
#include <stdlib.h>
#include <wchar.h>

#include "tool.h"

enum { SLOTS = 100, TIMES = 3 };

/* Read anew, so that no loop is unrolled: one place in it is one stack. */
static volatile unsigned times = TIMES;

static void open_origins(struct origins *o) {
    g_assert_true(origins_init(o, SLOTS * 8 - 8));
    g_assert_cmpuint(o->most, ==, SLOTS);
}

__attribute__((noinline)) static uint32_t elsewhere(struct origins *o) {
    uint32_t number = origin_here(o);
    return number;
}

static void test_numbers(void) {
    struct origins o;
    uint32_t numbers[TIMES];
    open_origins(&o);
    for (unsigned i = 0; i < times; i++) numbers[i] = origin_here(&o);
    uint32_t other = elsewhere(&o);
    if (numbers[0] == ORIGIN_NONE) {
        g_test_skip("this libc knows no stacks");
        origins_finish(&o);
        return;
    }
    g_assert_true(numbers[1] == numbers[0] && numbers[2] == numbers[0]);
    g_assert_true(other != numbers[0] && other != ORIGIN_NONE);
    g_assert_cmpuint(o.n_stacks, ==, 2);
    origins_finish(&o);
    g_assert_cmpuint(origin_here(&o), ==, ORIGIN_NONE);
}

/* Another stack with the same hash, of another length or not, keeps its number; this one has the next. */
static void test_hash(void) {
    for (unsigned which = 0; which < 2; which++) {
        struct origins o;
        uint32_t numbers[TIMES];
        open_origins(&o);
        for (unsigned i = 0; i < times; i++) {
            numbers[i] = origin_here(&o);
            if (i > 0 || numbers[i] == ORIGIN_NONE) continue;
            struct origin_stack *s = &o.stacks[numbers[i] - 1];
            if (which == 0)
                s->n++;
            else
                s->frames[0] = NULL;
        }
        if (numbers[0] != ORIGIN_NONE) {
            g_assert_cmpuint(numbers[1], ==, numbers[0] % ORIGIN_STACKS + 1);
            g_assert_cmpuint(numbers[2], ==, numbers[1]);
        }
        origins_finish(&o);
    }
}

static void test_full(void) {
    struct origins o;
    open_origins(&o);
    o.n_stacks = ORIGIN_STACKS / 4 * 3;
    g_assert_cmpuint(origin_here(&o), ==, ORIGIN_NONE);
    origins_finish(&o);
}

static void test_slots(void) {
    struct origins o, none = {.stacks = NULL};
    open_origins(&o);
    g_assert_cmpuint(origin_of(&o, 5), ==, ORIGIN_NONE);
    for (uint32_t slot = 0; slot < SLOTS + 3; slot++) origin_set(&o, slot, slot + 1);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        g_assert_cmpuint(origin_of(&o, slot), ==, slot + 1);
    for (uint32_t slot = SLOTS; slot < SLOTS + 3; slot++)
        g_assert_cmpuint(origin_of(&o, slot), ==, ORIGIN_NONE);
    origins_finish(&o);
    origin_set(&none, 1, 1);
    g_assert_cmpuint(origin_of(&none, 1), ==, ORIGIN_NONE);
    g_assert_true(origins_init(&o, (size_t)1 << 32)); /* slots have 28 bits */
    g_assert_cmpuint(o.most, ==, 1u << 28);
    origins_finish(&o);
}

/* A line too long is cut, and ends; one that cannot be said is not. */
static void test_say(void) {
    if (g_test_subprocess()) {
        struct origins o;
        char text[2000];
        memset(text, 'x', sizeof text);
        text[sizeof text - 1] = '\0';
        origin_say("%s", text);
        origin_say("%ls", L"\x7fffffff");
        open_origins(&o);
        origin_print(&o, ORIGIN_NONE);
        origin_say("last");
        origins_finish(&o);
        exit(0);
    }
    char *line = g_strnfill(510, 'x');
    char *wanted = g_strdup_printf("%s\n    (not known)\nlast\n", line);
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(wanted);
    g_free(wanted);
    g_free(line);
}

/* A stack is as deep as was asked for, up to what there is room for; and what is no code is told by its number. */
static void test_tool(void) {
    void *frames[200], *few[200];
    char text[100];
    unsigned n = tool_stack(frames, 200);
    g_assert_cmpuint(n, >, 0);
    g_assert_cmpuint(n, <, 64);
    g_assert_cmpuint(tool_stack(few, 1), ==, 1);
    g_assert_cmpuint(tool_stack(few, 0), ==, 0);
    tool_place((void *)(uintptr_t)0x10, text, sizeof text);
    if (tool_watching() != TOOL_ASAN) /* which says it in its own way */
        g_assert_cmpstr(text, ==, "0x10");
    tool_place((char *)(uintptr_t)exit + 1, text, sizeof text);
    g_assert_nonnull(strstr(text, "exit"));
    if (tool_watching() ==
        TOOL_NONE) { /* nobody is there to be told, and nothing happens */
        tool_place((char *)(uintptr_t)test_tool + 1, text, sizeof text);
        g_assert_nonnull(strstr(text, "origin+0x"));
        tool_hide(text, sizeof text);
        tool_show(text, sizeof text);
        tool_root(text, sizeof text);
        tool_unroot(text, sizeof text);
        tool_on_report(NULL);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/origin/numbers", test_numbers);
    g_test_add_func("/origin/hash", test_hash);
    g_test_add_func("/origin/full", test_full);
    g_test_add_func("/origin/slots", test_slots);
    g_test_add_func("/origin/say", test_say);
    g_test_add_func("/origin/tool", test_tool);
    return g_test_run();
}
