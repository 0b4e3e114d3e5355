/* SPDX-License-Identifier: MIT */
#include "origin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#endif
#endif

#include "os.h"

#ifndef HAS_BACKTRACE /* a libc that cannot tell */
#define HAS_BACKTRACE 0
#endif

/* Slots that get memory at once; the least of the table that a slot takes, so that a region bounds them; and how full
   the stacks may get, of 4. */
enum { STEP = 1 << 16, SLOT_BYTES = 8, FULL = 3, LINE = 512 };

static size_t stacks_bytes(void) {
    return round_up(ORIGIN_STACKS * sizeof(struct origin_stack), os_page());
}
static size_t slots_bytes(const struct origins *o) {
    return round_up(o->most * sizeof(uint32_t), os_page());
}

bool origins_init(struct origins *o, size_t bytes) {
    size_t most = bytes / SLOT_BYTES + 1;
    *o = (struct origins){.most = most < 1u << 28 ? (uint32_t)most : 1u << 28};
    size_t all = stacks_bytes() + slots_bytes(o);
    char *memory = os_reserve(all);
    if (memory == NULL) return false;
    if (!os_commit(memory, stacks_bytes())) {
        os_unreserve(memory, all);
        return false;
    }
    o->stacks = (struct origin_stack *)memory;
    o->slots = (uint32_t *)(memory + stacks_bytes());
    return true;
}

void origins_finish(struct origins *o) {
    if (o->stacks != NULL) os_unreserve(o->stacks, stacks_bytes() + slots_bytes(o));
    *o = (struct origins){.stacks = NULL};
}

/* --- stacks --- */

static uint64_t hash_of(void *const *frames, uint32_t n) {
    uint64_t h = n;
    do {
        h = (h ^ (uintptr_t)frames[--n]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    } while (n > 0);
    return h;
}

/* The number of a stack of one frame at least; it is added where it is new. */
static uint32_t number_of(struct origins *o, void *const *frames, uint32_t n) {
    uint64_t hash = hash_of(frames, n);
    for (uint32_t i = (uint32_t)(hash >> 32);; i++) {
        uint32_t at = i % ORIGIN_STACKS;
        struct origin_stack *s = &o->stacks[at];
        if (s->n == n && memcmp(s->frames, frames, n * sizeof *frames) == 0)
            return at + 1;
        if (s->n != 0) continue;
        if (o->n_stacks >= ORIGIN_STACKS / 4 * FULL) return ORIGIN_NONE;
        o->n_stacks++;
        s->n = n;
        memcpy(s->frames, frames, n * sizeof *frames);
        return at + 1;
    }
}

uint32_t origin_here(struct origins *o) {
#if HAS_BACKTRACE
    void *frames[ORIGIN_FRAMES];
    if (o->stacks == NULL) return ORIGIN_NONE;
    int saved = errno, n = backtrace(frames, ORIGIN_FRAMES);
    errno = saved;
    return n > 0 ? number_of(o, frames, (uint32_t)n) : ORIGIN_NONE;
#else
    (void)number_of, (void)o;
    return ORIGIN_NONE;
#endif
}

void origin_set(struct origins *o, uint32_t slot, uint32_t number) {
    if (slot >= o->n_slots) {
        size_t end = round_up((size_t)slot + 1, STEP);
        if (end > o->most) end = o->most;
        char *from = (char *)round_down((uintptr_t)(o->slots + o->n_slots), os_page());
        char *to = (char *)round_up((uintptr_t)(o->slots + end), os_page());
        int saved = errno;
        bool there = slot < end && os_commit(from, (size_t)(to - from));
        errno = saved;
        if (!there) return;
        o->n_slots = (uint32_t)end;
    }
    o->slots[slot] = number;
}

/* --- telling --- */

void origin_say(const char *format, ...) {
    char line[LINE];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (n < 0) return;
    if (n > LINE - 2) n = LINE - 2;
    line[n] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)n + 1);
    (void)written; /* there is nobody else to be told */
}

void origin_print(const struct origins *o, uint32_t number) {
#if HAS_BACKTRACE
    if (number != ORIGIN_NONE) {
        const struct origin_stack *s = &o->stacks[number - 1];
        backtrace_symbols_fd(s->frames, (int)s->n, STDERR_FILENO);
        return;
    }
#endif
    (void)o, (void)number;
    origin_say("    (not known)");
}

void origin_print_here(void) {
#if HAS_BACKTRACE
    void *frames[ORIGIN_FRAMES];
    backtrace_symbols_fd(frames, backtrace(frames, ORIGIN_FRAMES), STDERR_FILENO);
#endif
}
