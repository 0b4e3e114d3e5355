/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "picture.h"

enum { PAGES_OF = 65536 }; /* what a heap that grows may align large blocks by */

static void *nothing(void *context) { return context; }

void subject_between(void) {
    static bool done;
    pthread_t thread;

    if (done) return;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0) abort();
    pthread_join(thread, NULL);
    done = true;
}

void subject_sound(const char *text) {
    if (text == NULL) return;
    fprintf(stderr, "%s\n", text);
    abort();
}

static void make(struct subject *subject) {
    rm_heap_t *heap;

    FUZZ_HOLDS(rm_heap_create(&heap, &subject->options) == RM_OK);
    book_init(&subject->book, heap);
    subject->exists = true;
}

void subject_open(struct subject *subject, struct bytes *in, enum subject_terms terms) {
    static const size_t regions[] = {RM_HEAP_SIZE_MIN, 4096, 6000, 16384, 40000, 262144};
    static const size_t limits[] = {65536, 1 << 20, 6 << 20, 0};
    const unsigned n_regions = sizeof(regions) / sizeof(*regions);
    uint8_t size = bytes_one(in), mode = bytes_one(in);

    memset(subject, 0, sizeof(*subject));
    subject->options = (rm_heap_options_t)RM_HEAP_OPTIONS_INIT;
    subject->fixed = size % 10 < n_regions;
    if (subject->fixed) {
        size_t bytes = regions[size % 10], shift = size / 10;

        guarded_init(&subject->region, bytes, size & 1 ? GUARDED_LOW : GUARDED_HIGH,
                     shift);
        subject->options.memory = subject->region.memory;
        subject->options.size = bytes;
        subject->most = bytes / 2;
    } else {
        subject->options.size = limits[size % 10 - n_regions];
        subject->most = (size_t)700000;
    }
    subject->options.compaction = (rm_compaction_t)(mode % 4);
    subject->options.threads = (rm_threads_t)(mode / 4 % 2);
    if (subject->options.compaction == RM_COMPACT_BACKGROUND) {
        subject->options.threads = RM_THREADS_SAFE;
        if (terms != SUBJECT_BACKGROUND)
            subject->options.compaction = RM_COMPACT_ON_DEMAND;
    }
    make(subject);
}

void subject_renew(struct subject *subject) {
    rm_memory_t *stale = subject->book.n > 0 ? subject->book.blocks[0].handle : NULL;
    void *pointer;

    FUZZ_HOLDS(rm_heap_destroy(subject->book.heap) == RM_OK);
    FUZZ_HOLDS(rm_heap_destroy(subject->book.heap) == RM_EINVAL);
    FUZZ_HOLDS(rmlock(stale, &pointer) == RM_EHANDLE);
    book_finish(&subject->book);
    make(subject);
    FUZZ_HOLDS(rmlock(stale, &pointer) == RM_EHANDLE);
}

void subject_verify(struct subject *subject) {
    bool background = subject->options.compaction == RM_COMPACT_BACKGROUND;
    rm_heap_t *heap = subject->book.heap;

    if (background) FUZZ_HOLDS(rm_heap_pause(heap) == RM_OK);
    subject_sound(book_verify(&subject->book));
    subject_sound(heap_fault(heap));
    if (background) FUZZ_HOLDS(rm_heap_resume(heap) == RM_OK);
    if (subject->fixed) subject_sound(guarded_fault(&subject->region));
}

size_t subject_alignment(const struct subject *subject) {
    if (!subject->fixed) return PAGES_OF;
    return subject->book.aligned > 0 ? RM_ALIGNMENT_MAX : 0;
}

void subject_close(struct subject *subject) {
    rm_heap_t *heap = subject->book.heap;
    rm_stats_t stats;

    if (!subject->exists) return;
    subject_verify(subject);
    book_free_all(&subject->book);
    subject_sound(subject->book.wrong);
    FUZZ_HOLDS(rm_heap_compact(heap, NULL, NULL) == RM_OK);
    FUZZ_HOLDS(rm_heap_stats(heap, &stats) == RM_OK);
    FUZZ_HOLDS(stats.live_blocks == 0 && stats.requested == 0 &&
               stats.locked_blocks == 0);
    subject_verify(subject);
    FUZZ_HOLDS(rm_heap_destroy(heap) == RM_OK);
    book_finish(&subject->book);
    if (subject->fixed) {
        subject_sound(guarded_fault(&subject->region));
        guarded_finish(&subject->region);
    }
    subject->exists = false;
}
