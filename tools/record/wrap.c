/* SPDX-License-Identifier: MIT */
/*
 * malloc and its family, as the program that is recorded calls them. The memory is
 * glibc's, by names that only glibc has: nothing has to be looked up, so the first call
 * of the first constructor finds everything in place; and a program that is linked to a
 * library with another malloc is recorded on glibc's. One that has it in its executable, or
 * calls it by names of its own, is not: see other_malloc in record_log.h.
 *
 * An allocation is noted after the call, a free before it: another thread that is given
 * the same address takes a later slot, in both cases.
 */
#include <dlfcn.h>
#include <errno.h>
#include <gnu/lib-names.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "gate.h"
#include "rmrecord.h"

#define PUBLIC __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);
extern void *__libc_memalign(size_t alignment, size_t size);

/* As <stdlib.h> and <malloc.h> have them, without what those say of their results, which
   would let the compiler think that two calls can be one. */
PUBLIC void *malloc(size_t size);
PUBLIC void *calloc(size_t n, size_t size);
PUBLIC void *realloc(void *block, size_t size);
PUBLIC void *reallocarray(void *block, size_t n, size_t size);
PUBLIC void free(void *block);
PUBLIC void *memalign(size_t alignment, size_t size);
PUBLIC int posix_memalign(void **block, size_t alignment, size_t size);
PUBLIC void *aligned_alloc(size_t alignment, size_t size);
PUBLIC void *valloc(size_t size);
PUBLIC void *pvalloc(size_t size);
PUBLIC size_t malloc_usable_size(void *block);

/* None of these calls another one by its public name, which another library that is
   preloaded may have. */
static inline void *allocate(size_t size) {
    void *block = __libc_malloc(size);

    if (likely(block)) gate_note(RECORD_ALLOC, block, size, 0);
    return block;
}

PUBLIC void *malloc(size_t size) { return allocate(size); }

PUBLIC void *calloc(size_t n, size_t size) {
    void *block = __libc_calloc(n, size);

    if (likely(block)) gate_note(RECORD_ZERO, block, n * size, 0);
    return block;
}

PUBLIC void free(void *block) {
    if (!block) return;
    gate_note(RECORD_FREE, block, 0, 0);
    __libc_free(block);
}

static inline void *resize(void *block, size_t size) {
    if (!block) return allocate(size);
    if (size == 0) {
        gate_note(RECORD_FREE, block, 0, 0);
        return __libc_realloc(block, 0);
    }
    gate_note(RECORD_REALLOC_BEGIN, block, size, 0);
    void *result = __libc_realloc(block, size);
    gate_note(RECORD_REALLOC_END, result, size, 0);
    return result;
}

PUBLIC void *realloc(void *block, size_t size) { return resize(block, size); }

PUBLIC void *reallocarray(void *block, size_t n, size_t size) {
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(block, bytes);
}

/* Alignments that are no power of two are rounded up, as glibc does. */
static void *align(size_t alignment, size_t size) {
    void *block = __libc_memalign(alignment, size);
    unsigned log2 =
        alignment > 1 ? 64 - (unsigned)__builtin_clzll((uint64_t)alignment - 1) : 0;

    if (likely(block)) gate_note(RECORD_ALIGNED, block, size, log2);
    return block;
}

PUBLIC void *memalign(size_t alignment, size_t size) { return align(alignment, size); }

PUBLIC void *aligned_alloc(size_t alignment, size_t size) {
    return align(alignment, size);
}

PUBLIC int posix_memalign(void **block, size_t alignment, size_t size) {
    int before = errno;

    if (alignment == 0 || alignment % sizeof(void *) != 0 ||
        (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *result = align(alignment, size);
    if (!result) {
        errno = before;
        return ENOMEM;
    }
    *block = result;
    return 0;
}

PUBLIC void *valloc(size_t size) { return align((size_t)getpagesize(), size); }

PUBLIC void *pvalloc(size_t size) {
    size_t page = (size_t)getpagesize();

    if (size > SIZE_MAX - page) {
        errno = ENOMEM;
        return NULL;
    }
    return align(page, (size + page - 1) / page * page);
}

/* Of all these, glibc has this one under its common name alone. It has to be glibc's: the
   next library that has one may be the malloc that the program brings. */
typedef size_t usable_size(void *block);
static usable_size *_Atomic real_usable_size;

static usable_size *as_function(void *symbol) { return (usable_size *)(uintptr_t)symbol; }

static usable_size *find_usable_size(void) {
    usable_size *found = atomic_load_explicit(&real_usable_size, memory_order_acquire);
    Dl_info libc, next;
    void *symbol;

    if (likely(found)) return found;
    symbol = dlsym(RTLD_NEXT, "malloc_usable_size");
    if (symbol && dladdr(symbol, &next) &&
        dladdr((void *)(uintptr_t)__libc_malloc, &libc) &&
        next.dli_fbase == libc.dli_fbase) {
        found = as_function(symbol);
    } else {
        void *library = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD); /* which allocates */
        if (library) found = as_function(dlsym(library, "malloc_usable_size"));
    }
    atomic_store_explicit(&real_usable_size, found, memory_order_release);
    return found;
}

/* Before anybody asks, who may have locks that the search waits for. */
__attribute__((constructor)) static void find_early(void) { find_usable_size(); }

PUBLIC size_t malloc_usable_size(void *block) {
    usable_size *real = find_usable_size();
    size_t size = block && real ? real(block) : 0;

    if (block) gate_note(RECORD_USABLE, block, size, 0);
    return size;
}

PUBLIC void rmrecord_lock(void *block) {
    if (block) gate_note(RECORD_LOCK, block, 0, 0);
}

PUBLIC void rmrecord_unlock(void *block) {
    if (block) gate_note(RECORD_UNLOCK, block, 0, 0);
}
