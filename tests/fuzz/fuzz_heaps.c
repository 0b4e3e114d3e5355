/* SPDX-License-Identifier: MIT */
/*
 * The bytes are a program of calls on several heaps by several threads, of which one runs at a time: who is
 * next is handed the bytes. So a run does the same each time, and all that it does is held against a model,
 * as fuzz_api does with one.
 *
 *      N:1 byte  (KIND:2 bytes)...  (THREAD and CALL:1 byte  what it needs)...
 */
#include "fuzz.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "subject.h"

enum {
    ACTORS = 4,
    HEAPS = 4,
    STEPS_MOST = 1500,
    BLOCKS_MOST = 500,
    BYTES_MOST = 8 << 20
};

struct actor {
    pthread_t thread;
    sem_t turn; /* it may go on */
    bool runs;
    unsigned held[HEAPS]; /* its read sections */
};

static struct {
    struct subject heaps[HEAPS];
    struct actor actors[ACTORS]; /* the first is the main one */
    unsigned n;
    struct bytes in;
    unsigned next, step;
    size_t filled;
    sem_t done; /* a turn is over */
    bool over;
} run;

static unsigned sections(unsigned heap) {
    unsigned n = 0;

    for (unsigned i = 0; i < ACTORS; i++) n += run.actors[i].held[heap];
    return n;
}

/* --- calls of one thread on one heap --- */

static void alloc(struct book *book, unsigned heap) {
    uint8_t form = bytes_one(&run.in);
    size_t size = bytes_size(&run.in, run.heaps[heap].most), asked = 0;

    if (book->n == BLOCKS_MOST) return;
    if (form % 16 == 15) asked = (size_t)1 << bytes_one(&run.in) % 13;
    rm_status_t status = book_alloc(book, size, asked, form / 16 % 4);
    FUZZ_HOLDS(status == RM_OK || status == RM_ENOMEM);
    run.filled += size;
}

static void resize(struct book *book, unsigned heap) {
    size_t i = bytes_below(&run.in, book->n);
    size_t size = bytes_size(&run.in, run.heaps[heap].most);

    if (book->n == 0) return;
    bool fast = book->blocks[i].locks > 0 || sections(heap) > 0;
    bool grows = size > book->blocks[i].size;
    rm_status_t status = book_resize(book, i, size);
    FUZZ_HOLDS(status == RM_OK || (grows && status == (fast ? RM_ELOCKED : RM_ENOMEM)));
    run.filled += size;
}

static void free_some(struct book *book) {
    uint8_t form = bytes_one(&run.in);

    for (unsigned n = form < 128 ? 1 : form - 127; n > 0 && book->n > 0; n--) {
        size_t i = bytes_below(&run.in, book->n);
        rm_memory_t *handle = book->blocks[i].handle;
        bool locked = book->blocks[i].locks > 0;
        void *pointer;
        FUZZ_HOLDS(book_free(book, i) == (locked ? RM_ELOCKED : RM_OK));
        if (!locked) FUZZ_HOLDS(rmlock(handle, &pointer) == RM_EHANDLE);
    }
}

static void lock(struct book *book) {
    uint8_t form = bytes_one(&run.in);
    size_t i = bytes_below(&run.in, book->n);

    if (book->n == 0) return;
    for (unsigned n = 1 + form / 32; n > 0; n--) {
        bool any = book->blocks[i].locks > 0;
        if (form % 2)
            FUZZ_HOLDS(book_lock(book, i) == RM_OK);
        else
            FUZZ_HOLDS(book_unlock(book, i) == (any ? RM_OK : RM_EUNLOCKED));
        if (book->blocks[i].locks > RM_LOCKS_MAX - 16) return;
    }
}

static void hold(struct actor *me, struct book *book, unsigned heap) {
    bool shared = run.heaps[heap].options.threads == RM_THREADS_SAFE;
    size_t i = bytes_below(&run.in, book->n);
    void *pointer;

    if (!shared && me != run.actors) return; /* one thread's */
    if (bytes_one(&run.in) % 2) {
        bool any = me->held[heap] > 0;
        FUZZ_HOLDS(rm_heap_release(book->heap) == (any ? RM_OK : RM_EUNLOCKED));
        me->held[heap] -= any;
        return;
    }
    if (me->held[heap] < 4) {
        FUZZ_HOLDS(rm_heap_hold(book->heap) == RM_OK);
        me->held[heap]++;
    }
    if (book->n == 0) return;
    FUZZ_HOLDS(rmpeek(book->blocks[i].handle, &pointer) == RM_OK);
    subject_sound(content_fault(pointer, book->blocks[i].size, book->blocks[i].seed));
}

static void compact(struct book *book, unsigned heap) {
    uint8_t form = bytes_one(&run.in);
    rm_budget_t budget = {form % 4 ? (size_t)1 << form % 20 : 0, form % 4 == 3};
    rm_progress_t progress;

    if (form >= 240) {
        FUZZ_HOLDS(rm_heap_trim(book->heap) == RM_OK);
    } else if (form >= 224) {
        rm_heap_idle(book->heap, 0);
    } else {
        FUZZ_HOLDS(rm_heap_compact(book->heap, &budget, &progress) == RM_OK);
        if (sections(heap) > 0) FUZZ_HOLDS(progress.moved == 0);
    }
}

/* Nobody may be inside of it then. */
static void renew(unsigned heap) {
    for (unsigned i = 0; i < ACTORS; i++) run.actors[i].held[heap] = 0;
    subject_renew(&run.heaps[heap]);
}

/* --- threads --- */

/* Calls of this thread, until it is another's turn. Returns whose. */
static unsigned act(unsigned number) {
    struct actor *me = &run.actors[number];

    while (!bytes_ended(&run.in) && run.step++ < STEPS_MOST && run.filled < BYTES_MOST) {
        uint8_t form = bytes_one(&run.in);
        unsigned heap = (unsigned)bytes_below(&run.in, run.n);
        struct book *book = &run.heaps[heap].book;
        switch (form / 4 % 16) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4: alloc(book, heap); break;
        case 5:
        case 6:
        case 7: free_some(book); break;
        case 8: resize(book, heap); break;
        case 9:
        case 10: lock(book); break;
        case 11: hold(me, book, heap); break;
        case 12: compact(book, heap); break;
        case 13: subject_verify(&run.heaps[heap]); break;
        case 14:
            if (number == 0 && form >= 128) renew(heap);
            break;
        default:
            if (number != 0) me->runs = false; /* it ends, and with it what it holds */
            break;
        }
        subject_sound(book->wrong);
        if (!me->runs) return 0;
        if (form % ACTORS != number) return form % ACTORS;
    }
    run.over = true;
    return 0;
}

static void await(sem_t *what) {
    while (sem_wait(what) != 0) continue;
}

static void *live(void *context) {
    struct actor *me = context;
    bool goes_on = true;

    while (goes_on) {
        await(&me->turn);
        goes_on = !run.over;
        if (goes_on) run.next = act((unsigned)(me - run.actors));
        goes_on = goes_on && me->runs;
        sem_post(&run.done);
    }
    return NULL;
}

static void begin(struct actor *actor) {
    memset(actor->held, 0, sizeof(actor->held));
    actor->runs = true;
    if (sem_init(&actor->turn, 0, 0) != 0 ||
        pthread_create(&actor->thread, NULL, live, actor) != 0)
        abort();
}

static void end(struct actor *actor) {
    pthread_join(actor->thread, NULL);
    sem_destroy(&actor->turn);
    memset(actor->held, 0, sizeof(actor->held));
    actor->runs = false;
}

/* The turn of another thread than the main one, which waits until it is over. */
static void let(struct actor *actor) {
    if (!actor->runs) begin(actor);
    sem_post(&actor->turn);
    await(&run.done);
    if (!actor->runs) end(actor);
}

static void play(void) {
    while (!run.over) {
        if (run.next == 0)
            run.next = act(0);
        else
            let(&run.actors[run.next]);
    }
    for (unsigned i = 1; i < ACTORS; i++) {
        if (!run.actors[i].runs) continue;
        sem_post(&run.actors[i].turn);
        await(&run.done);
        end(&run.actors[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    memset(&run, 0, sizeof(run));
    run.in = (struct bytes){data, data + size};
    run.n = 1 + bytes_one(&run.in) % HEAPS;
    run.actors[0].runs = true;
    if (sem_init(&run.done, 0, 0) != 0) abort();
    for (unsigned i = 0; i < run.n; i++)
        subject_open(&run.heaps[i], &run.in, SUBJECT_BACKGROUND);
    play();
    for (unsigned i = 0; i < run.n; i++) {
        for (; run.actors[0].held[i] > 0; run.actors[0].held[i]--)
            FUZZ_HOLDS(rm_heap_release(run.heaps[i].book.heap) == RM_OK);
        subject_close(&run.heaps[i]);
    }
    sem_destroy(&run.done);
    return 0;
}
