/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of the blocks of a guarded heap, by slot, so that a mistake can be told by its block: where in the
 * program it was made, where it was unlocked for the last time, or freed, and where its user had it until then. Of
 * blocks whose slot has been used again the last ones are remembered too. Knows addresses, and no heap.
 *
 * Where memory is short there is no note of a block: whoever looks for it finds nothing.
 */
#ifndef RM_NOTES_H
#define RM_NOTES_H

#include "aside.h"

enum { NOTE_FRAMES = 16, NOTES_PAST = 4096 };

enum note_state { NOTE_NONE, NOTE_LIVE, NOTE_FREED };
struct note {
    uint64_t handle; /* 0: there is none */
    enum note_state state;
    unsigned locks;
    size_t size;       /* that was asked for */
    const char *given; /* where it was locked the last time; NULL: never */
    size_t given_size; /* and how long it was when that ended, ... */
    uint64_t when;     /* ... as the how-manieth event; 0: it has not */
    unsigned n_made, n_last;
    void *made[NOTE_FRAMES]; /* the stack where it was allocated, ... */
    void *last[NOTE_FRAMES]; /* ... where it was freed, or unlocked for the last time */
    /* Of memcheck's: where it is named, and which of its bits are not defined. */
    char *named;
    size_t named_size, bits_size;
    unsigned char *bits; /* NULL: all of them alike */
    bool undefined;      /* none is */
    bool pool;           /* of its slot, not of its block: it names those of a group */
};

struct notes {
    struct aside *aside;
    struct note ***groups; /* of groups of groups of notes */
    uint64_t events;
    struct note *past; /* a ring of those whose slot is another's */
    unsigned n_past;
};

/* Nothing is noted yet. False: there is no memory. */
bool notes_init(struct notes *n, struct aside *aside);

/* A slot's; NULL: there is none. */
struct note *notes_of(const struct notes *n, uint32_t slot);

/* What happens to a block: made; locked; unlocked for the last time; freed. NULL: there is no memory for it. */
struct note *notes_made(struct notes *n, uint32_t slot, uint64_t handle, size_t size);
void notes_locked(struct notes *n, uint32_t slot, const char *address, unsigned locks);
void notes_unlocked(struct notes *n, uint32_t slot, unsigned locks);
void notes_resized(struct notes *n, uint32_t slot, size_t size);
void notes_freed(struct notes *n, uint32_t slot);

/* Who had this address the last time before an event, and should not have it any more; NULL: nobody that is known. */
const struct note *notes_who_had(const struct notes *n, const char *address,
                                 uint64_t before);

/* Where in the program a block was allocated, in words. */
void notes_where(const struct note *note, char *text, size_t size);

/* Say it on standard error: "rmalloc: <address> is so far into a block ..., unlocked at ..., allocated at ...". */
void notes_say(const struct note *note, const char *address, const char *block);
/* A line, as from printf; and a stack, a line a frame, without the library's own. */
__attribute__((format(printf, 1, 2))) void notes_print(const char *format, ...);
void notes_print_stack(void *const *frames, unsigned n);

#endif
