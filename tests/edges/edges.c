/* SPDX-License-Identifier: MIT */
/*
 * edges [--all] [--seed N] [--sizes FROM-TO] [--step N]
 *
 * A heap in memory of every size from 0 to 64 KiB, at every offset within 64 bytes, between pages that
 * must not be touched: once it begins as near to the lower one as it can, once it ends as near to the
 * upper one:
 *
 *      | no access |canary| region ... | canary ...            | no access |      0 to 63 bytes below
 *      | no access |            ... canary | region ... |canary| no access |      0 to 63 bytes above
 *
 * Whoever writes beyond an edge meets the page or shows in a canary. Is the heap made or is there no
 * memory, as the header says? Can it be filled to the last byte, used, compacted, proven, and unmade?
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "book.h"
#include "edges.h"
#include "fault.h"

enum { MOST = 64 * 1024, OFFSETS = 64, CANARY = 0xA5, GARBAGE = 0xDB };

#ifdef __SANITIZE_ADDRESS__
enum { SHARE = 4 }; /* six times as slow there */
#else
enum { SHARE = 1 };
#endif
enum { SAMPLES = 6000 / SHARE }; /* of a short run, beside those around the least heap */

struct arguments {
    bool all;
    uint64_t seed;
    size_t from, to, step;
};

/* --- memory --- */

static unsigned char *inside; /* between the two pages */
static size_t room;

static void open_room(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    room = (MOST + OFFSETS + page - 1) / page * page;
    unsigned char *mapping =
        mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) give_up("mmap of a region failed");
    inside = mapping + page;
    if (mprotect(inside, room, PROT_READ | PROT_WRITE) != 0)
        give_up("mprotect of a region failed");
    memset(inside, CANARY, room);
}

/* The canaries around a region; they are looked at up to a page from it, and whole now and then. */
static const char *canaries(const unsigned char *region, size_t size, size_t far) {
    const unsigned char *low = inside, *high = inside + room;
    if ((size_t)(region - low) > far) low = region - far;
    if ((size_t)(high - region) - size > far) high = region + size + far;
    for (const unsigned char *p = low; p < region; p++)
        if (*p != CANARY)
            return fault("%zu bytes below the region", (size_t)(region - p));
    for (const unsigned char *p = region + size; p < high; p++)
        if (*p != CANARY)
            return fault("%zu bytes behind the region", (size_t)(p - region) - size);
    return NULL;
}

/* --- one region --- */

/* What is being done, for who is told of a crash. */
static struct {
    size_t size, offset;
    bool high;
} now;
static size_t made
    [2][OFFSETS]; /* the least size of which a heap was made, and the most of which not */
static uint64_t n_regions, n_heaps, n_blocks;

/* A larger region at the same place holds a heap if a smaller one does. */
static const char *size_fault(bool ok) {
    size_t *least = &made[0][now.offset], *most = &made[1][now.offset];
    if (!ok && now.size >= RM_HEAP_SIZE_MIN) return "RM_HEAP_SIZE_MIN does not suffice";
    if (now.high) return NULL;
    if (ok && now.size < *least) *least = now.size;
    if (!ok && now.size > *most) *most = now.size;
    if (*most > *least)
        return fault("%zu bytes hold a heap there, %zu do not", *least, *most);
    return NULL;
}

static const char *region(bool whole) {
    unsigned char *at = inside + now.offset;
    if (now.high) {
        at = inside + room - now.size;
        at -= ((uintptr_t)at - now.offset) % OFFSETS;
    }
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = (rm_heap_t *)(uintptr_t)1;
    options.memory = at;
    options.size = now.size;
    options.threads = now.size % 2 ? RM_THREADS_NONE : RM_THREADS_SAFE;
    options.compaction = (rm_compaction_t)(now.size % 3);
    memset(at, GARBAGE, now.size);
    rm_status_t status = rm_heap_create(&heap, &options);
    n_regions++;
    const char *text = size_fault(status == RM_OK);
    if (text == NULL && status != RM_OK && (status != RM_ENOMEM || heap != NULL))
        text = fault("rm_heap_create says %d", (int)status);
    if (status == RM_OK) {
        n_heaps++;
        if (text == NULL) text = edges_use(heap, now.size, whole, &n_blocks);
        if (rm_heap_destroy(heap) != RM_OK && text == NULL)
            text = "rm_heap_destroy fails";
    }
    if (text == NULL) text = canaries(at, now.size, whole ? room : 256);
    memset(at, CANARY, now.size);
    return text;
}

static void crashed(int signal) {
    printf("not ok - signal %d: a region of %zu bytes, offset %zu, near the %s page\n",
           signal, now.size, now.offset, now.high ? "upper" : "lower");
    fflush(stdout);
    _exit(1);
}

/* Both placements. `whole`: all there is to be done. */
static bool both(size_t size, size_t offset, bool whole) {
    for (unsigned high = 0; high < 2; high++) {
        now.size = size;
        now.offset = offset;
        now.high = high != 0;
        alarm(20);
        const char *text = region(whole);
        if (text == NULL) continue;
        printf("not ok - a region of %zu bytes, offset %zu, near the %s page: %s\n", size,
               offset, high ? "upper" : "lower", text);
        printf("# again: edges --sizes %zu-%zu\n", size, size);
        return false;
    }
    return true;
}

/* --- which --- */

static bool all(const struct arguments *a) {
    for (size_t size = a->from; size <= a->to; size += a->step) {
        for (size_t offset = 0; offset < OFFSETS; offset++)
            if (!both(size, offset, (size + offset) % 16 == 0 || a->from == a->to))
                return false;
        if (size % 4096 == 0) printf("# %zu of %zu bytes\n", size, a->to);
    }
    return true;
}

/* All around the least heap, and around multiples of what is rounded to; others by chance. */
static bool some(const struct arguments *a) {
    struct rng rng = {a->seed};
    for (size_t size = 0; size <= RM_HEAP_SIZE_MIN + OFFSETS;
         size += size < 3072 ? 61 : 1)
        for (size_t offset = size % SHARE; offset < OFFSETS;
             offset += SHARE * (1 + size % 3))
            if (!both(size, offset, size % 8 == 0)) return false;
    for (size_t power = 4096; power <= MOST; power *= 2)
        for (size_t size = power - 20; size <= power + 20 && size <= MOST; size++)
            if (!both(size, size * 5 % OFFSETS, true)) return false;
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size = rng_between(&rng, RM_HEAP_SIZE_MIN, MOST);
        if (!both(size, (size_t)rng_below(&rng, OFFSETS), i % 4 == 0)) return false;
    }
    return true;
}

/* --- the program --- */

static const char help[] =
    "usage: edges [--all] [--sizes FROM-TO] [--step N] [--seed N]\n"
    "\n"
    "Heaps in memory of 0 to 65536 bytes, at 64 offsets, between pages that must not be "
    "touched.\n"
    "Without options: around the least heap and powers of two, and a sample.\n"
    "\n"
    "  -a, --all             every size at every offset\n"
    "  -z, --sizes FROM-TO   those sizes, at every offset\n"
    "  -p, --step N          every N-th of them\n"
    "  -s, --seed N          of the sample\n"
    "\n"
    "Exit status: 0 all is well, 1 something is wrong, 2 usage.\n"
    "\n"
    "Examples: edges --all\n"
    "          edges --sizes 3584-3712\n";

static _Noreturn void usage(const char *problem, const char *what) {
    fprintf(stderr, "edges: %s: %s; try --help\n", what, problem);
    exit(2);
}

static uint64_t number(const char *text, char **end) {
    uint64_t value = strtoull(text, end, 0);
    if (*end == text || *text == '-') usage("not a number", text);
    return value;
}

static void parse(struct arguments *a, int argc, char **argv) {
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'},        {"sizes", required_argument, NULL, 'z'},
        {"step", required_argument, NULL, 'p'}, {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},       {0}};
    struct timespec time;
    int option;
    char *end;
    clock_gettime(CLOCK_REALTIME, &time);
    *a = (struct arguments){false, (uint64_t)time.tv_nsec % 1000000007u, 0, MOST, 1};
    while ((option = getopt_long(argc, argv, "az:p:s:h", options, NULL)) != -1) {
        switch (option) {
        case 'a': a->all = true; break;
        case 'z':
            a->all = true;
            a->from = a->to = number(optarg, &end);
            if (*end == '-') a->to = number(end + 1, &end);
            if (*end != '\0' || a->from > a->to || a->to > MOST)
                usage("not sizes from 0 to 65536", optarg);
            break;
        case 'p':
            a->step = number(optarg, &end);
            if (*end != '\0' || a->step == 0) usage("not a step", optarg);
            break;
        case 's':
            a->seed = number(optarg, &end);
            if (*end != '\0') usage("not a number", optarg);
            break;
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    }
    if (optind < argc) usage("not an option", argv[optind]);
}

int main(int argc, char **argv) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
    struct sigaction action = {.sa_handler = crashed};
    struct arguments a;
    struct timespec begun, ended;
    setvbuf(stdout, NULL, _IOLBF, 0);
    parse(&a, argc, argv);
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    memset(made[0], 0xff, sizeof made[0]);
    open_room();
    printf("1..1\n");
    if (!a.all) printf("# seed %llu\n", (unsigned long long)a.seed);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    bool fine = a.all ? all(&a) : some(&a);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (fine) printf("ok 1 - edges\n");
    printf("# %llu regions, %llu heaps, %llu blocks, %ld s\n",
           (unsigned long long)n_regions, (unsigned long long)n_heaps,
           (unsigned long long)n_blocks, (long)(ended.tv_sec - begun.tv_sec));
    return !fine;
}
