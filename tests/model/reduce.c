/* SPDX-License-Identifier: MIT */
#include "reduce.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

enum { HANG_SECONDS = 60, TRIES_RACING = 12 };

struct shared *shared_make(void) {
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED) give_up("no memory to share");
    shared->trace.ops = shared->ops;
    shared->trace.room = TRACE_MOST;
    return shared;
}

void shared_exit(struct shared *shared, const char *text) {
    if (text != FINE) strncpy(shared->wrong, text, sizeof(shared->wrong) - 1);
    _exit(text != FINE);
}

const char *shared_outcome(struct shared *shared, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return FINE;
    if (WIFEXITED(status) && shared->wrong[0] != '\0') return shared->wrong;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return fault("nothing happens for %d seconds", HANG_SECONDS);
    if (WIFSIGNALED(status))
        return fault("ended by signal %d, %s", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    return fault("ended with exit status %d", WEXITSTATUS(status));
}

static void hush(void) {
    int nowhere = open("/dev/null", O_WRONLY);

    if (nowhere < 0) give_up("no /dev/null");
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

static const char *replay_once(struct shared *shared, bool closely, bool quiet) {
    int status;
    pid_t child;

    shared->wrong[0] = '\0';
    fflush(NULL);
    child = fork();
    if (child < 0) give_up("no fork");
    if (child == 0) {
        static struct world world;

        if (quiet) hush();
        alarm(HANG_SECONDS);
        if (shared->trace.spec.between) run_between();
        shared_exit(shared, run_again(&world, &shared->trace, closely));
    }
    if (waitpid(child, &status, 0) != child) give_up("waitpid");
    return shared_outcome(shared, status);
}

const char *reduce_replay(struct shared *shared, bool closely, bool quiet) {
    unsigned tries = shared->trace.spec.racing ? TRIES_RACING : 1;
    const char *text = FINE;

    for (unsigned i = 0; i < tries && text == FINE; i++)
        text = replay_once(shared, closely, quiet);
    return text;
}

/* ----------------------------------------------------------------------- ddmin */

struct cut {
    struct shared *shared;
    bool closely;
    struct op *kept; /* what fails, as known so far */
    size_t n;
    unsigned tried;
};

/* Does it fail without [from, to)? Then that is what is known from now on. */
static bool fails_without(struct cut *cut, size_t from, size_t to) {
    struct shared *shared = cut->shared;
    size_t n = cut->n - (to - from);

    memcpy(shared->ops, cut->kept, from * sizeof(*cut->kept));
    memcpy(shared->ops + from, cut->kept + to, (cut->n - to) * sizeof(*cut->kept));
    shared->trace.n = n;
    cut->tried++;
    if (reduce_replay(shared, cut->closely, true) == FINE) return false;
    memcpy(cut->kept, shared->ops, n * sizeof(*cut->kept));
    cut->n = n;
    return true;
}

/* The end first: what follows the operation that fails cannot matter. */
static void cut_end(struct cut *cut) {
    size_t low = 0;

    while (low < cut->n) {
        size_t middle = low + (cut->n - low) / 2;

        if (!fails_without(cut, middle, cut->n)) low = middle + 1;
    }
}

static void cut_parts(struct cut *cut) {
    size_t part = cut->n;

    while (part > 0) {
        bool any = false;

        for (size_t limit = cut->n; limit > 0;) {
            size_t from = limit > part ? limit - part : 0;

            any |= fails_without(cut, from, limit);
            limit = from;
        }
        if (part == 1 && !any) break;
        if (!any || part > cut->n / 2) part = (part + 1) / 2;
    }
}

/* A compaction and a look at all before the last operation may do what hundreds of operations have done. */
static void offer_compaction(struct cut *cut) {
    for (unsigned h = 0; h < cut->shared->trace.spec.n_heaps && cut->n > 2; h++) {
        struct op compact = {.kind = OP_COMPACT, .heap = (uint8_t)h}, look = compact;

        look.kind = OP_VERIFY;
        memmove(cut->kept + cut->n + 1, cut->kept + cut->n - 1, sizeof(*cut->kept));
        cut->kept[cut->n - 1] = compact;
        cut->kept[cut->n] = look;
        cut->n += 2;
        if (fails_without(cut, cut->n - 1, cut->n)) return; /* it fails earlier now */
        cut->kept[cut->n - 3] = cut->kept[cut->n - 1];
        cut->n -= 2;
    }
}

/* Heaps that nothing is done to, the last ones first. */
static void cut_heaps(struct cut *cut) {
    struct spec *spec = &cut->shared->trace.spec, was;

    for (unsigned h = spec->n_heaps; h-- > 0 && spec->n_heaps > 1;) {
        bool used = false;

        for (size_t i = 0; i < cut->n; i++) used |= cut->kept[i].heap == h;
        if (used) continue;
        was = *spec;
        spec->n_heaps--;
        memmove(&spec->heaps[h], &spec->heaps[h + 1],
                (spec->n_heaps - h) * sizeof(spec->heaps[0]));
        for (size_t i = 0; i < cut->n; i++) cut->kept[i].heap -= cut->kept[i].heap > h;
        if (fails_without(cut, 0, 0)) continue;
        *spec = was;
        for (size_t i = 0; i < cut->n; i++) cut->kept[i].heap += cut->kept[i].heap >= h;
    }
}

static bool fails_with(struct cut *cut, size_t i, struct op op) {
    struct op was = cut->kept[i];

    cut->kept[i] = op;
    if (fails_without(cut, 0, 0)) return true;
    cut->kept[i] = was;
    return false;
}

/* Numbers that say less: no flags, one lock instead of several, rounder sizes. */
static void simplify(struct cut *cut) {
    for (size_t i = 0; i < cut->n; i++) {
        struct op op = cut->kept[i];

        if (op.how != 0) {
            op.how = 0;
            fails_with(cut, i, op);
        }
        op = cut->kept[i];
        if (op.b != 0 && op.kind != OP_CHURN) {
            op.b = 0;
            fails_with(cut, i, op);
        }
        for (uint64_t least = 0; least < 2; least++)
            for (op = cut->kept[i]; op.a > least; op = cut->kept[i]) {
                op.a = least == 0 ? 0 : op.a / 2;
                if (!fails_with(cut, i, op)) break;
            }
    }
}

static void cut_down(struct cut *cut) {
    size_t before;

    cut_end(cut);
    offer_compaction(cut);
    do {
        before = cut->n;
        cut_parts(cut);
        simplify(cut);
        cut_heaps(cut);
    } while (cut->n < before);
}

const char *reduce(struct shared *shared, bool *closely) {
    struct cut cut = {shared, true, NULL, shared->trace.n, 0};
    const char *text = reduce_replay(shared, true, true);

    if (text == FINE) {
        cut.closely = false;
        text = reduce_replay(shared, false, true);
    }
    if (text == FINE) return FINE;
    cut.kept = malloc((cut.n + 3) * sizeof(*cut.kept));
    if (cut.kept == NULL) give_up("no memory to reduce in");
    memcpy(cut.kept, shared->ops, cut.n * sizeof(*cut.kept));
    cut_down(&cut);
    memcpy(shared->ops, cut.kept, cut.n * sizeof(*cut.kept));
    shared->trace.n = cut.n;
    free(cut.kept);
    *closely = cut.closely;
    printf("# cut down to %zu operations in %u tries\n", cut.n, cut.tried);
    return reduce_replay(shared, *closely, false);
}
