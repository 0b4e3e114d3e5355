/* SPDX-License-Identifier: MIT */
/* Operations on a whole heap. */
#include "operate.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crew.h"
#include "fault.h"
#include "look.h"

enum { IDLE_MOST = 1000, DEPTH_MOST = 3 };

bool operate_is_held(const struct world *world, unsigned heap) {
    return __atomic_load_n(&world->homes[heap].held, __ATOMIC_RELAXED) > 0;
}

/* ------------------------------------------------------------------ compaction */

static const char *judge_progress(struct world *world, const struct op *op,
                                  const rm_progress_t *progress, bool held) {
    struct home *home = &world->homes[op->heap];
    bool whole = op->a == 0 && op->b == 0;

    if (op->a > 0 && progress->moved > op->a + 65536)
        return fault("%zu bytes moved with a budget of %zu", progress->moved,
                     (size_t)op->a);
    if (world->spec->racing) return FINE;
    if (held && (progress->moved > 0 || progress->complete))
        return fault("a compaction of a held heap moved %zu bytes", progress->moved);
    if (whole && !held && !progress->complete) return "a compaction is not complete";
    if (progress->complete || progress->moved > 0 || held)
        home->idle = 0;
    else if (++home->idle > IDLE_MOST)
        return "steps of compaction make no progress";
    return FINE;
}

static const char *compact(struct world *world, const struct op *op) {
    struct home *home = &world->homes[op->heap];
    rm_budget_t budget = {(size_t)op->a, op->b};
    rm_progress_t progress = {0, 0, 0, false};
    bool held = operate_is_held(world, op->heap),
         alone = !moves_by_itself(world, op->heap);
    size_t before = alone ? look_moved(world, op->heap) : 0;
    const char *text;

    count(&home->epoch, 1);
    if (rm_heap_compact(home->heap, op->a == 0 && op->b == 0 ? NULL : &budget,
                        &progress) != RM_OK)
        return "rm_heap_compact fails";
    if (alone && look_moved(world, op->heap) - before != progress.moved)
        return "progress and the metrics do not agree on what was moved";
    text = judge_progress(world, op, &progress, held);
    if (text != FINE || !progress.complete || !alone || (op->how & HOW_SEE) == 0)
        return text;
    world->tally.pictures++;
    return look_picture(world, op->heap, true);
}

static const char *idle(struct world *world, const struct op *op) {
    struct home *home = &world->homes[op->heap];
    struct timespec now;
    uint64_t deadline;

    clock_gettime(CLOCK_MONOTONIC, &now);
    deadline = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + op->a;
    count(&home->epoch, 1);
    (void)rm_heap_idle(home->heap, deadline); /* a forecast: any number will do */
    return FINE;
}

static const char *largest(struct world *world, const struct op *op) {
    rm_heap_t *heap = world->homes[op->heap].heap;
    size_t now, then;

    if (rm_heap_largest(heap, false, &now) != RM_OK ||
        rm_heap_largest(heap, true, &then) != RM_OK)
        return "rm_heap_largest fails";
    if (!moves_by_itself(world, op->heap) && then < now)
        return fault("%zu bytes are the largest request now, %zu after compaction", now,
                     then);
    return FINE;
}

/* ---------------------------------------------------------------- read sections */

static const char *hold(struct world *world, const struct op *op, bool *skipped) {
    unsigned *depth = &world->actors[op->actor].depth[op->heap];

    *skipped = *depth == DEPTH_MOST;
    if (*skipped) return FINE;
    if (rm_heap_hold(world->homes[op->heap].heap) != RM_OK) return "rm_heap_hold fails";
    __atomic_fetch_add(&world->homes[op->heap].held, 1, __ATOMIC_RELAXED);
    ++*depth;
    return FINE;
}

/* In a heap for one thread at a time, sections are the heap's. */
static const char *let_go(struct world *world, const struct op *op, bool *skipped) {
    struct home *home = &world->homes[op->heap];
    unsigned *depth = &world->actors[op->actor].depth[op->heap];
    rm_status_t status;

    *skipped = *depth == 0 && world->spec->heaps[op->heap].threads == RM_THREADS_NONE &&
               operate_is_held(world, op->heap);
    if (*skipped) return FINE;
    if (*depth > 0) __atomic_fetch_sub(&home->held, 1, __ATOMIC_RELAXED);
    status = rm_heap_release(home->heap);
    if (status != (*depth > 0 ? RM_OK : RM_EUNLOCKED))
        return fault("rm_heap_release of %u sections says %d", *depth, (int)status);
    if (*depth > 0) --*depth;
    return FINE;
}

static const char *halt(struct world *world, const struct op *op) {
    struct home *home = &world->homes[op->heap];
    bool background = world->spec->heaps[op->heap].policy == RM_COMPACT_BACKGROUND;
    bool begin = op->kind == OP_PAUSE;
    rm_status_t wanted = RM_OK, status;

    if (!background)
        wanted = RM_EINVAL;
    else if (!begin && home->paused == 0)
        wanted = RM_EUNLOCKED;
    status = begin ? rm_heap_pause(home->heap) : rm_heap_resume(home->heap);
    if (status != wanted)
        return fault("rm_heap_%s says %d", begin ? "pause" : "resume", (int)status);
    if (status == RM_OK) home->paused += begin ? 1 : UINT32_MAX;
    return FINE;
}

/* ------------------------------------------------------------------ other things */

/* A slot is used again and again, and who had it before is refused each time. */
static const char *churn(struct world *world, const struct op *op) {
    struct home *home = &world->homes[op->heap];
    rm_memory_t *first = NULL, *last = NULL;
    uint64_t times = op->b < RM_REUSES_MAX ? op->b : RM_REUSES_MAX;
    void *at;

    for (uint64_t i = 0; i < times; i++) {
        rm_memory_t *handle;
        rm_status_t status = rm_heap_alloc(home->heap, &handle, (size_t)op->a, 0, 0);

        if (status == RM_ENOMEM) {
            count(&home->n_failed, 1);
            return FINE;
        }
        if (status != RM_OK) return fault("an allocation says %d", (int)status);
        if (!world->spec->racing && home->requested + op->a > home->peak)
            home->peak = home->requested + (size_t)op->a;
        if (handle == first || handle == last)
            return fault("the same handle for block %u and an earlier one", (unsigned)i);
        if (first != NULL &&
            (rmlock(first, &at) != RM_EHANDLE || rmfree(last) != RM_EHANDLE))
            return fault("a stale handle is not refused after %u blocks", (unsigned)i);
        if (rmfree(handle) != RM_OK) return "a fresh block cannot be freed";
        if (first == NULL) first = handle;
        last = handle;
        count(&home->n_allocated, 1);
        count(&home->n_freed, 1);
        count(&world->n_freed, 1);
    }
    return FINE;
}

static const char *reopen(struct world *world, const struct op *op, bool *skipped) {
    const char *text;

    *skipped = operate_is_held(world, op->heap);
    if (*skipped) return FINE;
    text = look_verify(world, op->heap);
    if (text == FINE) text = world_close_heap(world, op->heap);
    return text == FINE ? world_open_heap(world, op->heap) : text;
}

/* In the child: every heap as it was, and of use. */
#ifdef __wasm__ /* no process can make another */
static const char *split(struct world *world) { return world != NULL ? FINE : ""; }
#else
static const char *look_in_child(struct world *world) {
    const char *text = FINE;

    for (unsigned h = 0; h < world->spec->n_heaps && text == FINE; h++) {
        rm_memory_t *handle;
        rm_status_t status;

        if (world->spec->heaps[h].policy != RM_COMPACT_BACKGROUND)
            text = look_verify(world, h);
        if (text != FINE) break;
        status = rm_heap_alloc(world->homes[h].heap, &handle, 40, 0, 0);
        if (status == RM_OK ? rmfree(handle) != RM_OK : status != RM_ENOMEM)
            return "a block can be neither made nor freed";
        text = look_prove(world, h);
    }
    return text;
}

/* ThreadSanitizer ends a child of threads that begins one itself, as the background heaps' does. */
static bool may_split(const struct world *world) {
    for (unsigned h = 0; BUILT_FOR_TSAN && h < world->spec->n_heaps; h++)
        if (world->spec->heaps[h].policy == RM_COMPACT_BACKGROUND) return false;
    return true;
}

static const char *split(struct world *world) {
    int ends[2];
    char text[300] = "";
    size_t n = 0;
    ssize_t more;
    int status;
    pid_t child;

    if (!may_split(world)) return FINE;
    if (pipe(ends) != 0) give_up("no pipe");
    child = fork();
    if (child < 0) give_up("no fork");
    if (child == 0) {
        const char *wrong = look_in_child(world);

        if (wrong != FINE && write(ends[1], wrong, strlen(wrong)) < 0) _exit(2);
        _exit(wrong != FINE);
    }
    close(ends[1]);
    while ((more = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0) n += (size_t)more;
    close(ends[0]);
    if (waitpid(child, &status, 0) != child) give_up("waitpid");
    if (status == 0) return FINE;
    return fault("a forked child ends with %d: %s", status, text);
}
#endif

static void tally(uint64_t *counter) { __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); }

const char *operate_on_heap(struct world *world, const struct op *op, bool *skipped) {
    unsigned heap = op->heap;

    switch ((enum op_kind)op->kind) {
    case OP_CHURN: return churn(world, op);
    case OP_COMPACT: return compact(world, op);
    case OP_IDLE: return idle(world, op);
    case OP_TRIM:
        return rm_heap_trim(world->homes[heap].heap) == RM_OK ? FINE
                                                              : "rm_heap_trim fails";
    case OP_LARGEST: return largest(world, op);
    case OP_HOLD: return hold(world, op, skipped);
    case OP_RELEASE: return let_go(world, op, skipped);
    case OP_PAUSE:
    case OP_RESUME: return halt(world, op);
    case OP_PROVE: tally(&world->tally.proofs); return look_prove(world, heap);
    case OP_VERIFY: tally(&world->tally.verified); return look_verify(world, heap);
    case OP_PICTURE:
        tally(&world->tally.pictures);
        return look_picture(world, heap, false);
    case OP_REOPEN: return reopen(world, op, skipped);
    case OP_FORK: return split(world);
    default: return fault("there is no operation %u", op->kind);
    }
}
