/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer is told of heaps. Its functions are here, and keep one byte for each byte of a heap: whether
 * it is hidden. After each call just those bytes are shown that the program may touch, and its reports name the blocks.
 */
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "call.h"
#include "heap.h"
#include "os.h"
#include "registry.h"

enum { REGION = 1 << 16, BLOCKS = 60, STEPS = 3000, ROOTS = 4 };

static _Alignas(4096) char memory[REGION + 4096];
static bool hidden[REGION + 4096];

static void mark(const volatile void *from, size_t bytes, bool as) {
    const char *at = (const char *)from;

    if (at >= memory && at < memory + sizeof(memory)) {
        g_assert_cmpuint(bytes, <=, (size_t)(memory + sizeof(memory) - at));
        memset(hidden + (at - memory), as, bytes);
    }
}

/* --- ASan's and LSan's functions, for want of themselves --- */

void __asan_poison_memory_region(const volatile void *from, size_t bytes);
void __asan_unpoison_memory_region(const volatile void *from, size_t bytes);
void __asan_set_error_report_callback(void (*told)(const char *));
void *__asan_get_report_address(void);
void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size);
void __lsan_register_root_region(const void *from, size_t bytes);
void __lsan_unregister_root_region(const void *from, size_t bytes);

void __asan_poison_memory_region(const volatile void *from, size_t bytes) {
    mark(from, bytes, true);
}
void __asan_unpoison_memory_region(const volatile void *from, size_t bytes) {
    mark(from, bytes, false);
}

static void (*report_to)(const char *report);
static char *report_at;
void __asan_set_error_report_callback(void (*told)(const char *)) { report_to = told; }
void *__asan_get_report_address(void) { return report_at; }

static const char *source = "place.c:7";
void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size) {
    g_snprintf(text, (gulong)size, "%s %p", source, pc);
    g_assert_cmpstr(format, ==, "%f %S");
}

static struct {
    const void *from;
    size_t bytes;
} roots[ROOTS];
void __lsan_register_root_region(const void *from, size_t bytes) {
    unsigned i = 0;
    while (i < ROOTS && roots[i].from != NULL) i++;
    g_assert_cmpuint(i, <, ROOTS);
    roots[i].from = from;
    roots[i].bytes = bytes;
}
void __lsan_unregister_root_region(const void *from, size_t bytes) {
    unsigned i = 0;
    while (i < ROOTS && (roots[i].from != from || roots[i].bytes != bytes)) i++;
    g_assert_cmpuint(i, <, ROOTS);
    roots[i].from = NULL;
}

/* --- a heap, and what may be touched of it --- */

struct block {
    rm_memory_t *handle;
    size_t size;
    unsigned locks;
    unsigned char value;
};

static struct {
    rm_heap_t *heap;
    struct heap *h;
    struct guard *g;
    struct block blocks[BLOCKS];
    unsigned holds;
    char may[REGION + 4096]; /* of hidden memory: 0 must not, 1 may, 2 whatever */
} now;

static void open_heap(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access a;
    uint64_t tag;

    memset(&now, 0, sizeof now);
    memset(hidden, 0, sizeof hidden);
    options.memory = memory;
    options.size = REGION;
    options.threads = RM_THREADS_NONE;
    g_assert_cmpint(rm_heap_create(&now.heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(now.heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    now.h = a.heap;
    now.g = a.guard;
    registry_leave(&a);
}

static void close_heap(void) {
    g_assert_true(roots[0].from == memory && roots[0].bytes == REGION);
    g_assert_cmpint(rm_heap_destroy(now.heap), ==, RM_OK);
    for (size_t i = 0; i < sizeof hidden; i++) g_assert_false(hidden[i]);
    g_assert_null(roots[0].from);
}

static uint32_t slot_of(rm_memory_t *handle) { return handle_slot(call_handle(handle)); }

static char *address_of(const struct block *b) {
    struct heap_block is = heap_look(now.h, slot_of(b->handle));
    g_assert_cmpuint(is.size, ==, b->size);
    return is.address;
}

/* What memcheck alone is told, and what is put aside for it, there is none of. */
static void compare_notes(const struct block *b) {
    const struct note *note = notes_of(&now.g->notes, slot_of(b->handle));
    g_assert_nonnull(note);
    g_assert_true(note->named == NULL && note->bits == NULL);
    g_assert_false(note->undefined || note->pool);
    g_assert_cmpuint(now.g->shadow.n_said, ==, 0);
}

/* Just the bytes of blocks that are locked, or of all of them while somebody reads; beyond a block's end ASan
   rounds to words of 8. */
static void compare(void) {
    const struct area *a = &now.h->store.area;
    const char *low = a->base, *end = area_at(a, a->limit);

    memset(now.may, 0, sizeof now.may);
    for (unsigned i = 0; i < BLOCKS; i++) {
        const struct block *b = &now.blocks[i];
        if (b->handle == NULL || (b->locks == 0 && now.holds == 0)) continue;
        memset(now.may + (address_of(b) - memory), 1, b->size);
    }
    for (const char *at = low; at < end; at++)
        if ((now.may[at - memory] == 0) != hidden[at - memory])
            g_error("byte %td of the area: %s, and it is %s", at - low,
                    now.may[at - memory] == 0 ? "nobody's" : "a block's",
                    hidden[at - memory] ? "hidden" : "shown");
    for (size_t i = 0; i < sizeof hidden; i++)
        if (memory + i < low || memory + i >= end) g_assert_false(hidden[i]);
}

static void fill(struct block *b, size_t from) {
    void *pointer;

    g_assert_cmpint(rmlock(b->handle, &pointer), ==, RM_OK);
    memset((char *)pointer + from, b->value, b->size - from);
    g_assert_cmpint(rmunlock(b->handle), ==, RM_OK);
}

static void verify(struct block *b) {
    void *pointer;

    g_assert_cmpint(rmlock(b->handle, &pointer), ==, RM_OK);
    for (size_t i = 0; i < b->size; i++)
        g_assert_cmpuint(((unsigned char *)pointer)[i], ==, b->value);
    g_assert_cmpint(rmunlock(b->handle), ==, RM_OK);
}

static size_t some_size(void) {
    static const int most[] = {40, 300, 3000, 9000};
    return (size_t)g_test_rand_int_range(1, most[g_test_rand_int_range(0, 4)]);
}

static void make(struct block *b) {
    bool zero = g_test_rand_bit();
    size_t size = some_size();

    if (rm_heap_alloc(now.heap, &b->handle, size, 0, zero ? RM_ZERO : 0) != RM_OK) {
        b->handle = NULL;
        return;
    }
    b->size = size;
    b->locks = 0;
    b->value = 0;
    if (zero) verify(b);
    b->value = (unsigned char)g_test_rand_int();
    fill(b, 0);
}

static void resize(struct block *b) {
    size_t size = some_size(), before = b->size;

    if (rmrealloc(b->handle, (ssize_t)size) != RM_OK) return;
    b->size = size;
    if (size > before) fill(b, before);
}

static void do_something(struct block *b) {
    void *pointer;

    if (b->handle == NULL) {
        make(b);
        return;
    }
    switch (g_test_rand_int_range(0, 8)) {
    case 0:
        if (b->locks > 0) break;
        verify(b);
        g_assert_cmpint(rmfree(b->handle), ==, RM_OK);
        b->handle = NULL;
        break;
    case 1:
    case 2:
        g_assert_cmpint(rmlock(b->handle, &pointer), ==, RM_OK);
        b->locks++;
        break;
    case 3:
    case 4:
        if (b->locks == 0) break;
        g_assert_cmpint(rmunlock(b->handle), ==, RM_OK);
        b->locks--;
        break;
    case 5: resize(b); break;
    case 6: g_assert_cmpint(rm_heap_compact(now.heap, NULL, NULL), ==, RM_OK); break;
    default:
        if (now.holds > 0 && g_test_rand_bit()) {
            g_assert_cmpint(rm_heap_release(now.heap), ==, RM_OK);
            now.holds--;
        } else if (now.holds < 2 && g_test_rand_int_range(0, 4) == 0) {
            g_assert_cmpint(rm_heap_hold(now.heap), ==, RM_OK);
            now.holds++;
        }
    }
}

static void test_shown(void) {
    open_heap();
    compare();
    for (unsigned step = 0; step < STEPS; step++) {
        struct block *b = &now.blocks[g_test_rand_int_range(0, BLOCKS)];
        do_something(b);
        compare();
        if (b->handle != NULL) compare_notes(b);
    }
    close_heap();
}

/* --- a growing heap --- */

static void test_border(void) {
    enum { MANY = 300 };
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_memory_t *handles[MANY];
    rm_heap_t *heap;
    void *pointer;

    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    g_assert_nonnull(roots[0].from);
    for (unsigned i = 0; i < MANY; i++) {
        g_assert_cmpint(rm_heap_alloc(heap, &handles[i], 10000, 0, 0), ==, RM_OK);
        g_assert_cmpint(rmlock(handles[i], &pointer), ==, RM_OK);
        memset(pointer, 1, 10000);
        g_assert_cmpint(rmunlock(handles[i]), ==, RM_OK);
    }
    for (unsigned i = 0; i < MANY; i++) g_assert_cmpint(rmfree(handles[i]), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    g_assert_null(roots[0].from);
}

/* --- reports --- */

/* What is said of an address. */
static char *said_of(char *address) {
    char text[16384];
    int pipes[2], saved = dup(STDERR_FILENO);

    g_assert_cmpint(pipe(pipes), ==, 0);
    g_assert_cmpint(dup2(pipes[1], STDERR_FILENO), >=, 0);
    report_at = address;
    report_to("a report");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipes[1]);
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    close(pipes[0]);
    text[n > 0 ? n : 0] = '\0';
    return g_strdup(text);
}

static void assert_says(char *address, const char *what, const char *and) {
    char *text = said_of(address);

    if (what == NULL) {
        g_assert_cmpstr(text, ==, "");
    } else if (strstr(text, what) == NULL || strstr(text, and) == NULL) {
        g_error("'%s', and not '%s' and '%s'", text, what, and);
    }
    g_free(text);
}

static char *locked_at(rm_memory_t *handle) {
    void *pointer;
    g_assert_cmpint(rmlock(handle, &pointer), ==, RM_OK);
    return pointer;
}

static void test_reports(void) {
    rm_memory_t *first, *second, *third;

    open_heap();
    assert_says(memory + 5000, "is in a heap, in no block that was locked there", "");
    assert_says(memory + REGION + 100, NULL, "");
    g_assert_cmpint(rm_heap_alloc(now.heap, &first, 1000, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(now.heap, &second, 1000, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(now.heap, &third, 1000, 0, 0), ==, RM_OK);

    char *at = locked_at(first);
    assert_says(at + 1000, "is 0 bytes behind a block of 1000 bytes", "which is locked");
    assert_says(at + 1007, "is 7 bytes behind a block of 1000 bytes", "allocated here:");
    assert_says(at - 1, "is 1 bytes below a block of 1000 bytes", "place.c:7");
    char *other = locked_at(second), *last = locked_at(third); /* they go up */
    g_assert_true(at < other && other < last);
    assert_says(other - 4, "behind a block of 1000 bytes", "which is locked");
    g_assert_cmpint(rmunlock(first), ==, RM_OK);
    assert_says(other - 4, "is 4 bytes below", "which is locked");
    assert_says(other + 12, "is 12 bytes into", "which is locked");
    assert_says(last + 1063, "is 63 bytes behind a block of 1000 bytes",
                "which is locked");
    assert_says(last + 1064, "is in a heap, in no block", "");
    g_assert_cmpint(rmunlock(second), ==, RM_OK);
    g_assert_cmpint(rmunlock(third), ==, RM_OK);
    assert_says(at, "is 0 bytes into a block of 1000 bytes", "which is unlocked");
    assert_says(at + 999, "is 999 bytes into a block of 1000 bytes", "unlocked here:");
    g_assert_cmpint(rmfree(first), ==, RM_OK);
    assert_says(at + 3, "is 3 bytes into a block of 1000 bytes", "which is freed");
    rm_memory_t *never;
    g_assert_cmpint(rm_heap_alloc(now.heap, &never, 3000, 0, 0), ==, RM_OK);
    assert_says(heap_look(now.h, slot_of(never)).address + 2009,
                "is 2009 bytes into a block of 3000 bytes", "and always was");
    g_assert_cmpint(rmfree(second), ==, RM_OK);
    g_assert_cmpint(rmfree(third), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(now.heap), ==, RM_OK);
}

/* Of a block that is locked so many bytes beside are its own, unless they are another's; of one that is not, none. */
static void test_near(void) {
    const char *none = "is in a heap, in no block";
    rm_memory_t *first, *second, *third, *small;

    open_heap();
    g_assert_cmpint(rm_heap_alloc(now.heap, &small, 24, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(now.heap, &first, 1000, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(now.heap, &second, 1000, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(now.heap, &third, 1000, 0, 0), ==, RM_OK);
    char *low = heap_look(now.h, slot_of(first)).address;
    char *at = heap_look(now.h, slot_of(second)).address;
    char *was = heap_look(now.h, slot_of(small)).address;
    assert_says(at - 4, none, "");
    g_assert_true(locked_at(second) == at && low < at);
    assert_says(at - 4, "is 4 bytes below", "which is locked");
    char *high = locked_at(third);
    g_assert_true(high > at && high < at + 1000 + 60);
    assert_says(high + 4, "is 4 bytes into", "which is locked");
    g_assert_cmpint(rmfree(first), ==, RM_OK); /* nobody has ever had it, nor the other */
    g_assert_cmpint(rmfree(small), ==, RM_OK);
    assert_says(at - 64, "is 64 bytes below", "which is locked");
    assert_says(at - 65, none, "");
    assert_says(low + 500, none, "");
    assert_says(was, none, "");
    g_assert_cmpint(rm_heap_destroy(now.heap), ==, RM_OK);
}

/* How often that is said of an address. */
static unsigned times_said(char *address, const char *what) {
    char *text = said_of(address);
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) n++;
    g_free(text);
    return n;
}

/* The innermost frames are the library's own, by their files: those are not told. */
static void test_frames(void) {
    static const char *const own[] = {"tool.c:7", "f notes.c:7", "f /lib/shadow.c:7",
                                      "f /mytool.c:/notes.c:7"},
                             *const others[] = {"mytool.c:7", "f banknotes.c:7",
                                                "f /src/overshadow.c:7", "f /guard.cc:7"};
    rm_memory_t *block;

    open_heap();
    g_assert_cmpint(rm_heap_alloc(now.heap, &block, 1000, 0, 0), ==, RM_OK);
    char *at = locked_at(block);
    for (unsigned i = 0; i < G_N_ELEMENTS(own); i++) {
        source = own[i];
        assert_says(at, "allocated here:\n", "");
        g_assert_cmpuint(times_said(at, "#0"), ==, 0);
        source = others[i];
        assert_says(at, "allocated here:\n    #0 ", source);
    }
    source = "place.c:7";
    g_assert_cmpint(rm_heap_destroy(now.heap), ==, RM_OK);
}

/* Who had an address, one after the other: the last three, and whoever has it; nobody twice. */
static void test_who(void) {
    enum { TURNS = 5 };
    rm_memory_t *block;
    char *at = NULL, what[64];

    open_heap();
    for (unsigned turn = 0; turn < TURNS; turn++) {
        g_assert_cmpint(rm_heap_alloc(now.heap, &block, 2000 + turn, 0, 0), ==, RM_OK);
        char *is = locked_at(block);
        if (turn == 0) at = is + 500;
        g_assert_true(at == is + 500);
        g_snprintf(what, sizeof what, "a block of %u bytes", 2000 + turn);
        g_assert_cmpuint(times_said(at, what), ==, 1); /* it has it, and is locked */
        unsigned before = turn < 3 ? turn : 3;
        g_assert_cmpuint(times_said(at, "which is freed"), ==, before);
        g_assert_cmpuint(times_said(at, "rmalloc: "), ==, before + 1);
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
        g_assert_cmpuint(times_said(at, what), ==, 1); /* it is the last that had it */
        g_assert_cmpuint(times_said(at, "rmalloc: "), ==, turn < 3 ? turn + 1 : 3);
        if (turn + 1 < TURNS) g_assert_cmpint(rmfree(block), ==, RM_OK);
    }
    g_assert_cmpint(rm_heap_destroy(now.heap), ==, RM_OK);
}

/* Two heaps: an address is looked for in either, whichever was made first, until that is destroyed. */
static void test_two(void) {
    static _Alignas(4096) char others[REGION];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    const char *none = "is in a heap, in no block";
    rm_heap_t *other;

    options.memory = others;
    options.size = REGION;
    for (unsigned turn = 0; turn < 3; turn++) {
        if (turn != 1) g_assert_cmpint(rm_heap_create(&other, &options), ==, RM_OK);
        open_heap();
        if (turn == 1) g_assert_cmpint(rm_heap_create(&other, &options), ==, RM_OK);
        assert_says(memory + 5000, none, "");
        assert_says(others + 5000, none, "");
        g_assert_cmpint(rm_heap_destroy(turn == 0 ? other : now.heap), ==, RM_OK);
        assert_says(others + 5000, turn == 0 ? NULL : none, "");
        assert_says(memory + 5000, turn == 0 ? none : NULL, "");
        g_assert_cmpint(rm_heap_destroy(turn == 0 ? now.heap : other), ==, RM_OK);
        assert_says(others + 5000, NULL, "");
    }
}

/* --- bytes that ASan would not have touched --- */

static void test_bytes(void) {
    enum { N = 80 };
    unsigned char is[N], should[N];

    for (unsigned from = 0; from < 24; from++)
        for (unsigned to = 0; to < 24; to++)
            for (unsigned n = 0; n < 40; n++) {
                for (unsigned i = 0; i < N; i++)
                    is[i] = should[i] = (unsigned char)(i * 7);
                bytes_copy_unseen((char *)is + to, (char *)is + from, n);
                memmove(should + to, should + from, n);
                g_assert_cmpmem(is, N, should, N);
            }
    for (unsigned to = 0; to < 24; to++)
        for (unsigned n = 0; n < 40; n++) {
            memset(is, 3, N);
            memset(should, 3, N);
            bytes_fill_unseen((char *)is + to, 0xa5, n);
            memset(should + to, 0xa5, n);
            g_assert_cmpmem(is, N, should, N);
        }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "yes", TRUE);
    g_test_add_func("/shadow/bytes", test_bytes);
    g_test_add_func("/shadow/shown", test_shown);
    g_test_add_func("/shadow/border", test_border);
    g_test_add_func("/shadow/reports", test_reports);
    g_test_add_func("/shadow/near", test_near);
    g_test_add_func("/shadow/frames", test_frames);
    g_test_add_func("/shadow/who", test_who);
    g_test_add_func("/shadow/two", test_two);
    return g_test_run();
}
