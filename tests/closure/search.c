/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "closure.h"
#include "fault.h"
#include "picture.h"

/* A state as words: the image of what can change, then the naive model. */
struct walk {
    struct ground ground;
    struct states states;
    size_t image, words; /* of an image, and of all */
    uint64_t *before, *rubbish, *after, *again, *other;
    uint32_t number; /* of the state that is being left, */
    call_t call;     /* and the call that is being made */
    bool calling;
};

static uint64_t *words_of(size_t n) {
    uint64_t *words = calloc(n, sizeof *words);
    if (words == NULL) give_up("no memory for a state");
    return words;
}

static struct naive *naive_in(const struct walk *w, uint64_t *state) {
    return (struct naive *)(void *)(state + w->image);
}

static void take(struct walk *w, uint64_t *state) {
    memcpy(state, w->ground.low + w->ground.changing, ground_image(&w->ground));
    *naive_in(w, state) = w->ground.naive;
}

static void put(struct walk *w, uint64_t *state) {
    ground_restore(&w->ground, (const unsigned char *)state, naive_in(w, state));
}

static const char *open_walk(struct walk *w, const struct config *config) {
    memset(w, 0, sizeof *w);
    const char *text = ground_open(&w->ground, config);
    if (text != NULL) return text;
    w->image = ground_image(&w->ground) / sizeof(uint64_t);
    w->words = w->image + sizeof(struct naive) / sizeof(uint64_t);
    w->before = words_of(w->words);
    w->rubbish = words_of(w->words);
    w->after = words_of(w->words);
    w->again = words_of(w->words);
    w->other = words_of(w->words);
    take(w, w->before);
    states_init(&w->states, w->words, w->before);
    return NULL;
}

static void close_walk(struct walk *w) {
    if (w->states.root != NULL) states_finish(&w->states);
    ground_close(&w->ground);
    free(w->before);
    free(w->rubbish);
    free(w->after);
    free(w->again);
    free(w->other);
}

/* --- how it came to this --- */

enum { TRACE_MOST = 4096 };

/* The calls from the first state to this one. */
static unsigned trace_to(const struct walk *w, uint32_t number, call_t *calls) {
    unsigned n = 0;
    for (uint32_t at = number; at != 0 && n < TRACE_MOST; at = w->states.from[at].parent)
        n++;
    uint32_t at = number;
    for (unsigned i = n; i > 0; i--, at = w->states.from[at].parent)
        calls[i - 1] = w->states.from[at].call;
    return n;
}

/* The shortest sequence of calls there is to what is wrong. */
static void tell(const struct walk *w, bool with_call) {
    static call_t calls[TRACE_MOST + 1];
    unsigned n = trace_to(w, w->number, calls);
    if (with_call) calls[n++] = w->call;
    printf("# %s, %u calls from the first state on:\n", w->ground.config->name, n);
    for (unsigned i = 0; i < n; i++)
        printf("#     %s;\n", call_text(w->ground.config, calls[i]));
    printf("# again: closure --config %s --replay ", w->ground.config->name);
    for (unsigned i = 0; i < n; i++) printf("%04x", calls[i]);
    printf("\n");
    fflush(stdout);
}

static const struct walk *current;

/* The library has crashed, or does not come back. */
static void crashed(int signal) {
    printf("not ok - %s: signal %d\n", current->ground.config->name, signal);
    tell(current, current->calling);
    _exit(1);
}

static void watch(const struct walk *w) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
    struct sigaction action = {.sa_handler = crashed};
    current = w;
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

/* --- state by state --- */

/* Make a call in a state, and bring what comes of it to its canonical form. */
static const char *go(struct walk *w, uint64_t *from, uint64_t *to, struct outcome *o) {
    put(w, from);
    const char *text = call_make(&w->ground, w->call, (const unsigned char *)from, o);
    if (text != NULL || o->same) return text;
    text = canon(&w->ground, 0);
    take(w, to);
    return text;
}

/* What is seen of the heap in two states is the same. */
static const char *same_to_see(struct walk *w) {
    struct picture before, after = {.n = 0};
    put(w, w->before);
    const char *text = picture_take(&before, w->ground.token);
    put(w, w->after);
    if (text == NULL) text = picture_take(&after, w->ground.token);
    if (text == NULL) text = picture_same(&before, &after);
    picture_finish(&before);
    picture_finish(&after);
    return text;
}

/* A state with nothing at rest, and no slots to spare in the table. */
static const char *settle(struct walk *w, uint64_t *state, uint64_t *settled) {
    put(w, state);
    if (rm_heap_trim(w->ground.token) != RM_OK) return "rm_heap_trim fails";
    const char *text = canon(&w->ground, 0);
    if (text == NULL) canon_unlink(&w->ground);
    take(w, settled);
    return text;
}

/* There was no memory, and nothing has moved. What rested may have been freed for good, free slots of the
   table given back and had again, which puts the free span at the end first among those of its size: no caller
   sees that. Where something might have moved, the compactor knows more than before. All else is as it was, byte
   for byte. */
static const char *failed(struct walk *w, bool may_move) {
    const char *text = same_to_see(w);
    if (text != NULL || may_move) return text;
    text = settle(w, w->before, w->other);
    if (text == NULL) text = settle(w, w->after, w->again);
    if (text != NULL) return text;
    return memcmp(w->other, w->again, w->words * sizeof *w->other) == 0
               ? NULL
               : "it has failed, and the heap is another";
}

static const char *leave_by(struct walk *w, struct search *s, const uint64_t hash[2]) {
    struct outcome o, other;
    uint64_t then[2];
    const char *text = go(w, w->rubbish, w->after, &o);
    s->tally.calls++;
    s->tally.failed += o.status != RM_OK;
    if (text != NULL) return text;
    if (s->twice != 0 && w->number % s->twice == 0) {
        s->tally.twice++;
        text = go(w, w->before, w->again, &other);
        if (text != NULL) return text;
        if (o.status != other.status || o.same != other.same ||
            (!o.same && memcmp(w->after, w->again, w->words * sizeof *w->after) != 0))
            return "the same call on the same state has another outcome";
    }
    bool same = o.same || memcmp(w->after, w->before, w->words * sizeof *w->after) == 0;
    s->tally.same += o.status != RM_OK && same;
    if (o.status != RM_OK && !same && !o.moved && (text = failed(w, o.may)) != NULL)
        return text;
    if (same) return NULL;
    states_hash(&w->states, w->before, w->after, hash, then);
    if (!states_add(&w->states, then, w->number, w->call)) return NULL;
    states_push(&w->states, w->after, then);
    put(w, w->after);
    text = examine(&w->ground, (const unsigned char *)w->after, naive_in(w, w->after));
    return text;
}

/* Another content of what is of no meaning. */
static void make_rubbish(struct walk *w) {
    put(w, w->before);
    canon(&w->ground, (unsigned char)(w->number * 37 + 0x5b) | 1);
    take(w, w->rubbish);
}

static const char *leave(struct walk *w, struct search *s, const uint64_t hash[2]) {
    call_t calls[CALLS];
    const char *text = NULL;
    alarm(20);
    w->ground.naive = *naive_in(w, w->before);
    make_rubbish(w);
    unsigned n = call_list(&w->ground, calls);
    for (unsigned i = 0; i < n && text == NULL; i++) {
        w->call = calls[i];
        text = leave_by(w, s, hash);
    }
    return text;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *all(struct walk *w, struct search *s) {
    uint64_t hash[2] = {1, 1}, level = 1, n = 0;
    const char *text;
    put(w, w->before);
    states_add(&w->states, hash, 0, 0);
    states_push(&w->states, w->before, hash);
    text = examine(&w->ground, (const unsigned char *)w->before, naive_in(w, w->before));
    if (text != NULL) return text;
    w->calling = true;
    for (; states_pop(&w->states, w->before, hash); n++) {
        if (n == level) { /* all that can be reached with one call less */
            level = w->states.n;
            s->depth++;
        }
        w->number = (uint32_t)n;
        text = leave(w, s, hash);
        if (text != NULL) return text;
        if (w->states.n > s->most)
            return "there are more states than were to be looked for";
        if (s->progress && n % 200000 == 199999) {
            printf("# %s: %llu of %llu states left, %u calls deep\n",
                   w->ground.config->name, (unsigned long long)n,
                   (unsigned long long)w->states.n, s->depth);
            fflush(stdout);
        }
    }
    return NULL;
}

const char *search(const struct config *config, struct search *s) {
    static struct walk walk;
    static char kept[400];
    double begun = seconds();
    const char *text = open_walk(&walk, config);
    memset(&s->tally, 0, sizeof s->tally);
    s->depth = 0;
    watch(&walk);
    if (text == NULL) {
        text = all(&walk, s);
        if (text != NULL) {
            text = strcpy(kept, text);
            printf("# %s\n", kept);
            tell(&walk, walk.calling);
        }
    }
    alarm(0);
    s->n_states = walk.states.n;
    s->waiting_most = walk.states.waiting_most;
    s->seconds = seconds() - begun;
    close_walk(&walk);
    return text;
}

/* --- again --- */

static bool next_call(const char **trace, call_t *call) {
    char digits[5] = {0};
    char *end;
    if (strnlen(*trace, 4) < 4) return false;
    memcpy(digits, *trace, 4);
    *call = (call_t)strtoul(digits, &end, 16);
    *trace += 4;
    return *end == '\0';
}

static const char *step(struct walk *w) {
    struct outcome o;
    make_rubbish(w);
    const char *text = go(w, w->rubbish, w->after, &o);
    if (text != NULL) return text;
    if (!o.same) memcpy(w->before, w->after, w->words * sizeof *w->before);
    printf("#     %s; /* %d%s */\n", call_text(w->ground.config, w->call), (int)o.status,
           o.same ? ", and nothing has changed" : "");
    put(w, w->before);
    return examine(&w->ground, (const unsigned char *)w->before, naive_in(w, w->before));
}

const char *search_replay(const struct config *config, const char *trace) {
    static struct walk walk;
    struct walk *w = &walk;
    const char *text = open_walk(w, config);
    while (text == NULL && *trace != '\0') {
        call_t calls[CALLS];
        if (!next_call(&trace, &w->call)) return "a trace has four digits for each call";
        w->ground.naive = *naive_in(w, w->before);
        unsigned n = call_list(&w->ground, calls), i = 0;
        while (i < n && calls[i] != w->call) i++;
        if (i == n) return "a trace has a call that there is not in this state";
        text = step(w);
        if (text != NULL) printf("#     %s; /* here */\n", call_text(config, w->call));
        w->number++;
    }
    return text;
}
