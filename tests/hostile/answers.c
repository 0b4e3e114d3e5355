/* SPDX-License-Identifier: MIT */
/*
 * answers GOLDEN [--renew] [--kind KIND]
 *
 * What calls say of damaged heaps, and what becomes of those, is the same each time: what is found, by which call, and
 * what goes on where it is not. Three numbers for each kind of damage, where one thread has been and where two have:
 * of rm_heap_check and rm_view_settle, each of the heap as it was damaged; and of all calls. What is compared are
 * answers, and the heap below its structure. Addresses of the program's own are left alone: they are others each time.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rmalloc_view.h>

#include "fault.h"
#include "golden.h"
#include "hostile.h"
#include "own.h"

enum { SCENES = 6, EACH = 100, NAME = 64, LINE = 200, WALK_MOST = 1000 * 1000 };
enum { MIXED = 32, FEW = 5 };

static uint64_t mix_fault(uint64_t sum, const rm_fault_t *fault) {
    for (const char *c = fault->text; *c != '\0'; c++) sum = sum * 31 + (unsigned char)*c;
    return rng_sum(sum ^ (uint64_t)fault->invariant << 40, fault->offset);
}

/* --- the heap as it is --- */

static uint64_t check(const struct scene *s, uint64_t sum) {
    rm_fault_t fault = {0};
    sum = rng_sum(sum, (uint64_t)rm_heap_check(s->heap, &fault));
    return mix_fault(sum, &fault);
}

/* --- as another process would see it --- */

struct seen {
    uint64_t sum;
    size_t n;
};
static bool see(const rm_span_t *span, void *context) {
    struct seen *seen = context;
    seen->sum = rng_sum(seen->sum, span->offset);
    seen->sum = rng_sum(seen->sum, span->size << 8 ^ span->kind);
    seen->sum = rng_sum(seen->sum, span->requested << 16 ^ span->locks);
    return ++seen->n < WALK_MOST;
}

static uint64_t view(const struct scene *s, uint64_t sum) {
    rm_view_t *view;
    rm_fault_t fault = {0};
    rm_stats_t stats;
    char version[20];
    rm_view_heap_t heap = {0};
    size_t n = 0;
    uint64_t at = (uintptr_t)&registry_sign;
    if (rm_view_open(&view, at, own_read, NULL, version) != RM_VIEW_OK)
        give_up("no view of this process");
    sum = rng_sum(sum, (uint64_t)rm_view_heaps(view, &heap, 1, &n));
    sum = rng_sum(sum, heap.used ^ (uint64_t)heap.live_blocks << 40);
    rm_view_status_t status = rm_view_copy(view, s->heap, NULL);
    sum = rng_sum(sum, (uint64_t)status);
    if (status == RM_VIEW_OK) status = rm_view_settle(view, &fault);
    sum = mix_fault(rng_sum(sum, (uint64_t)status), &fault);
    if (status == RM_VIEW_OK && rm_view_stats(view, &stats) == RM_VIEW_OK) {
        struct seen seen = {sum, 0};
        rm_view_walk(view, see, &seen);
        sum = rng_sum(seen.sum, stats.used ^ stats.free << 32);
    }
    rm_view_close(view);
    return sum;
}

/* --- calls --- */

/* What lies below the structure: places count from the heap's low end there. */
static uint64_t mix_memory(const struct scene *s, uint64_t sum) {
    const char *at = s->memory, *end = (const char *)s->h;
    for (; at + 8 <= end; at += 8)
        sum = (sum ^ load64(at)) * UINT64_C(0x9e3779b97f4a7c15);
    return rng_sum(sum, sum >> 32);
}

/* --- a kind --- */

struct sums {
    uint64_t check, view, calls;
    unsigned found, trials;
};

static void one_trial(struct scene *s, enum kind kind, uint64_t seed, struct sums *sums) {
    for (unsigned pass = 0; pass < 3; pass++) {
        struct rng rng = {seed};
        struct word hit;
        if (!aim_damage(s, &rng, kind, &hit)) break;
        if (pass == 0) sums->check = check(s, sums->check);
        if (pass == 1) sums->view = view(s, sums->view);
        if (pass == 2) {
            struct outcome o = calls_make(s, &rng, &hit);
            sums->calls = mix_memory(s, rng_sum(sums->calls, o.answers));
            sums->found += o.found;
            sums->trials++;
        }
        scene_restore(s);
    }
}

static void one_scene(enum kind kind, unsigned number, struct sums *sums) {
    struct scene s;
    scene_make(&s, rng_mix(number), false);
    s.timeless = true;
    for (unsigned i = 0; i < EACH; i++)
        one_trial(&s, kind, rng_mix(rng_mix(number * EACH + i) + kind), sums);
    scene_destroy(&s);
}

static void tell(const char *threads, const char *what, const struct sums *sums) {
    char name[NAME], line[LINE];
    snprintf(name, sizeof name, "%s/%s", threads, what);
    snprintf(line, sizeof line,
             "%s check %016" PRIx64 " view %016" PRIx64 " calls %016" PRIx64
             " found %u of %u",
             name, sums->check, sums->view, sums->calls, sums->found, sums->trials);
    golden_say(name, line);
}

/* Each line is a process of its own: a heap's tag, which is damaged too, is that of the first heap there. */
static struct sums *shared;

static void open_shared(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) give_up("no memory to share");
}

static bool is_child(void) {
    int status;
    *shared = (struct sums){0};
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) give_up("no process");
    if (child == 0) return true;
    if (waitpid(child, &status, 0) != child || status != 0) give_up("a child has failed");
    return false;
}

static void one_kind(enum kind kind, const char *threads) {
    if (is_child()) {
        for (unsigned i = 0; i < SCENES; i++) one_scene(kind, i, shared);
        exit(0);
    }
    tell(threads, kind_names[kind], shared);
}

/* --- some of all kinds, in one heap: less of each, and soon done --- */

static void mixed_scene(unsigned number) {
    struct scene s;
    scene_make(&s, rng_mix(1000 + number), false);
    s.timeless = true;
    for (unsigned i = 0; i < N_KINDS * FEW; i++)
        if (i / FEW != K_OUTER)
            one_trial(&s, (enum kind)(i / FEW), rng_mix(rng_mix(number) + i), shared);
    scene_destroy(&s);
}

static void mixed_scenes(const char *only, const char *threads) {
    for (unsigned i = 0; i < MIXED; i++) {
        char what[NAME];
        snprintf(what, sizeof what, "mixed-%u", i);
        if (only != NULL && strcmp(only, what) != 0) continue;
        if (is_child()) {
            mixed_scene(i);
            exit(0);
        }
        tell(threads, what, shared);
    }
}

/* --- the whole --- */

int main(int argc, char **argv) {
    static const struct option options[] = {{"renew", no_argument, NULL, 'r'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {NULL, 0, NULL, 0}};
    const char *only = NULL;
    bool renew = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
        case 'r': renew = true; break;
        case 'k': only = optarg; break;
        default: return 2;
        }
    if (optind + 1 != argc) {
        fprintf(stderr,
                "answers: which figures? answers GOLDEN [--renew] [--kind KIND]\n");
        return 2;
    }
    golden_begin(argv[optind], renew);
    open_shared();
    for (unsigned threads = 1; threads <= 2; threads++) {
        if (threads == 2) scene_threads();
        const char *name = threads == 1 ? "alone" : "threads";
        for (unsigned kind = 0; kind < N_KINDS; kind++)
            if (kind != K_OUTER && (only == NULL || strcmp(only, kind_names[kind]) == 0))
                one_kind((enum kind)kind, name);
        mixed_scenes(only, name);
    }
    return golden_end();
}
