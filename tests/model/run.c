/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "content.h"
#include "fault.h"
#include "look.h"
#include "operate.h"

enum { SMALL_HEAP = 8192, ROUND_LEAST = 16, ROUND_MOST = 200 };

struct run {
    struct world *world;
    struct trace *trace;
    struct generator generator;
    bool again, closely;
    size_t wanted; /* operations */
    size_t at;     /* in the trace: the next one */
    size_t since_proof[HEAPS_MOST];
    bool over;
    const char *wrong; /* the first fault, in `text` */
    char text[400];
    /* Threads. By turns: who is woken goes on where the last one stopped. Racing: each does its part of
       [from, at). */
    sem_t turn[ACTORS_MOST], done;
    pthread_t threads[ACTORS_MOST];
    bool begun[ACTORS_MOST];
    unsigned quits; /* the thread that ends; 0: none */
    size_t from;
};
struct member {
    struct run *run;
    unsigned actor;
};

static struct member members[ACTORS_MOST];

static void note(struct run *run, const char *text) {
    const char *none = NULL;

    if (text == FINE) return;
    if (__atomic_compare_exchange_n(&run->wrong, &none, run->text, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        strncpy(run->text, text, sizeof(run->text) - 1);
}

/* -------------------------------------------------------------------- one step */

/* Small heaps after every operation, others the more seldom the more they hold. */
static bool is_due(struct run *run, unsigned heap) {
    size_t region = (size_t)run->world->spec->heaps[heap].region;

    run->since_proof[heap]++;
    if (run->closely || (region > 0 && region <= SMALL_HEAP)) return true;
    return 8 * run->since_proof[heap] >= run->world->homes[heap].n_live;
}

static const char *step(struct run *run, const struct op *op) {
    const char *text = operate(run->world, op);

    if (text != FINE || op_looks(op) || !is_due(run, op->heap)) return text;
    run->since_proof[op->heap] = 0;
    run->world->tally.proofs++;
    return look_prove(run->world, op->heap);
}

static void record(struct run *run, const struct op *op) {
    struct trace *trace = run->trace;

    trace->ops[trace->n] = *op;
    trace->n++;
}

/* Is there another operation, in the trace or to be made up? */
static bool next(struct run *run) {
    struct op op;

    if (run->wrong != FINE) return false;
    if (run->at < run->trace->n) return true;
    if (run->again || run->generator.n >= run->wanted || run->trace->n == TRACE_MOST)
        return false;
    op = generate(&run->generator, run->world);
    record(run, &op);
    return true;
}

/* --------------------------------------------------------------------- by turns */

static void *take_part(void *context);

static void begin_thread(struct run *run, unsigned actor) {
    members[actor] = (struct member){run, actor};
    if (pthread_create(&run->threads[actor], NULL, take_part, &members[actor]) != 0)
        give_up("no thread");
    run->begun[actor] = true;
}

static void end_thread(struct run *run, unsigned actor) {
    pthread_join(run->threads[actor], NULL);
    run->begun[actor] = false;
}

static void await(sem_t *sem) {
    while (sem_wait(sem) != 0) {
    }
}

/* Sections end with the thread; those of a heap for one thread at a time do not. */
static bool may_quit(const struct world *world, unsigned actor) {
    for (unsigned h = 0; h < world->spec->n_heaps; h++)
        if (world->actors[actor].depth[h] > 0 &&
            world->spec->heaps[h].threads == RM_THREADS_NONE)
            return false;
    return actor > 0;
}

static void forget_sections(struct world *world, unsigned actor) {
    for (unsigned h = 0; h < world->spec->n_heaps; h++) {
        world->homes[h].held -= world->actors[actor].depth[h];
        world->actors[actor].depth[h] = 0;
    }
}

static void hand_over(struct run *run, unsigned me, unsigned to) {
    if (!run->begun[to] && to > 0) begin_thread(run, to);
    sem_post(&run->turn[to]);
    await(&run->turn[me]);
    if (me == 0 && run->quits > 0) {
        end_thread(run, run->quits);
        run->quits = 0;
    }
}

/* Whoever's turn it is does what is next, until it is another's. */
static void by_turns(struct run *run, unsigned me) {
    while (!run->over && next(run)) {
        const struct op *op = &run->trace->ops[run->at];

        if (op->actor != me) {
            hand_over(run, me, op->actor);
            continue;
        }
        run->at++;
        if (op->kind != OP_QUIT) {
            note(run, step(run, op));
        } else if (may_quit(run->world, me)) {
            forget_sections(run->world, me);
            run->quits = me;
            break;
        }
    }
    if (me == 0 || run->quits != me) run->over = true;
    if (me > 0) sem_post(&run->turn[0]);
}

/* ----------------------------------------------------------------------- racing */

/* What is for nobody but one, while the others wait. */
static bool is_alone(const struct op *op) {
    return op->kind == OP_VERIFY || op->kind == OP_PICTURE || op->kind == OP_REOPEN ||
           op->kind == OP_FORK || op->kind == OP_GIVE || op->kind == OP_QUIT ||
           op->kind == OP_MEET;
}

static void do_part(struct run *run, unsigned me) {
    for (size_t i = run->from; i < run->at; i++) {
        const struct op *op = &run->trace->ops[i];

        if (__atomic_load_n(&run->wrong, __ATOMIC_ACQUIRE) != NULL) return;
        if (op->actor == me) note(run, operate(run->world, op));
    }
}

static void race(struct run *run) {
    for (unsigned a = 1; a < run->world->spec->n_actors; a++) {
        if (!run->begun[a]) begin_thread(run, a);
        sem_post(&run->turn[a]);
    }
    do_part(run, 0);
    for (unsigned a = 1; a < run->world->spec->n_actors; a++) await(&run->done);
    for (unsigned h = 0; h < run->world->spec->n_heaps && run->wrong == FINE; h++) {
        run->world->tally.proofs++;
        note(run, look_prove(run->world, h));
    }
}

/* A round of operations for each, then a meeting, and a look at some heap now and then. */
static bool next_round(struct run *run) {
    struct generator *g = &run->generator;
    size_t each = rng_between(&g->rng, ROUND_LEAST, ROUND_MOST);
    unsigned n = run->world->spec->n_actors;
    struct op op;

    if (run->wrong != FINE || g->n >= run->wanted ||
        run->trace->n + each * n + 2 > TRACE_MOST)
        return false;
    for (size_t i = 0; i < each * n; i++) {
        op = generate_racing(g, run->world, (unsigned)(i % n));
        record(run, &op);
    }
    op = (struct op){
        OP_VERIFY, (uint8_t)rng_below(&g->rng, run->world->spec->n_heaps), 0, 0, 0, 0, 0};
    if (rng_chance(&g->rng, 25)) op.kind = OP_PICTURE;
    record(run, &op);
    return true;
}

static void alone(struct run *run, const struct op *op) {
    if (op->kind == OP_MEET) return;
    if (op->kind != OP_QUIT) {
        note(run, operate(run->world, op));
    } else if (may_quit(run->world, op->actor) && run->begun[op->actor]) {
        run->quits = op->actor;
        sem_post(&run->turn[op->actor]);
        end_thread(run, op->actor);
        run->quits = 0;
        forget_sections(run->world, op->actor);
    }
}

static void racing(struct run *run) {
    while (run->wrong == FINE &&
           (run->at < run->trace->n || (!run->again && next_round(run)))) {
        run->from = run->at;
        while (run->at < run->trace->n && !is_alone(&run->trace->ops[run->at])) run->at++;
        if (run->at > run->from) race(run);
        if (run->wrong == FINE && run->at < run->trace->n)
            alone(run, &run->trace->ops[run->at++]);
    }
    run->over = true;
}

static void *take_part(void *context) {
    struct member *member = context;
    struct run *run = member->run;

    if (!run->world->spec->racing) {
        await(&run->turn[member->actor]);
        if (!run->over) by_turns(run, member->actor);
        return NULL;
    }
    for (;;) {
        await(&run->turn[member->actor]);
        if (run->over || run->quits == member->actor) return NULL;
        do_part(run, member->actor);
        sem_post(&run->done);
    }
}

/* ---------------------------------------------------------------------- episodes */

static void sum_up(struct run *run) {
    struct tally *tally = &run->world->tally;

    for (unsigned a = 0; a < ACTORS_MOST; a++) {
        tally->operations += run->world->actors[a].done;
        tally->skipped += run->world->actors[a].skipped;
        run->world->actors[a].done = run->world->actors[a].skipped = 0;
    }
    tally->traces++;
}

static const char *go(struct run *run, size_t n_ids) {
    struct world *world = run->world;
    static char kept[400];

    note(run, world_open(world, &run->trace->spec, n_ids));
    for (unsigned a = 0; a < ACTORS_MOST; a++) sem_init(&run->turn[a], 0, 0);
    sem_init(&run->done, 0, 0);
    if (run->wrong == FINE) {
        if (world->spec->racing)
            racing(run);
        else
            by_turns(run, 0);
    }
    for (unsigned a = 1; a < ACTORS_MOST; a++)
        if (run->begun[a]) {
            sem_post(&run->turn[a]);
            end_thread(run, a);
            if (run->wrong == FINE) forget_sections(world, a);
        }
    if (run->wrong == FINE) note(run, world_close(world));
    sum_up(run);
    if (run->wrong == FINE) return FINE;
    memcpy(kept, run->text, sizeof(kept));
    return kept;
}

const char *run_random(struct world *world, struct trace *trace, uint64_t seed) {
    static struct run run;

    memset(&run, 0, sizeof(run));
    run.world = world;
    run.trace = trace;
    trace->n = 0;
    run.wanted = generate_spec(&trace->spec, seed);
    generate_begin(&run.generator, seed);
    return go(&run, TRACE_MOST);
}

const char *run_again(struct world *world, struct trace *trace, bool closely) {
    static struct run run;
    size_t n_ids = 1;

    memset(&run, 0, sizeof(run));
    run.world = world;
    run.trace = trace;
    run.again = true;
    run.closely = closely;
    for (size_t i = 0; i < trace->n; i++)
        if (trace->ops[i].id >= n_ids) n_ids = trace->ops[i].id + 1;
    return go(&run, n_ids);
}

/* ---------------------------------------------------------------------- processes */

void run_init(void) { content_init(); }

static void *nothing(void *context) { return context; }

void run_between(void) {
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) != 0) give_up("no second thread");
    pthread_join(thread, NULL);
}
