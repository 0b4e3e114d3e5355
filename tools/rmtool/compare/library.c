/* SPDX-License-Identifier: MIT */
#include "compare/library.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESH_CALLS 16 /* each looks at a part of the heap */

/* gcc says it by macros, clang by features. */
#ifdef __has_feature
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                     \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer) ||                   \
    HAS_FEATURE(memory_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

bool library_loadable(void) { return !SANITIZED; }

typedef int mallctl_fn(const char *name, void *old, size_t *old_size, void *new_value,
                       size_t new_size);

/* ISO C knows no cast from an object to a function; POSIX asks for this one. */
static void find(void *handle, const char *name, void *function) {
    void *symbol = dlsym(handle, name);

    memcpy(function, &symbol, sizeof(symbol));
}

/* What a library does not have itself is found in those that it needs. */
static bool is_of_libc(void *(*function)(size_t)) {
    const char *(*known)(void) = gnu_get_libc_version;
    void *address, *of_libc;
    Dl_info here, libc;

    memcpy(&address, &function, sizeof(address));
    memcpy(&of_libc, &known, sizeof(of_libc));
    return dladdr(address, &here) && dladdr(of_libc, &libc) &&
           here.dli_fbase == libc.dli_fbase;
}

void library_of_process(struct library *library) {
    *library = (struct library){
        .calls = {malloc, calloc, realloc, free, posix_memalign},
    };
}

bool library_open(struct library *library, const char *path, char *reason, size_t size) {
    struct race_calls *calls = &library->calls;

    *library = (struct library){.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (!library->handle) {
        const char *error = dlerror();
        snprintf(reason, size, "%s", error ? error : "it cannot be loaded");
        return false;
    }
    find(library->handle, "malloc", &calls->malloc);
    find(library->handle, "calloc", &calls->calloc);
    find(library->handle, "realloc", &calls->realloc);
    find(library->handle, "free", &calls->free);
    find(library->handle, "posix_memalign", &calls->posix_memalign);
    if (calls->malloc && calls->calloc && calls->realloc && calls->free &&
        calls->posix_memalign && !is_of_libc(calls->malloc))
        return true;
    snprintf(reason, size, "no malloc in it");
    return false;
}

void library_version(const struct library *library, char *text, size_t size) {
    mallctl_fn *mallctl;
    int (*mi_version)(void);
    const char *(*tc_version)(int *major, int *minor, const char **patch);
    const char *version;
    size_t length = sizeof(version);

    if (!library->handle) {
        snprintf(text, size, "%s", gnu_get_libc_version());
        return;
    }
    find(library->handle, "mallctl", &mallctl);
    find(library->handle, "mi_version", &mi_version);
    find(library->handle, "tc_version", &tc_version);
    if (mallctl && mallctl("version", &version, &length, NULL, 0) == 0)
        snprintf(text, size, "%.*s", (int)strcspn(version, "-"), version);
    else if (mi_version)
        snprintf(text, size, "%d.%d.%d", mi_version() / 100, mi_version() / 10 % 10,
                 mi_version() % 10);
    else if (tc_version)
        snprintf(text, size, "%s", tc_version(NULL, NULL, NULL));
    else
        snprintf(text, size, "of unknown version");
}

static void trim_by_mallctl(mallctl_fn *mallctl) {
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    mallctl("arena.4096.purge", NULL, NULL, NULL, 0); /* MALLCTL_ARENAS_ALL */
    for (int i = 0; i < MESH_CALLS; i++)
        if (mallctl("mesh.compact", NULL, NULL, NULL, 0) != 0) break;
}

void library_trim(const struct library *library) {
    mallctl_fn *mallctl;
    void (*mi_collect)(bool force);
    void (*tc_idle)(void), (*tc_release)(void);

    if (!library->handle) {
        malloc_trim(0);
        return;
    }
    find(library->handle, "mallctl", &mallctl);
    find(library->handle, "mi_collect", &mi_collect);
    find(library->handle, "MallocExtension_MarkThreadIdle", &tc_idle);
    find(library->handle, "MallocExtension_ReleaseFreeMemory", &tc_release);
    if (mallctl) trim_by_mallctl(mallctl);
    if (mi_collect) mi_collect(true);
    if (tc_idle) tc_idle(); /* its cache */
    if (tc_release) tc_release();
}
