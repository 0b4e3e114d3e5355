/* SPDX-License-Identifier: MIT */
#include "top/top.h"

#include <inttypes.h>
#include <string.h>

static double per_second(size_t now, size_t before, double seconds) {
    return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

static void work_out(struct top_watch *watch) {
    const rm_stats_t *now = &watch->look.stats, *was = &watch->stats;
    struct top_rates *r = &watch->rates;

    memset(r, 0, sizeof(*r));
    if (!watch->before) return;
    double s = (double)(watch->look.at_ns - watch->at_ns) / 1e9;
    r->seconds = s;
    r->allocations = per_second(now->allocations, was->allocations, s);
    r->frees = per_second(now->frees, was->frees, s);
    r->failures = per_second(now->failures, was->failures, s);
    r->moved = per_second(now->moved, was->moved, s);
    r->moved_blocks = per_second(now->moved_blocks, was->moved_blocks, s);
    r->regained = per_second(now->regained, was->regained, s);
    r->returned = per_second(now->returned, was->returned, s);
    r->voided = per_second(now->voided, was->voided, s);
    r->background_steps = per_second(now->background_steps, was->background_steps, s);
    r->background_moved = per_second(now->background_moved, was->background_moved, s);
    r->background_busy =
        per_second(now->background_nanoseconds, was->background_nanoseconds, s) / 1e9;
}

int top_look(struct top *top, struct top_watch *watch, const rm_view_heap_t *heap,
             size_t n_cells, bool *ended) {
    bool same = watch->look.heap.heap == heap->heap;
    bool before = same && (watch->look.taken || watch->before);

    if (same && watch->look.taken) {
        watch->stats = watch->look.stats;
        watch->at_ns = watch->look.at_ns;
    }
    if (!same) watch->n = 0;
    watch->before = before;
    int status = look_take(&watch->look, &top->target, heap, n_cells, ended);
    if (!watch->look.taken) return status;
    watch->n++;
    work_out(watch);
    return status;
}

const char *top_why(const struct top_watch *watch, char text[200]) {
    const struct look *look = &watch->look;

    if (!look->heap.heap)
        snprintf(text, 200, "the heap has been destroyed");
    else if (look->damaged)
        snprintf(text, 200,
                 "in %u tries a call was going on, or it is damaged (invariant %u: %s)",
                 look->tries, look->fault.invariant, look->fault.text);
    else
        snprintf(text, 200, "in each of %u tries a call was going on", look->tries);
    return text;
}

const char *top_describe(const rm_view_heap_t *heap, char text[100]) {
    static const char *const policies[] = {
        [RM_COMPACT_ON_DEMAND] = "on demand",
        [RM_COMPACT_MANUAL] = "when told",
        [RM_COMPACT_STEADY] = "steadily",
        [RM_COMPACT_BACKGROUND] = "in the background",
    };

    snprintf(text, 100, "%s%s, %s threads, compacted %s",
             heap->is_default ? "the default heap, " : "",
             heap->grows ? "grows" : "a region of the program's",
             heap->threads == RM_THREADS_SAFE ? "safe for" : "no",
             policies[heap->compaction]);
    return text;
}
