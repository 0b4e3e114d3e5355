/* SPDX-License-Identifier: MIT */
/*
 * The bytes are a program for each of three threads, which run at the same time: on blocks of their own, of
 * which each knows what has to be in them, and on shared ones, which anybody may lock, free and make anew.
 * What is found depends on the moment: a target for the sanitizer for threads.
 *
 *      KIND:2 bytes, for two heaps  (CALL:1 byte  what it needs)..., in three parts of one length
 */
#include "fuzz.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "subject.h"

enum {
    ACTORS = 3,
    HEAPS = 2,
    SHARED = 8,
    STEPS_MOST = 400,
    BLOCKS_MOST = 200,
    WAIT_NS = 5000
};

struct actor {
    pthread_t thread;
    struct bytes in;
    struct book books[HEAPS]; /* its own blocks */
    unsigned held[HEAPS];
    unsigned number;
};

static struct subject heaps[HEAPS];
static struct actor actors[ACTORS];
static _Atomic(rm_memory_t *) shared[SHARED]; /* NULL: nothing */
static atomic_uint n_ready;

/* --- blocks that everybody has: all bytes of one are the same --- */

/* Puts another one, or nothing, in place of one that is there; that one is freed, which may have to wait for who has
   it locked. */
static void replace(rm_memory_t *by, size_t i) {
    rm_memory_t *old = atomic_exchange(&shared[i], by);
    rm_status_t status;

    do {
        status = rmfree(old);
        FUZZ_HOLDS(status == RM_OK || status == RM_ELOCKED);
    } while (status != RM_OK);
}

static void publish(struct actor *me, rm_heap_t *heap, size_t most) {
    size_t size = bytes_size(&me->in, most < 5000 ? most : 5000);
    rm_memory_t *handle;
    void *pointer;
    rm_status_t status = rm_heap_alloc(heap, &handle, size, 0, 0);

    FUZZ_HOLDS(status == RM_OK || status == RM_ENOMEM);
    if (status == RM_OK) {
        FUZZ_HOLDS(rmlock(handle, &pointer) == RM_OK);
        memset(pointer, (int)size, size);
        FUZZ_HOLDS(rmunlock(handle) == RM_OK);
    }
    replace(handle, bytes_one(&me->in) % SHARED);
}

static void read_shared(struct actor *me) {
    rm_memory_t *handle = atomic_load(&shared[bytes_one(&me->in) % SHARED]);
    const unsigned char *at;
    void *pointer;
    size_t size;
    rm_status_t status = rmlock(handle, &pointer);

    FUZZ_HOLDS(status == RM_OK || status == RM_EHANDLE);
    if (status != RM_OK) return;
    at = pointer;
    FUZZ_HOLDS(rmsize(handle, &size) == RM_OK);
    for (size_t i = 0; i < size; i++) FUZZ_HOLDS(at[i] == (unsigned char)size);
    FUZZ_HOLDS(rmunlock(handle) == RM_OK);
}

/* --- its own --- */

static void alloc(struct actor *me, struct book *book, size_t most) {
    uint8_t form = bytes_one(&me->in);
    size_t size = bytes_size(&me->in, most < 20000 ? most : 20000);

    if (book->n == BLOCKS_MOST) return;
    rm_status_t status =
        book_alloc(book, size, form % 16 == 0 ? 64 : 0, form / 16 % 8 == 0 ? RM_ZERO : 0);
    FUZZ_HOLDS(status == RM_OK || status == RM_ENOMEM);
}

static void resize(struct actor *me, struct book *book, size_t most) {
    size_t i = bytes_below(&me->in, book->n), size = bytes_size(&me->in, most % 20000);

    if (book->n == 0) return;
    bool grows = size > book->blocks[i].size;
    rm_status_t status = book_resize(book, i, size);
    FUZZ_HOLDS(status == RM_OK ||
               (grows && (status == RM_ELOCKED || status == RM_ENOMEM)));
}

static void free_some(struct actor *me, struct book *book) {
    uint8_t form = bytes_one(&me->in);

    for (unsigned n = form < 192 ? 1 : form - 191; n > 0 && book->n > 0; n--) {
        size_t i = bytes_below(&me->in, book->n);
        bool locked = book->blocks[i].locks > 0;
        FUZZ_HOLDS(book_free(book, i) == (locked ? RM_ELOCKED : RM_OK));
    }
}

static void lock(struct actor *me, struct book *book) {
    uint8_t form = bytes_one(&me->in);
    size_t i = bytes_below(&me->in, book->n);

    if (book->n == 0) return;
    for (unsigned n = 1 + form / 64; n > 0; n--) {
        bool any = book->blocks[i].locks > 0;
        if (form % 2 && book->blocks[i].locks < 100)
            FUZZ_HOLDS(book_lock(book, i) == RM_OK);
        else
            FUZZ_HOLDS(book_unlock(book, i) == (any ? RM_OK : RM_EUNLOCKED));
    }
    subject_sound(book_verify_one(book, i));
}

static void hold(struct actor *me, unsigned heap) {
    rm_heap_t *token = heaps[heap].book.heap;
    struct book *book = &me->books[heap];
    size_t i = bytes_below(&me->in, book->n);
    void *pointer;

    if (me->held[heap] > 0) {
        me->held[heap]--;
        FUZZ_HOLDS(rm_heap_release(token) == RM_OK);
        return;
    }
    FUZZ_HOLDS(rm_heap_hold(token) == RM_OK);
    me->held[heap]++;
    if (book->n == 0) return;
    FUZZ_HOLDS(rmpeek(book->blocks[i].handle, &pointer) == RM_OK);
    subject_sound(content_fault(pointer, book->blocks[i].size, book->blocks[i].seed));
}

static void compact(struct actor *me, rm_heap_t *heap) {
    uint8_t form = bytes_one(&me->in);
    rm_budget_t budget = {form % 4 ? (size_t)1 << form % 18 : 0,
                          form % 4 == 3 ? WAIT_NS : 0};
    rm_stats_t stats;

    if (form >= 248)
        FUZZ_HOLDS(rm_heap_check(heap, NULL) == RM_OK);
    else if (form >= 240)
        FUZZ_HOLDS(rm_heap_trim(heap) == RM_OK);
    else if (form >= 232)
        FUZZ_HOLDS(rm_heap_stats(heap, &stats) == RM_OK);
    else if (form >= 224)
        rm_heap_idle(heap, 0);
    else
        FUZZ_HOLDS(rm_heap_compact(heap, &budget, NULL) == RM_OK);
}

static void *live(void *context) {
    struct actor *me = context;

    atomic_fetch_add(&n_ready, 1);
    while (atomic_load(&n_ready) < ACTORS) sched_yield();
    for (unsigned i = 0; i < STEPS_MOST && !bytes_ended(&me->in); i++) {
        uint8_t form = bytes_one(&me->in);
        unsigned heap = form / 16 % HEAPS;
        struct book *book = &me->books[heap];
        size_t most = heaps[heap].most;
        switch (form % 16) {
        case 0:
        case 1:
        case 2:
        case 3: alloc(me, book, most); break;
        case 4:
        case 5: free_some(me, book); break;
        case 6: resize(me, book, most); break;
        case 7:
        case 8: lock(me, book); break;
        case 9: compact(me, heaps[heap].book.heap); break;
        case 10: hold(me, heap); break;
        case 11:
        case 12: publish(me, heaps[heap].book.heap, most); break;
        default: read_shared(me);
        }
        subject_sound(book->wrong);
    }
    for (unsigned i = 0; i < HEAPS; i++)
        while (me->held[i] > 0) hold(me, i);
    return NULL;
}

/* What threads have left is as they know it. */
static void finish(struct actor *actor) {
    for (unsigned i = 0; i < HEAPS; i++) {
        subject_sound(book_verify(&actor->books[i]));
        book_free_all(&actor->books[i]);
        subject_sound(actor->books[i].wrong);
        book_finish(&actor->books[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = {data, data + size};

    for (unsigned i = 0; i < HEAPS; i++) {
        uint8_t kind[2] = {bytes_one(&in), bytes_one(&in) & 3}; /* between threads */
        struct bytes chosen = {kind, kind + 2};
        subject_open(&heaps[i], &chosen, SUBJECT_BACKGROUND);
    }
    size_t part = (size_t)(in.end - in.at) / ACTORS;
    atomic_store(&n_ready, 0);
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){.number = i};
        actors[i].in = (struct bytes){in.at + i * part, in.at + (i + 1) * part};
        for (unsigned k = 0; k < HEAPS; k++)
            book_init(&actors[i].books[k], heaps[k].book.heap);
    }
    for (unsigned i = 1; i < ACTORS; i++)
        if (pthread_create(&actors[i].thread, NULL, live, &actors[i]) != 0) abort();
    live(&actors[0]);
    for (unsigned i = 1; i < ACTORS; i++) pthread_join(actors[i].thread, NULL);
    for (unsigned i = 0; i < ACTORS; i++) finish(&actors[i]);
    for (size_t i = 0; i < SHARED; i++) replace(NULL, i);
    for (unsigned i = 0; i < HEAPS; i++) subject_close(&heaps[i]);
    return 0;
}
