/* SPDX-License-Identifier: MIT */
/*
 * sealed [--seconds N] [--seed N]
 *
 * What lib/seal.h promises, word by word: each bit of each word that is metadata is seen when it is turned, and
 * no byte of a block's content is; and bits turned by twos. Which words are metadata is found out apart from it (aim.c).
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hostile.h"
#include "seal.h"

enum {
    SAMPLE = 300, /* words of a kind, where there are more */
    PAIRS = 1000,
    NEAR = 8 /* words */
};

static const char help[] =
    "Usage: sealed [OPTION]...\n"
    "Turn each bit of a heap's metadata: the seal has to break. And bytes of content: it "
    "has to hold.\n"
    "\n"
    "  --seconds N   heap after heap for so long (3)\n"
    "  --seed N      the same heaps again (else the clock's)\n"
    "  -h, --help    this text\n"
    "\n"
    "Exit status: 0 all well; 1 something is wrong; 2 usage; 99 no memory.\n"
    "Example: sealed --seconds 3600 --seed 7\n";

struct counts {
    uint64_t turned[N_KINDS], unseen[N_KINDS];
    uint64_t pairs, hidden;   /* bits turned by twos, and both unseen */
    uint64_t content, broken; /* bytes of blocks; and where that broke the seal */
    uint64_t heaps, entries, wrong;
};

static uint64_t number(const char *text) {
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);
    if (end != text && *end == '\0' && *text != '-') return value;
    fprintf(stderr, "sealed: not a number: '%s'; try --help\n", text);
    exit(2);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- one heap --- */

/* All bits of a word, one after the other. */
static void turn(const struct scene *s, const struct seal *seal, const struct word *w,
                 struct counts *c) {
    for (unsigned bit = 0; bit < 8u * w->bytes; bit++) {
        w->at[bit / 8] ^= (char)(1u << bit % 8);
        c->turned[w->kind]++;
        if (seal_holds(seal, s->h)) c->unseen[w->kind]++;
        /* The entry's own group says so by itself. */
        if (w->slot != SLOT_NIL && w->kind == K_ENTRY) {
            c->entries++;
            c->wrong += seal_holds_entry(seal, s->h, w->slot);
        }
        w->at[bit / 8] ^= (char)(1u << bit % 8);
    }
}

/* Two bits of the structure at once: one of the uppermost of a word, and any of another's behind it. Neither hides the
   other, whatever the key. */
static void turn_two(const struct scene *s, const struct seal *seal, struct rng *rng,
                     struct counts *c) {
    char *structure = (char *)s->h;
    size_t words = s->h->store.quick.pool / 8;
    for (unsigned n = 0; n < PAIRS; n++) {
        char *one = structure + 8 * rng_below(rng, words - NEAR);
        char *other = one + 8 * rng_between(rng, 1, NEAR);
        unsigned a = 63 - (unsigned)rng_below(rng, 8), b = (unsigned)rng_below(rng, 64);
        one[a / 8] ^= (char)(1u << a % 8);
        other[b / 8] ^= (char)(1u << b % 8);
        c->pairs++;
        c->hidden += seal_holds(seal, s->h);
        one[a / 8] ^= (char)(1u << a % 8);
        other[b / 8] ^= (char)(1u << b % 8);
    }
}

/* Content of blocks is no business of the seal's. */
static void write_content(const struct scene *s, const struct seal *seal, struct rng *rng,
                          struct counts *c) {
    for (unsigned i = 0; i < s->n_live && i < SAMPLE; i++) {
        rm_memory_t *handle = s->live[rng_below(rng, s->n_live)];
        uint32_t slot = handle_slot((uintptr_t)handle);
        size_t size = heap_size(s->h, slot);
        if (size == 0 || slot == s->h->store.mover.slot) continue;
        uint64_t e = table_entry(&s->h->store.table, slot);
        char *byte = s->h->store.area.base + entry_place(e) + rng_below(rng, size);
        *byte ^= (char)rng_between(rng, 1, 255);
        c->content++;
        c->broken += !seal_holds(seal, s->h);
    }
}

static void one_heap(uint64_t seed, struct counts *c) {
    struct scene s;
    struct seal seal;
    struct rng rng = {seed + 1};
    scene_make(&s, seed, false);
    if (!seal_init(&seal, s.h, s.size)) exit(99);
    if (!seal_holds(&seal, s.h)) c->wrong++;
    for (unsigned kind = 0; kind < K_ANY; kind++) {
        size_t n = s.first[kind + 1] - s.first[kind], most = s.size < 8192 ? n : SAMPLE;
        if (s.size > 300000) most = 12;
        for (size_t i = 0; i < n && i < most; i++)
            turn(&s, &seal, &s.words[s.first[kind] + (n > most ? rng_below(&rng, n) : i)],
                 c);
    }
    turn_two(&s, &seal, &rng, c);
    write_content(&s, &seal, &rng, c);
    seal_finish(&seal);
    scene_restore(&s);
    scene_destroy(&s);
    c->heaps++;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"seconds", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    uint64_t seconds = 3, seed = (uint64_t)time(NULL), unseen = 0, turned = 0;
    struct counts c = {.heaps = 0};
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (o) {
        case 'n': seconds = number(optarg); break;
        case 's': seed = number(optarg); break;
        case 'h': fputs(help, stdout); return 0;
        default: return 2;
        }
    if (optind < argc) {
        fprintf(stderr, "sealed: unknown argument '%s'; try --help\n", argv[optind]);
        return 2;
    }
    double begun = now();
    printf("# seed %" PRIu64 "\n1..4\n", seed);
    do one_heap(rng_mix(seed + rng_mix(c.heaps)), &c);
    while (now() - begun < (double)seconds);
    for (unsigned kind = 0; kind < K_ANY; kind++) {
        printf("# %-17s %10" PRIu64 " bits turned, %" PRIu64 " unseen\n",
               kind_names[kind], c.turned[kind], c.unseen[kind]);
        turned += c.turned[kind];
        unseen += c.unseen[kind];
    }
    bool all = unseen == 0, content = c.broken == 0 && c.content > 0,
         entries = c.wrong == 0, pairs = c.hidden == 0;
    printf("%s 1 - metadata\n%s 2 - content\n%s 3 - entries\n%s 4 - pairs\n",
           all ? "ok" : "not ok", content ? "ok" : "not ok", entries ? "ok" : "not ok",
           pairs ? "ok" : "not ok");
    printf("# %" PRIu64 " heaps, %" PRIu64 " bits turned, %" PRIu64 " unseen; %" PRIu64
           " pairs, %" PRIu64 " unseen; %" PRIu64
           " bytes of content; %.1f s; seed %" PRIu64 "\n",
           c.heaps, turned, unseen, c.pairs, c.hidden, c.content, now() - begun, seed);
    return all && content && entries && pairs ? 0 : 1;
}
