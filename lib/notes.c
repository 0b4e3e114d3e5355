/* SPDX-License-Identifier: MIT */
#include "notes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "tool.h"

/* A slot's 28 bits: 10 of them lead to the group of groups, 9 to the group, 9 to the note. */
enum { NOTE_BITS = 9, GROUP_BITS = 9, TOP_BITS = 10 };
/* A place in words. */
enum { PLACE = 512 };

static uint32_t bits_of(uint32_t slot, unsigned from, unsigned n) {
    return slot >> from & (uint32_t)bit_mask(n);
}

bool notes_init(struct notes *n, struct aside *aside) {
    *n = (struct notes){.aside = aside, .n_made = NOTE_FRAMES, .n_last = NOTE_FRAMES};
    n->groups = aside_alloc(aside, sizeof(void *) << TOP_BITS);
    return n->groups != NULL;
}

struct note *notes_of(const struct notes *n, uint32_t slot) {
    struct note **groups = n->groups[bits_of(slot, NOTE_BITS + GROUP_BITS, TOP_BITS)];
    if (groups == NULL) return NULL;
    struct note *group = groups[bits_of(slot, NOTE_BITS, GROUP_BITS)];
    return group == NULL ? NULL : &group[bits_of(slot, 0, NOTE_BITS)];
}

/* The same, made where there is none. */
static struct note *make(struct notes *n, uint32_t slot) {
    struct note ***top = &n->groups[bits_of(slot, NOTE_BITS + GROUP_BITS, TOP_BITS)];
    if (*top == NULL) *top = aside_alloc(n->aside, sizeof(void *) << GROUP_BITS);
    if (*top == NULL) return NULL;
    struct note **group = &(*top)[bits_of(slot, NOTE_BITS, GROUP_BITS)];
    if (*group == NULL) *group = aside_alloc(n->aside, sizeof(struct note) << NOTE_BITS);
    return *group == NULL ? NULL : &(*group)[bits_of(slot, 0, NOTE_BITS)];
}

/* A slot is used again, or its block is used elsewhere: what has been known of it is kept for a while, if anybody
   has ever had it. */
static void bury(struct notes *n, const struct note *note) {
    if (note->given == NULL) return;
    if (n->past == NULL) n->past = aside_alloc(n->aside, NOTES_PAST * sizeof *n->past);
    if (n->past == NULL) return;
    n->past[n->n_past++ % NOTES_PAST] = *note;
}

/* --- what happens --- */

struct note *notes_made(struct notes *n, uint32_t slot, uint64_t handle, size_t size) {
    struct note *note = make(n, slot);
    if (note == NULL) return NULL;
    bury(n, note);
    *note = (struct note){
        .handle = handle, .state = NOTE_LIVE, .size = size, .pool = note->pool};
    note->n_made = tool_stack(note->made, n->n_made);
    return note;
}

void notes_locked(struct notes *n, uint32_t slot, const char *address, unsigned locks) {
    struct note *note = notes_of(n, slot);
    if (note == NULL) return;
    if (note->given != address) bury(n, note);
    note->locks = locks;
    note->given = address;
    note->given_size = note->size;
}

void notes_unlocked(struct notes *n, uint32_t slot, unsigned locks) {
    struct note *note = notes_of(n, slot);
    if (note == NULL) return;
    note->locks = locks;
    if (locks > 0) return;
    note->given_size = note->size;
    note->when = ++n->events;
    note->n_last = tool_stack(note->last, n->n_last);
}

void notes_resized(struct notes *n, uint32_t slot, size_t size) {
    struct note *note = notes_of(n, slot);
    if (note != NULL) note->size = size;
}

void notes_freed(struct notes *n, uint32_t slot) {
    struct note *note = notes_of(n, slot);
    if (note == NULL) return;
    note->state = NOTE_FREED;
    note->when = ++n->events;
    note->n_last = tool_stack(note->last, n->n_last);
}

/* --- looking for one --- */

/* The later one of two that had the address until before an event; those that have it still do so by right. What
   nobody has ever had is 0 bytes long; of what has no state there was no memory to note how it was made. */
static const struct note *later(const struct note *a, const struct note *b,
                                const char *address, uint64_t before) {
    bool had = b->state != NOTE_NONE && b->locks == 0 && b->when < before &&
               (uintptr_t)address - (uintptr_t)b->given < b->given_size;
    return had && (a == NULL || b->when > a->when) ? b : a;
}

static const struct note *latest(const struct note *who, const struct note *group,
                                 unsigned n, const char *address, uint64_t before) {
    for (unsigned i = 0; i < n; i++) who = later(who, &group[i], address, before);
    return who;
}

const struct note *notes_who_had(const struct notes *n, const char *address,
                                 uint64_t before) {
    unsigned n_past = n->past != NULL ? NOTES_PAST : 0;
    const struct note *who = latest(NULL, n->past, n_past, address, before);
    for (unsigned i = 0; i < 1u << TOP_BITS; i++)
        for (unsigned j = 0; n->groups[i] != NULL && j < 1u << GROUP_BITS; j++) {
            const struct note *group = n->groups[i][j];
            who =
                latest(who, group, group != NULL ? 1u << NOTE_BITS : 0, address, before);
        }
    return who;
}

/* --- saying it --- */

/* So many characters, one at least. */
static void put(const char *text, size_t n) {
    do {
        ssize_t written = write(STDERR_FILENO, text, n);
        if (written < 0 && errno != EINTR) return;
        if (written >= 0) text += written, n -= (size_t)written;
    } while (n > 0);
}

void notes_print(const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (n > 0) put(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* Is a frame one of ours? Their innermost ones are. */
static bool is_own(const char *place) {
    static const char *const files[] = {
        "tool.c:",        "notes.c:", "shadow.c:",   "guard.c:",
        "api_guarded.c:", "api.c:",   "api_heap.c:", "librmalloc.so"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *at = strstr(place, files[i]);
        if (at != NULL && (at == place || at[-1] == '/' || at[-1] == ' ')) return true;
    }
    return false;
}

/* The first frame that is the program's; n: none is. */
static unsigned first_frame(void *const *frames, unsigned n) {
    char place[PLACE];
    for (unsigned i = 0; i < n; i++) {
        tool_place(frames[i], place, sizeof place);
        if (!is_own(place)) return i;
    }
    return n;
}

const char *notes_where(struct notes *n, const struct note *note) {
    uint64_t stack = 1;
    for (unsigned i = 0; i < note->n_made; i++)
        stack = (stack ^ (uintptr_t)note->made[i]) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    unsigned at = (unsigned)(stack >> 32) % NOTES_PLACES;
    if (n->places[at].stack == stack) return n->places[at].text;
    unsigned i = first_frame(note->made, note->n_made);
    char *text = n->places[at].text;
    snprintf(text, NOTES_PLACE, "an unknown place");
    if (i < note->n_made) tool_place(note->made[i], text, NOTES_PLACE);
    n->places[at].stack = stack;
    return text;
}

void notes_print_stack(void *const *frames, unsigned n) {
    char place[PLACE];
    unsigned first = first_frame(frames, n);
    for (unsigned i = first; i < n; i++) {
        tool_place(frames[i], place, sizeof place);
        notes_print("    #%u %s\n", i - first, place);
    }
}

void notes_say(const struct note *note, const char *address, const char *block) {
    ptrdiff_t into = address - block;
    const char *is = note->state == NOTE_FREED ? "freed"
                     : note->locks > 0         ? "locked"
                                               : "unlocked";
    if (into < 0)
        notes_print("rmalloc: %p is %td bytes below", (const void *)address, -into);
    else if ((size_t)into < note->size)
        notes_print("rmalloc: %p is %td bytes into", (const void *)address, into);
    else
        notes_print("rmalloc: %p is %td bytes behind", (const void *)address,
                    into - (ptrdiff_t)note->size);
    notes_print(" a block of %zu bytes, handle 0x%" PRIx64 ", which is %s%s\n",
                note->size, note->handle, is,
                note->locks == 0 && note->when == 0 ? ", and always was" : "");
    if (note->n_last > 0) {
        notes_print("  %s here:\n", note->state == NOTE_FREED ? "freed" : "unlocked");
        notes_print_stack(note->last, note->n_last);
    }
    notes_print("  allocated here:\n");
    notes_print_stack(note->made, note->n_made);
}
