/* SPDX-License-Identifier: MIT */
/*
 * stress [--seconds N] [--threads N] [--seed N] [--heap KIND]
 *
 * Threads that do everything to one heap at the same time, over kinds of heap: one TAP
 * line each, with what was done how often. The seed gives each thread the same deeds
 * again; when they meet is another matter.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picture.h"
#include "stress.h"

static const struct kind kinds[] = {
    {"growing", false, RM_COMPACT_ON_DEMAND},
    {"closed", true, RM_COMPACT_ON_DEMAND},
    {"steady", false, RM_COMPACT_STEADY},
    {"background", false, RM_COMPACT_BACKGROUND},
    {"closed-background", true, RM_COMPACT_BACKGROUND},
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

const char *const deed_names[N_DEEDS] = {
    [ALLOCATE] = "allocate",
    [ALLOCATE_ALIGNED] = "allocate aligned",
    [ALLOCATE_ZEROED] = "allocate zeroed",
    [ALLOCATE_STILL] = "allocate without compaction",
    [WRITE] = "write",
    [VERIFY] = "verify",
    [SCRIBBLE] = "scribble",
    [LOCK] = "lock",
    [UNLOCK] = "unlock",
    [GROW] = "grow",
    [SHRINK] = "shrink",
    [FREE] = "free",
    [HAND_OVER] = "hand over",
    [TAKE] = "take over",
    [PUBLISH] = "publish",
    [LOCK_PUBLIC] = "lock public",
    [TOUCH_PUBLIC] = "touch public",
    [LOCK_FIXED] = "lock fixed",
    [PEEK] = "peek",
    [NESTED_SECTION] = "nested section",
    [ASK] = "ask",
    [STALE_REFUSED] = "stale refused",
    [LOCKED_NOT_FREED] = "locked not freed",
    [LOCKED_NOT_MOVED] = "locked not moved",
    [PUBLIC_GONE] = "public gone",
    [NO_MEMORY] = "no memory",
    [COMPACT_STEP] = "compact a step",
    [COMPACT_TIMED] = "compact for a time",
    [COMPACT_FULL] = "compact fully",
    [IDLE] = "idle",
    [TRIM] = "trim",
    [STATS] = "stats",
    [STATS_QUICK] = "stats quick",
    [WALK] = "walk",
    [LARGEST] = "largest",
    [CHECK] = "check",
    [PAUSE] = "pause",
};

struct arguments {
    uint64_t seed, seconds;
    unsigned threads;
    const char *heap;
};

/* --------------------------------------------------------------------- arguments */

static const char help[] =
    "Usage: stress [OPTION]...\n"
    "Threads that do everything to one heap at the same time.\n"
    "\n"
    "  --seconds N  in all, shared by the kinds of heap (5)\n"
    "  --threads N  workers, beside the one that compacts (8)\n"
    "  --seed N     the same deeds again (else the clock's)\n"
    "  --heap KIND  one kind: growing, closed, steady, background, closed-background\n"
    "  -h, --help   this text\n"
    "\n"
    "Exit status: 0 all well; 1 something is wrong; 2 usage.\n"
    "Examples: stress --seconds 1800\n"
    "          stress --seconds 60 --heap closed --seed 7 --threads 3\n";

static _Noreturn void usage(const char *problem) {
    fprintf(stderr, "stress: %s; try --help\n", problem);
    exit(2);
}

static uint64_t number(const char *text, uint64_t most) {
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);

    if (end == text || *end != '\0' || *text == '-') usage("not a number");
    if (value > most) usage("a number is too large");
    return value;
}

static struct arguments parse(int argc, char **argv) {
    static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 'e'},
                                            {"heap", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct arguments arguments = {now_ns() % 1000000007u, 5, 8, NULL};
    bool known = false;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
        case 's': arguments.seconds = number(optarg, 1000000); break;
        case 't': arguments.threads = (unsigned)number(optarg, THREADS_MOST); break;
        case 'e': arguments.seed = number(optarg, UINT64_MAX); break;
        case 'k': arguments.heap = optarg; break;
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    if (optind < argc) usage("unknown argument");
    if (arguments.threads == 0 || arguments.seconds == 0) usage("at least 1");
    for (unsigned k = 0; k < N_KINDS; k++)
        known |= arguments.heap == NULL || strcmp(kinds[k].name, arguments.heap) == 0;
    if (!known) usage("no such kind of heap");
    return arguments;
}

/* ------------------------------------------------------------------------ the heap */

static const char *open_heap(struct stress *stress) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.compaction = stress->kind->compaction;
    if (options.compaction == RM_COMPACT_BACKGROUND) { /* it has work all the time */
        options.watermarks.fragmentation_low = 0.01;
        options.watermarks.fragmentation_high = 0.02;
    }
    if (stress->kind->closed) { /* some of what is asked for does not fit */
        size_t size = (size_t)600000 + stress->n_hands * 110000;

        guarded_init(&stress->region, size, GUARDED_HIGH, 0);
        options.memory = stress->region.memory;
        options.size = size;
    }
    if (rm_heap_create(&stress->heap, &options) != RM_OK) return fault("no heap");
    for (unsigned i = 0; i < FIXED; i++) {
        stress->fixed[i] = public_make(&stress->mover, (size_t)i * i * 20);
        if (stress->fixed[i] == NULL) return fault("no memory for the fixed blocks");
    }
    return NULL;
}

/* All that workers, boxes and public places still hold. */
static const char *collect(struct stress *stress) {
    struct hand *mover = &stress->mover;
    const char *text = NULL;
    bool gone;

    for (unsigned h = 0; h < stress->n_hands; h++)
        for (unsigned i = 0; i < ITEMS && text == NULL; i++) {
            struct item *item = stress->hands[h].items[i];

            if (item != NULL) text = item_fault(item);
            if (item != NULL && text == NULL) text = item_free(mover, item);
        }
    for (unsigned i = 0; i < BOXES && text == NULL; i++) {
        struct item *item = stress->boxes[i];

        if (item != NULL) text = item_fault(item);
        if (item != NULL && text == NULL) text = item_free(mover, item);
    }
    for (unsigned i = 0; i < PUBLIC + FIXED && text == NULL; i++) {
        rm_memory_t *handle = i < PUBLIC ? stress->public[i] : stress->fixed[i - PUBLIC];

        if (handle == NULL) continue;
        text = public_fault(handle, false, &gone);
        if (text == NULL && rmfree(handle) != RM_OK) text = fault("a block is not freed");
        mover->n_freed++;
    }
    return text;
}

/* Nothing is lost, and nothing is left. */
static const char *close_heap(struct stress *stress) {
    size_t n_allocated = stress->mover.n_allocated, n_freed;
    const char *text = NULL;
    rm_stats_t stats;

    /* Pictures are compared that are taken one after the other. */
    if (stress->kind->compaction == RM_COMPACT_BACKGROUND &&
        rm_heap_pause(stress->heap) != RM_OK)
        return fault("no pause");
    text = heap_fault(stress->heap);
    if (text == NULL) text = collect(stress);
    if (text != NULL) return text;
    if (rm_heap_stats(stress->heap, &stats) != RM_OK) return fault("no metrics");
    n_freed = stress->mover.n_freed;
    for (unsigned h = 0; h < stress->n_hands; h++) {
        n_allocated += stress->hands[h].n_allocated;
        n_freed += stress->hands[h].n_freed;
    }
    if (n_allocated != n_freed)
        return fault("%zu blocks made, %zu freed", n_allocated, n_freed);
    if (stats.allocations != n_allocated || stats.frees != n_freed)
        return fault("the metrics say %zu made and %zu freed, not %zu and %zu",
                     stats.allocations, stats.frees, n_allocated, n_freed);
    if (stats.live_blocks != 0 || stats.requested != 0 || stats.locked_blocks != 0)
        return fault("%zu blocks of %zu bytes are left", stats.live_blocks,
                     stats.requested);
    if (stress->kind->compaction == RM_COMPACT_BACKGROUND && stats.background_moved == 0)
        return fault("the library's thread has moved nothing");
    printf("#   moved: %zu bytes in %zu blocks, %zu moves void\n", stats.moved,
           stats.moved_blocks, stats.voided);
    if (stress->kind->compaction == RM_COMPACT_BACKGROUND)
        printf("#   in the background: %zu bytes in %zu steps, %zu times in vain\n",
               stats.background_moved, stats.background_steps, stats.background_backoffs);
    text = heap_fault(stress->heap);
    if (text == NULL && rm_heap_destroy(stress->heap) != RM_OK)
        text = fault("no destroy");
    if (text == NULL && stress->kind->closed) text = guarded_fault(&stress->region);
    if (text == NULL && stress->kind->closed) guarded_finish(&stress->region);
    return text;
}

/* --------------------------------------------------------------------------- a run */

/* Not one of them may stay away. */
static const char *await(struct stress *stress) {
    uint64_t end = now_ns() + UINT64_C(120000000000);

    for (unsigned h = 0; h <= stress->n_hands; h++) {
        struct hand *hand = h < stress->n_hands ? &stress->hands[h] : &stress->mover;

        while (!atomic_load(&hand->ended)) {
            sleep_ns(1000000);
            if (now_ns() > end)
                return fault("a thread has not come back from: %s",
                             deed_names[atomic_load(&hand->doing)]);
        }
    }
    return NULL;
}

/* What each kind of heap must have seen. */
static bool is_due(const struct kind *kind, enum deed deed) {
    bool background = kind->compaction == RM_COMPACT_BACKGROUND;

    if (deed == NO_MEMORY) return kind->closed;
    if (deed == PAUSE) return background;
    if (deed >= COMPACT_STEP && deed <= IDLE) return !background;
    return true;
}

static const char *missing(const struct stress *stress) {
    const char *text = NULL;

    printf("#  ");
    for (enum deed deed = 0; deed < N_DEEDS; deed++) {
        size_t count = stress->mover.counts[deed];

        for (unsigned h = 0; h < stress->n_hands; h++)
            count += stress->hands[h].counts[deed];
        printf(" %s %zu%s", deed_names[deed], count, deed + 1 < N_DEEDS ? "," : "\n");
        if (count == 0 && is_due(stress->kind, deed) && text == NULL)
            text = fault("'%s' has never happened", deed_names[deed]);
    }
    return text;
}

static const char *run_hands(struct stress *stress, uint64_t seconds) {
    const char *text;
    uint64_t end = now_ns() + seconds * 1000000000u / N_KINDS;

    for (unsigned h = 0; h < stress->n_hands; h++)
        worker_start(&stress->hands[h].worker, hand_body);
    worker_start(&stress->mover.worker, mover_body);
    for (unsigned n = 0; now_ns() < end && !atomic_load(&stress->over); n++) {
        atomic_store(&stress->reading, n % 4 == 0); /* with a crowd, somebody always is */
        sleep_ns(20000000);
    }
    atomic_store(&stress->over, true);
    text = await(stress);
    if (text != NULL) {
        printf("Bail out! %s, seed and kind as above\n", text);
        fflush(stdout);
        _exit(1); /* others may wait for the same for ever */
    }
    for (unsigned h = 0; h < stress->n_hands; h++) worker_join(&stress->hands[h].worker);
    worker_join(&stress->mover.worker);
    for (unsigned h = 0; h < stress->n_hands; h++)
        if (stress->hands[h].worker.wrong != NULL)
            return fault("worker %u, deed %u, last begun '%s': %s", h,
                         stress->hands[h].worker.n_done,
                         deed_names[atomic_load(&stress->hands[h].doing)],
                         stress->hands[h].worker.wrong);
    if (stress->mover.worker.wrong != NULL)
        return fault("beside the workers: %s", stress->mover.worker.wrong);
    return NULL;
}

/* True where all is well. */
static bool run_kind(const struct arguments *arguments, unsigned k) {
    struct stress *stress = calloc(1, sizeof(*stress));
    uint64_t seconds = arguments->seconds * (arguments->heap != NULL ? N_KINDS : 1);
    const char *text;

    if (stress == NULL) give_up("no memory");
    stress->kind = &kinds[k];
    stress->n_hands = arguments->threads;
    stress->hands = calloc(stress->n_hands, sizeof(*stress->hands));
    if (stress->hands == NULL) give_up("no memory");
    for (unsigned h = 0; h <= stress->n_hands; h++) {
        struct hand *hand = h < stress->n_hands ? &stress->hands[h] : &stress->mover;

        hand->stress = stress;
        hand->worker.context = hand;
        hand->worker.rng.state = rng_mix((arguments->seed * N_KINDS + k) * 1000 + h);
    }
    text = open_heap(stress);
    if (text == NULL) text = run_hands(stress, seconds);
    if (text == NULL) text = missing(stress);
    if (text == NULL) text = close_heap(stress);
    printf("%sok %u - %s\n", text != NULL ? "not " : "", k + 1, kinds[k].name);
    if (text != NULL) {
        printf("# %s\n", text);
        printf("# again: stress --seed %llu --threads %u --heap %s --seconds %llu\n",
               (unsigned long long)arguments->seed, arguments->threads, kinds[k].name,
               (unsigned long long)(seconds / N_KINDS + 1));
    }
    free(stress->hands);
    free(stress);
    return text == NULL;
}

int main(int argc, char **argv) {
    struct arguments arguments = parse(argc, argv);
    unsigned n_failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%d\n", (int)N_KINDS);
    printf("# seed %llu, %u workers, %llu seconds in all\n",
           (unsigned long long)arguments.seed, arguments.threads,
           (unsigned long long)arguments.seconds);
    for (unsigned k = 0; k < N_KINDS; k++)
        if (arguments.heap != NULL && strcmp(arguments.heap, kinds[k].name) != 0)
            printf("ok %u - %s # SKIP --heap %s\n", k + 1, kinds[k].name, arguments.heap);
        else
            n_failed += !run_kind(&arguments, k);
    return n_failed > 0;
}
