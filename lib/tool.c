/* SPDX-License-Identifier: MIT */
#include "tool.h"

#include <dlfcn.h>
#include <stdio.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define RM_MEMCHECK 1
#endif
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define RM_BACKTRACE 1
#endif
#endif

#define WEAK __attribute__((weak, visibility("default")))

WEAK void __asan_poison_memory_region(const volatile void *from, size_t bytes);
WEAK void __asan_unpoison_memory_region(const volatile void *from, size_t bytes);
WEAK void __asan_set_error_report_callback(void (*told)(const char *report));
WEAK void *__asan_get_report_address(void);
WEAK void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size);
WEAK void __lsan_register_root_region(const void *from, size_t bytes);
WEAK void __lsan_unregister_root_region(const void *from, size_t bytes);

static bool under_memcheck(void) {
#ifdef RM_MEMCHECK
    unsigned char byte = 0, bits;
    return VALGRIND_GET_VBITS(&byte, &bits, 1) == 1; /* other tools of valgrind's say 0 */
#else
    return false;
#endif
}

enum tool tool_watching(void) {
    static unsigned known; /* a race writes the same value twice */
    unsigned watching = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (likely(watching != 0)) return (enum tool)(watching - 1);
    enum tool tool = TOOL_NONE;
    if (__asan_poison_memory_region != NULL)
        tool = TOOL_ASAN;
    else if (under_memcheck())
        tool = TOOL_MEMCHECK;
    __atomic_store_n(&known, (unsigned)tool + 1, __ATOMIC_RELAXED);
    return tool;
}

/* --- both --- */

void tool_hide(const void *from, size_t bytes) {
    if (tool_watching() == TOOL_ASAN) __asan_poison_memory_region(from, bytes);
#ifdef RM_MEMCHECK
    if (tool_watching() == TOOL_MEMCHECK) VALGRIND_MAKE_MEM_NOACCESS(from, bytes);
#endif
}

void tool_show(const void *from, size_t bytes) {
    if (tool_watching() == TOOL_ASAN) __asan_unpoison_memory_region(from, bytes);
#ifdef RM_MEMCHECK
    if (tool_watching() == TOOL_MEMCHECK) VALGRIND_MAKE_MEM_DEFINED(from, bytes);
#endif
}

/* --- memcheck --- */

#ifdef RM_MEMCHECK

void tool_begin(void) { VALGRIND_DISABLE_ERROR_REPORTING; }
void tool_end(void) { VALGRIND_ENABLE_ERROR_REPORTING; }

void tool_undefine(const void *from, size_t bytes) {
    VALGRIND_MAKE_MEM_UNDEFINED(from, bytes);
}
bool tool_defined(const void *from, size_t bytes) {
    return VALGRIND_CHECK_MEM_IS_DEFINED(from, bytes) == 0;
}
bool tool_get_bits(const void *from, unsigned char *bits, size_t bytes) {
    return VALGRIND_GET_VBITS(from, bits, bytes) == 1;
}
void tool_set_bits(const void *from, const unsigned char *bits, size_t bytes) {
    VALGRIND_SET_VBITS(from, bits, bytes);
}

void tool_pool_open(const void *pool) { VALGRIND_CREATE_MEMPOOL(pool, TOOL_BESIDE, 0); }
void tool_pool_close(const void *pool) { VALGRIND_DESTROY_MEMPOOL(pool); }
void tool_named(const void *pool, const void *block, size_t bytes) {
    VALGRIND_MEMPOOL_ALLOC(pool, block, bytes);
}
void tool_renamed(const void *pool, const void *from, const void *to, size_t bytes) {
    VALGRIND_MEMPOOL_CHANGE(pool, from, to, bytes);
}
void tool_unnamed(const void *pool, const void *block) {
    VALGRIND_MEMPOOL_FREE(pool, block);
}
unsigned tool_note(const void *from, size_t bytes, const char *what) {
    return (unsigned)VALGRIND_CREATE_BLOCK(from, bytes, what);
}
void tool_note_drop(unsigned note) { VALGRIND_DISCARD(note); }

static bool memcheck_place(const void *pc, char *text, size_t size) {
    char line[64] = ""; /* as long as valgrind takes it to be */
    if (tool_watching() != TOOL_MEMCHECK) return false;
    VALGRIND_MAP_IP_TO_SRCLOC(pc, line);
    if (line[0] == '\0' || line[0] == '?' || strncmp(line, "UnknownFile", 11) == 0)
        return false;
    snprintf(text, size, "%s", line);
    return true;
}

#else

void tool_begin(void) {}
void tool_end(void) {}
void tool_undefine(const void *from, size_t bytes) { (void)from, (void)bytes; }
bool tool_defined(const void *from, size_t bytes) {
    return (void)from, (void)bytes, true;
}
bool tool_get_bits(const void *from, unsigned char *bits, size_t bytes) {
    return (void)from, (void)bits, (void)bytes, false;
}
void tool_set_bits(const void *from, const unsigned char *bits, size_t bytes) {
    (void)from, (void)bits, (void)bytes;
}
void tool_pool_open(const void *pool) { (void)pool; }
void tool_pool_close(const void *pool) { (void)pool; }
void tool_named(const void *pool, const void *block, size_t bytes) {
    (void)pool, (void)block, (void)bytes;
}
void tool_renamed(const void *pool, const void *from, const void *to, size_t bytes) {
    (void)pool, (void)from, (void)to, (void)bytes;
}
void tool_unnamed(const void *pool, const void *block) { (void)pool, (void)block; }
unsigned tool_note(const void *from, size_t bytes, const char *what) {
    return (void)from, (void)bytes, (void)what, 0;
}
void tool_note_drop(unsigned note) { (void)note; }
static bool memcheck_place(const void *pc, char *text, size_t size) {
    return (void)pc, (void)text, (void)size, false;
}

#endif

/* --- ASan --- */

static void (*report_to)(const char *address);

static void reported(const char *report) {
    (void)report;
    report_to(__asan_get_report_address());
}

void tool_on_report(void (*report)(const char *address)) {
    report_to = report;
    if (__asan_set_error_report_callback != NULL)
        __asan_set_error_report_callback(reported);
}

void tool_root(const void *from, size_t bytes) {
    if (__lsan_register_root_region != NULL) __lsan_register_root_region(from, bytes);
}

void tool_unroot(const void *from, size_t bytes) {
    if (__lsan_unregister_root_region != NULL) __lsan_unregister_root_region(from, bytes);
}

/* --- places --- */

static bool asan_place(const void *pc, char *text, size_t size) {
    if (__sanitizer_symbolize_pc == NULL) return false;
    __sanitizer_symbolize_pc((char *)(uintptr_t)pc, "%f %S", text, size);
    return true;
}

void tool_place(const void *pc, char *text, size_t size) {
    const char *call = (const char *)pc - 1; /* in the call, not behind it */
    Dl_info is;
    if (asan_place(pc, text, size) || memcheck_place(call, text, size)) return;
    if (dladdr(call, &is) == 0)
        snprintf(text, size, "%p", pc);
    else if (is.dli_sname == NULL)
        snprintf(text, size, "%s+0x%tx", is.dli_fname, call - (char *)is.dli_fbase);
    else
        snprintf(text, size, "%s+0x%tx (%s)", is.dli_sname, call - (char *)is.dli_saddr,
                 is.dli_fname);
}

__attribute__((noinline)) unsigned tool_stack(void **frames, unsigned most) {
    enum { OWN = 1, DEEPEST = 64 };
#ifdef RM_BACKTRACE
    void *all[DEEPEST];
    int n = backtrace(all, (int)(most < DEEPEST - OWN ? most + OWN : DEEPEST));
    unsigned depth = n > OWN ? (unsigned)n - OWN : 0;
    memcpy(frames, all + OWN, depth * sizeof *frames);
    return depth;
#else
    if (most == 0) return 0;
    frames[0] = __builtin_return_address(0);
    return 1;
#endif
}
