/* SPDX-License-Identifier: MIT */
/*
 * Programs with one mistake each. A source of cases is compiled twice: as it is, and with
 * MISUSE_TWIN defined, where the mistake is left out or put right: the twin, of which nobody
 * may say anything.
 *
 *      CASE(free_twice, "a block freed twice") {
 *          memory_t *h = block(100);
 *          must(rmfree(h));
 *          WRONG(GUILTY(call(rmfree(h))));
 *      }
 *
 * Each runs in a process of its own, on a stage (stage.h) that is set for it. What comes of it is
 * one word: see README.rst.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include <rmalloc.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef MISUSE_TWIN
enum { MISUSE_IS_TWIN = 1 };
#define WRONG(...) ((void)0)
#define RIGHT(...) __VA_ARGS__
#else
enum { MISUSE_IS_TWIN = 0 };
#define WRONG(...) __VA_ARGS__
#define RIGHT(...) ((void)0)
#endif

/* The guilty line: what a tool should name. In both programs, since in the twin it is innocent. */
#define GUILTY(...) (guilty_at(__FILE__, __LINE__), __VA_ARGS__)

struct misuse {
    const char *name, *text, *file;
    int line;
    bool twin;
    bool unlocked; /* of the corpus: uses a block after its last unlock */
    void (*run)(void);
};

void misuse_add(const struct misuse *misuse);

#define MISUSE_CASE(name, text, unlocked)                                                \
    static void name##_run(void);                                                        \
    __attribute__((constructor)) static void name##_add(void) {                          \
        static const struct misuse misuse = {                                            \
            #name, text, __FILE__, __LINE__, MISUSE_IS_TWIN, unlocked, name##_run};      \
        misuse_add(&misuse);                                                             \
    }                                                                                    \
    static void name##_run(void)
#define CASE(name, text) MISUSE_CASE(name, text, false)
/* Of the corpus of programs that use a block after its last unlock. */
#define UNLOCKED(name, text) MISUSE_CASE(name, text, true)

/* What a case has met, kept where the one who watches it sees it. The first thing counts. */
struct witness {
    const char *file; /* the guilty line, ... */
    int line;
    rm_status_t status; /* ... what the call returned, ... */
    const char *wrong;  /* ... what the program itself has found wrong, ... */
    bool check;         /* ... whether rm_heap_check finds the heap damaged, ... */
    bool over;          /* ... and whether it came to its end. */
};
extern struct witness *witness;

static inline void guilty_at(const char *file, int line) {
    witness->file = file;
    witness->line = line;
}

#endif
