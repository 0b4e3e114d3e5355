/* SPDX-License-Identifier: MIT */
/*
 * Memory aside, and notes on blocks in it: pieces do not overlap and are zeros, however often they
 * come and go; who had an address is found, the last one first, by slots anywhere; and where there
 * is no memory nothing is known, and nothing breaks.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "notes.h"

/* ------------------------------------------------------------------ memory aside */

enum { PIECES = 300, ROUNDS = 20000 };

static bool is_all(const unsigned char *at, unsigned char value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != value) return false;
    return true;
}

static void test_aside(void) {
    struct aside a = {.chunks = NULL};
    struct piece {
        unsigned char *at;
        size_t bytes;
    } pieces[PIECES] = {{NULL, 0}};
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)g_test_rand_int_range(0, PIECES);
        struct piece *p = &pieces[i];
        if (p->at != NULL) {
            g_assert_true(is_all(p->at, (unsigned char)i, p->bytes));
            aside_free(&a, p->at, p->bytes);
            p->at = NULL;
            continue;
        }
        unsigned bits = (unsigned)g_test_rand_int_range(0, 16);
        p->bytes = (size_t)g_test_rand_int_range(0, 1 << bits);
        p->at = aside_alloc(&a, p->bytes);
        g_assert_nonnull(p->at);
        g_assert_cmpuint((uintptr_t)p->at % 64, ==, 0);
        g_assert_true(is_all(p->at, 0, p->bytes));
        memset(p->at, (int)(unsigned char)i, p->bytes);
    }
    g_assert_nonnull(aside_alloc(&a, 5 * 1024 * 1024)); /* more than a chunk */
    g_assert_null(aside_alloc(&a, SIZE_MAX / 4));
    aside_free(&a, NULL, 100);
    aside_finish(&a);
    g_assert_null(a.chunks);
}

/* ------------------------------------------------------------------ notes */

static const char memory[1 << 20];

static void test_who_had(void) {
    static const uint32_t slots[] = {1,       63,           511, 512, (1 << 18) - 1,
                                     1 << 18, (1 << 28) - 1};
    enum { N = G_N_ELEMENTS(slots) };
    struct aside a = {.chunks = NULL};
    struct notes n;
    g_assert_true(notes_init(&n, &a));
    g_assert_null(notes_of(&n, 1));
    g_assert_null(notes_who_had(&n, memory, UINT64_MAX));
    for (unsigned i = 0; i < N; i++) {
        g_assert_nonnull(notes_made(&n, slots[i], i + 100, 50));
        notes_locked(&n, slots[i], memory, 1);
        notes_locked(&n, slots[i], memory, 2);
        notes_unlocked(&n, slots[i], 1);
        const struct note *had = notes_who_had(&n, memory + 49, UINT64_MAX);
        g_assert_true(i == 0 ? had == NULL : had->handle == i + 99); /* this one has it */
        notes_unlocked(&n, slots[i], 0);
        had = notes_who_had(&n, memory + 49, UINT64_MAX);
        g_assert_true(had == notes_of(&n, slots[i]) && had->handle == i + 100);
        g_assert_cmpuint(had->n_made, >, 0);
        g_assert_null(notes_who_had(&n, memory + 50, UINT64_MAX));
    }
    const struct note *had = notes_who_had(&n, memory, UINT64_MAX);
    for (unsigned i = N; i-- > 0; had = notes_who_had(&n, memory, had->when))
        g_assert_cmpuint(had->handle, ==, i + 100);
    g_assert_null(had);
    /* Elsewhere, and another size: where it was is remembered. */
    notes_resized(&n, slots[0], 80);
    notes_locked(&n, slots[0], memory + 1000, 1);
    notes_unlocked(&n, slots[0], 0);
    g_assert_cmpuint(notes_who_had(&n, memory + 1079, UINT64_MAX)->handle, ==, 100);
    g_assert_null(notes_who_had(&n, memory + 1080, UINT64_MAX));
    g_assert_cmpuint(notes_who_had(&n, memory, 3)->handle, ==, 101);
    g_assert_cmpuint(notes_who_had(&n, memory, 2)->handle, ==, 100);
    /* Freed, and its slot another's. */
    notes_freed(&n, slots[0]);
    g_assert_nonnull(notes_made(&n, slots[0], 7, 10));
    had = notes_who_had(&n, memory + 1000, UINT64_MAX);
    g_assert_true(had->handle == 100 && had->state == NOTE_FREED);
    aside_finish(&a);
}

/* What is said of a block, by what became of it. */
static void test_say(void) {
    if (g_test_subprocess()) {
        struct aside a = {.chunks = NULL};
        struct notes n;
        g_assert_true(notes_init(&n, &a));
        struct note *note = notes_made(&n, 5, 0xabc, 50);
        notes_say(note, memory + 3, memory + 4);
        notes_locked(&n, 5, memory, 1);
        notes_say(note, memory + 50, memory);
        notes_unlocked(&n, 5, 0);
        notes_say(note, memory + 49, memory);
        notes_freed(&n, 5);
        notes_say(note, memory + 49, memory);
        const char *where = notes_where(&n, note);
        g_assert_true(where == notes_where(&n, note));
        notes_print("%s\n", where);
        note->n_made = 0;
        notes_print("%s\n", notes_where(&n, note));
        aside_finish(&a);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(
        "*1 bytes below a block of 50 bytes, handle 0xabc, which is unlocked, and "
        "always was\n  allocated here:\n    #0 *");
    g_test_trap_assert_stderr("*0 bytes behind a block of 50 bytes*which is locked*");
    g_test_trap_assert_stderr("*49 bytes into a block of 50 bytes*which is unlocked\n  "
                              "unlocked here:\n    #0 *");
    g_test_trap_assert_stderr(
        "*which is freed\n  freed here:\n    #0 *\n  allocated here:\n    #0 *");
    g_test_trap_assert_stderr("*\nan unknown place\n");
}

/* Of two that had an address the later one is found, though its slot is another's by now, or it is elsewhere. */
static void test_later(void) {
    struct aside a = {.chunks = NULL};
    struct notes n;
    g_assert_true(notes_init(&n, &a));
    for (uint32_t slot = 1; slot <= 2; slot++) {
        notes_made(&n, slot, slot, 50);
        notes_locked(&n, slot, memory, 1);
        notes_unlocked(&n, slot, 0);
    }
    notes_locked(&n, 2, memory + 1000, 1);
    g_assert_cmpuint(notes_who_had(&n, memory, UINT64_MAX)->handle, ==, 2);
    notes_made(&n, 2, 3, 50);
    g_assert_cmpuint(notes_who_had(&n, memory, UINT64_MAX)->handle, ==, 2);
    g_assert_cmpuint(notes_who_had(&n, memory, 2)->handle, ==, 1);
    aside_finish(&a);
}

/* So many blocks that somebody has had are remembered: not those that nobody ever had push them out, nor those that are
   used where they were. What was never made has not been had. */
static void test_past(void) {
    struct aside a = {.chunks = NULL};
    struct notes n;
    g_assert_true(notes_init(&n, &a));
    notes_made(&n, 1, 1, 50);
    notes_locked(&n, 1, memory, 1);
    notes_unlocked(&n, 1, 0);
    notes_made(&n, 1, 2, 50);
    for (unsigned i = 0; i < 2 * NOTES_PAST; i++) {
        notes_made(&n, 2, 3, 50);
        notes_made(&n, 3, 4, 50);
        notes_locked(&n, 3, memory + 5000 + i, 1);
    }
    g_assert_null(notes_who_had(&n, memory, UINT64_MAX)); /* these have pushed it out */
    notes_made(&n, 1, 5, 50);
    notes_locked(&n, 1, memory, 1);
    notes_unlocked(&n, 1, 0);
    notes_made(&n, 1, 6, 50);
    for (unsigned i = 0; i < 2 * NOTES_PAST; i++) {
        notes_made(&n, 2, 3, 50);
        notes_locked(&n, 4, memory + 3000, 1);
        notes_unlocked(&n, 4, 0);
    }
    g_assert_cmpuint(notes_who_had(&n, memory, UINT64_MAX)->handle, ==, 5);
    notes_resized(&n, 5, 50);
    notes_locked(&n, 5, memory + 4000, 1);
    notes_unlocked(&n, 5, 0);
    g_assert_null(notes_who_had(&n, memory + 4000, UINT64_MAX));
    /* Who has it again does so by right. */
    notes_made(&n, 6, 7, 50);
    notes_locked(&n, 6, memory + 2000, 1);
    notes_unlocked(&n, 6, 0);
    g_assert_cmpuint(notes_who_had(&n, memory + 2000, UINT64_MAX)->handle, ==, 7);
    notes_locked(&n, 6, memory + 2000, 1);
    g_assert_null(notes_who_had(&n, memory + 2000, UINT64_MAX));
    aside_finish(&a);
}

/* What the system makes of a line: the first write is interrupted, the others take a part of it, or none ever does. */
static unsigned n_writes;
static bool refuses;
static char written[2000];
static size_t n_written;

ssize_t __wrap_write(int file, const void *from, size_t bytes);
ssize_t __wrap_write(int file, const void *from, size_t bytes) {
    ssize_t __real_write(int, const void *, size_t);
    if (g_test_subprocess()) return __real_write(file, from, bytes);
    g_assert_cmpint(file, ==, STDERR_FILENO);
    errno = refuses ? EIO : EINTR;
    if (n_writes++ == 0 || refuses) return -1;
    if (n_writes == 2) return 0;
    if (bytes > 700) bytes = 700;
    memcpy(written + n_written, from, bytes);
    n_written += bytes;
    return (ssize_t)bytes;
}

/* All of a line comes through; what there is no room for is cut off; and where nobody listens that is all. */
static void test_print(void) {
    char text[1500];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    notes_print("%s", "");
    g_assert_cmpuint(n_writes, ==, 0);
    notes_print("%s", text);
    g_assert_cmpuint(n_writes, ==, 4);
    g_assert_cmpmem(written, n_written, text, 1023);
    refuses = true;
    notes_print("%s", text);
    g_assert_cmpuint(n_writes, ==, 5);
    g_assert_cmpuint(n_written, ==, 1023);
}

/* Each request to the system fails in turn: there is no note then, and nobody minds. */
static void test_no_memory(void) {
    unsigned n_missing = 0, n_none = 0;
    for (unsigned k = 1; k < 12; k++) {
        struct aside a = {.chunks = NULL};
        struct notes n;
        memset(injected, 0, sizeof *injected);
        inject_begin(&(struct fault){k, true, 0, REQUESTS_ALL});
        if (notes_init(&n, &a)) {
            for (uint32_t slot = 1; slot < 1 << 14; slot += 500) {
                struct note *note = notes_made(&n, slot, slot, 50);
                n_missing += note == NULL;
                g_assert_true(note == notes_of(&n, slot));
                notes_locked(&n, slot, memory, 1);
                notes_resized(&n, slot, 60);
                notes_unlocked(&n, slot, 0);
                notes_freed(&n, slot);
                notes_made(&n, slot, slot + 1, 50);
            }
            for (uint32_t top = 1; top < 1 << 10; top++) {
                struct note *note = notes_made(&n, top << 18, top, 50);
                g_assert_true(note == notes_of(&n, top << 18));
            }
            notes_who_had(&n, memory, UINT64_MAX);
        } else {
            n_none++;
        }
        inject_end();
        aside_finish(&a);
    }
    g_assert_cmpuint(n_none, ==, 2); /* to reserve, and to commit */
    g_assert_cmpuint(n_missing, >, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aside/pieces", test_aside);
    g_test_add_func("/notes/who-had", test_who_had);
    g_test_add_func("/notes/say", test_say);
    g_test_add_func("/notes/later", test_later);
    g_test_add_func("/notes/past", test_past);
    g_test_add_func("/notes/print", test_print);
    g_test_add_func("/notes/no-memory", test_no_memory);
    return g_test_run();
}
