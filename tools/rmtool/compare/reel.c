/* SPDX-License-Identifier: MIT */
#include "compare/reel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rmalloc.h"
#include "base/say.h"
#include "trace/watch.h"

#define BATCH 1024

struct winder {
    struct trace *trace;
    struct reel head;
    uint64_t *words;
    size_t capacity; /* of words */
    uint32_t *slots; /* by block: where it lives */
    size_t n_slots_capacity;
    uint32_t *left; /* slots that are free, the last one on top */
    size_t n_left, left_capacity;
    uint64_t live_bytes, live_blocks;
};

static int no_memory(const struct winder *winder) {
    return complain(STATUS_IO, "%s: no memory to wind it up", winder->trace->path);
}

static bool put(struct winder *winder, uint64_t word) {
    uint64_t *words =
        watch_room(winder->words, winder->head.n_words, &winder->capacity, sizeof(word));

    if (!words) return false;
    winder->words = words;
    words[winder->head.n_words++] = word;
    return true;
}

static bool take_slot(struct winder *winder, uint64_t block, uint32_t *slot) {
    uint32_t *slots =
        watch_room(winder->slots, block, &winder->n_slots_capacity, sizeof(*slots));

    if (!slots) return false;
    winder->slots = slots;
    *slot = winder->n_left > 0 ? winder->left[--winder->n_left]
                               : (uint32_t)winder->head.n_slots++;
    slots[block] = *slot;
    return true;
}

static bool leave_slot(struct winder *winder, uint32_t slot) {
    uint32_t *left =
        watch_room(winder->left, winder->n_left, &winder->left_capacity, sizeof(slot));

    if (!left) return false;
    winder->left = left;
    left[winder->n_left++] = slot;
    return true;
}

static void count(struct winder *winder, const struct trace_event *event) {
    struct reel *head = &winder->head;

    head->events++;
    if (event->op > TRACE_FREE) return;
    head->operations++;
    if (event->op == TRACE_FREE) {
        winder->live_blocks--;
        winder->live_bytes -= event->size;
        return;
    }
    winder->live_blocks += event->op != TRACE_REALLOC;
    winder->live_bytes += event->size - event->old_size; /* modulo 2^64 */
    if (event->size > head->largest) head->largest = event->size;
    if (winder->live_blocks > head->peak_live_blocks)
        head->peak_live_blocks = winder->live_blocks;
    if (winder->live_bytes > head->peak_live_bytes) {
        head->peak_live_bytes = winder->live_bytes;
        head->peak = (struct reel_mark){.word = head->n_words,
                                        .operations = head->operations,
                                        .live_bytes = winder->live_bytes,
                                        .live_blocks = winder->live_blocks};
    }
}

static int wind(struct winder *winder, const struct trace_event *event) {
    bool makes = event->op <= TRACE_ALIGNED;
    uint64_t second = event->old_size;
    uint32_t slot;

    if (makes && !take_slot(winder, event->block, &slot)) return no_memory(winder);
    slot = winder->slots[event->block];
    if (event->size >> REEL_SIZE_BITS || slot >> REEL_SLOT_BITS)
        return complain_at(STATUS_FOUND, winder->trace->path, event->line,
                           "more than compare can take: blocks under 64 GiB, fewer than "
                           "33,554,432 of them alive");
    if (event->op == TRACE_ALIGNED) {
        second = UINT64_C(1) << event->alignment_log2;
        if (second > RM_ALIGNMENT_MAX) {
            second = RM_ALIGNMENT_MAX;
            winder->head.reduced_alignments++;
        }
    }

    uint64_t word = (uint64_t)event->op | (uint64_t)slot << REEL_OP_BITS |
                    event->size << (REEL_OP_BITS + REEL_SLOT_BITS);
    if (!put(winder, word) || (reel_words(word) == 2 && !put(winder, second)) ||
        (event->op == TRACE_FREE && !leave_slot(winder, slot)))
        return no_memory(winder);
    count(winder, event);
    return STATUS_OK;
}

static int wind_all(struct winder *winder) {
    struct trace_event events[BATCH];
    size_t n;
    int status;

    do {
        status = trace_read(winder->trace, events, BATCH, &n);
        for (size_t i = 0; i < n && status == STATUS_OK; i++)
            status = wind(winder, &events[i]);
        progress_update(winder->head.events, trace_expected_events(winder->trace));
    } while (status == STATUS_OK && n > 0);
    return status;
}

/* ----------------------------------------------------------------------- marks */

/* The sizes of live blocks by slot say what a free takes away. */
static bool mark(const struct winder *winder, uint64_t wanted, struct reel_mark *marks,
                 uint64_t *n) {
    uint64_t events = winder->head.events, intervals = wanted < events ? wanted : events;
    uint64_t *sizes = calloc(winder->head.n_slots + 1, sizeof(*sizes));
    struct reel_mark now = {0};
    uint64_t done = 0;

    if (!sizes) return false;
    *n = 0;
    marks[(*n)++] = now;
    while (now.word < winder->head.n_words) {
        uint64_t word = winder->words[now.word], *size = &sizes[reel_slot(word)];
        now.word += reel_words(word);
        now.operations += reel_op(word) <= TRACE_FREE;
        now.live_blocks += reel_op(word) <= TRACE_ALIGNED;
        now.live_blocks -= reel_op(word) == TRACE_FREE;
        if (reel_op(word) <= TRACE_FREE) {
            uint64_t left = reel_op(word) == TRACE_FREE ? 0 : reel_size(word);
            now.live_bytes += left - *size;
            *size = left;
        }
        done++;
        if (done == (uint64_t)((__uint128_t)events * *n / intervals)) marks[(*n)++] = now;
    }
    free(sizes);
    return true;
}

static bool write_all(int file, const void *bytes, size_t n) {
    const char *at = bytes;

    while (n > 0) {
        ssize_t written = write(file, at, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += written;
        n -= (size_t)written;
    }
    return true;
}

static int write_file(struct winder *winder, uint64_t wanted, int *file) {
    struct reel *head = &winder->head;
    struct reel_mark *marks = calloc(wanted + 1, sizeof(*marks));
    size_t words = head->n_words * sizeof(*winder->words);
    int status = STATUS_OK;

    if (!marks || !mark(winder, wanted, marks, &head->n_marks)) {
        free(marks);
        return no_memory(winder);
    }
    head->bytes = sizeof(*head) + words + head->n_marks * sizeof(*marks);
    *file = memfd_create("reel", 0); /* measuring processes inherit it */
    if (*file < 0 || !write_all(*file, head, sizeof(*head)) ||
        !write_all(*file, winder->words, words) ||
        !write_all(*file, marks, head->n_marks * sizeof(*marks))) {
        status = complain(STATUS_IO, "%s: a file in memory: %s", winder->trace->path,
                          strerror(errno));
        if (*file >= 0) close(*file);
        *file = -1;
    }
    free(marks);
    return status;
}

int reel_make(struct trace *trace, uint64_t marks, int *file, struct reel *head) {
    struct winder winder = {.trace = trace};
    int status = wind_all(&winder);

    *file = -1;
    if (status == STATUS_OK) status = write_file(&winder, marks, file);
    *head = winder.head;
    free(winder.words);
    free(winder.slots);
    free(winder.left);
    return status;
}

const struct reel *reel_map(int file) {
    struct reel head;
    const struct reel *reel;

    if (pread(file, &head, sizeof(head), 0) != (ssize_t)sizeof(head)) return NULL;
    reel = mmap(NULL, head.bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    return reel == MAP_FAILED ? NULL : reel;
}
