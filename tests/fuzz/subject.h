/* SPDX-License-Identifier: MIT */
/* Heaps to be tried, of any kind, as bytes have it. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <rmalloc.h>

#include "book.h"
#include "bytes.h"
#include "guarded.h"

struct subject {
    rm_heap_options_t options;
    struct guarded region; /* what the heap lies in, where it does not grow */
    struct book book;      /* the heap, and what is in it */
    size_t most;           /* the largest size to be asked for */
    bool fixed;            /* in memory of the caller's */
    bool exists;
};

/* What of it there may be. */
enum subject_terms {
    SUBJECT_QUIET = 0,     /* nothing happens in it but what is asked for */
    SUBJECT_BACKGROUND = 1 /* RM_COMPACT_BACKGROUND as well */
};

/* Another thread is begun and has ended: from here on all is done as between threads. */
void subject_between(void);

/* Two bytes of options, and the heap is made. */
void subject_open(struct subject *subject, struct bytes *in, enum subject_terms terms);
/* Destroys it, with whatever is in it, and makes it anew in the same place. */
void subject_renew(struct subject *subject);
/* Everything is given back, and what is left of the heap looked at; then it is destroyed. */
void subject_close(struct subject *subject);

/* Stops where this is not NULL: a fault, in words. */
void subject_sound(const char *text);
/* Contents, sizes, locks; the heap; what lies around it. */
void subject_verify(struct subject *subject);
/* As picture_complete is to be asked. */
size_t subject_alignment(const struct subject *subject);

#endif
