/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include <pthread.h>
#include <semaphore.h>

#include "image.h"

enum { THREADS = 3, TURNS = 8 }; /* each has so many */

struct turns {
    struct script *script;
    enum shape shape;
    size_t most;
    unsigned steps; /* of one turn */
    sem_t may[THREADS];
    sem_t done;
};

struct member {
    struct turns *turns;
    unsigned n;
    pthread_t thread;
};

static void say(struct script *s, rm_status_t status) {
    s->trail = image_mix(s->trail, (uint64_t)status);
}

/* Now and then somebody reads while the others have their turns. */
static void *play(void *context) {
    const struct member *m = context;
    struct turns *t = m->turns;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        bool reads = (turn + m->n) % 4 == 0;

        while (sem_wait(&t->may[m->n]) != 0) {
        }
        script_some(t->script, t->shape, t->most, t->steps);
        if (reads) say(t->script, rm_heap_hold(t->script->heap));
        sem_post(&t->done);
        if (!reads) continue;
        while (sem_wait(&t->may[m->n]) != 0) {
        }
        say(t->script, rm_heap_release(t->script->heap));
        sem_post(&t->done);
    }
    while (sem_wait(&t->may[m->n]) != 0) {
    }
    return NULL;
}

static void give_turn(struct turns *t, unsigned n) {
    sem_post(&t->may[n]);
    while (sem_wait(&t->done) != 0) {
    }
}

bool turns_random(struct script *s, enum shape shape, size_t most, unsigned steps) {
    struct turns t = {s, shape, most, steps / (THREADS * TURNS), {{{0}}}, {{0}}};
    struct member members[THREADS];

    sem_init(&t.done, 0, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        sem_init(&t.may[i], 0, 0);
        members[i].turns = &t;
        members[i].n = i;
        if (pthread_create(&members[i].thread, NULL, play, &members[i]) != 0)
            return false;
    }
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (unsigned i = 0; i < THREADS; i++) give_turn(&t, i);
    for (unsigned i = 0; i < THREADS; i++) { /* its sections have taken turns as well */
        unsigned n_more = 0;                 /* turns that only end one */

        for (unsigned turn = 0; turn < TURNS; turn++) n_more += (turn + i) % 4 == 0;
        while (n_more-- > 0) give_turn(&t, i);
    }
    for (unsigned i = 0; i < THREADS; i++) { /* what it keeps goes back as it ends */
        sem_post(&t.may[i]);
        if (pthread_join(members[i].thread, NULL) != 0) return false;
        say(s, rm_heap_compact(s->heap, NULL, NULL));
        sem_destroy(&t.may[i]);
    }
    sem_destroy(&t.done);
    script_finish(s);
    return true;
}
