/* SPDX-License-Identifier: MIT */
/* Locks and read sections that are not balanced, or in the way. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"

CASE(unlock_unlocked, "rmunlock of a block that is not locked") {
    memory_t *h = block(100);
    RIGHT(lock(h));
    GUILTY(call(rmunlock(h)));
}

CASE(unlock_twice, "one lock given back twice") {
    memory_t *h = block(100);
    lock(h);
    unlock(h);
    WRONG(GUILTY(call(rmunlock(h))));
}

/* Gives its lock back on an error, and so does who called it. */
static bool parse_failed(memory_t *h) {
    const char *at = lock(h);
    bool bad = at[0] != '{';
    WRONG(if (bad) unlock(h));
    return bad;
}

CASE(unlock_error_path, "unlocked by both ends of an error path") {
    memory_t *h = text_block("no brace");
    parse_failed(h);
    GUILTY(call(rmunlock(h)));
    drop(h);
}

CASE(unlock_wrong_one, "another block unlocked than was locked") {
    memory_t *source = block(100), *target = block(100);
    lock(source);
    WRONG(GUILTY(call(rmunlock(target))));
    RIGHT(GUILTY(call(rmunlock(source))));
}

CASE(free_locked, "rmfree of a locked block") {
    memory_t *h = bytes_block(100, 'x');
    lock(h);
    RIGHT(unlock(h));
    GUILTY(call(rmfree(h)));
    WRONG(expect(bytes_are(h, 100, 'x'), "content has changed"));
}

CASE(free_locked_nested, "rmfree after one unlock of two") {
    memory_t *h = bytes_block(3000, 'x');
    lock(h);
    lock(h);
    unlock(h);
    RIGHT(unlock(h));
    GUILTY(call(rmfree(h)));
}

CASE(free_locked_elsewhere, "rmfree of a block that another thread has locked") {
    memory_t *h = bytes_block(100, 'x');
    WRONG(in_thread((void *(*)(void *))lock, h));
    GUILTY(call(rmfree(h)));
}

CASE(realloc_locked, "rmrealloc of a locked block that has to move") {
    memory_t *h = bytes_block(100, 'x'), *next = bytes_block(100, 'n');
    lock(h);
    RIGHT(unlock(h));
    GUILTY(call(rmrealloc(h, 5000)));
    expect(bytes_are(h, 100, 'x') && bytes_are(next, 100, 'n'), "content has changed");
}

CASE(realloc_locked_grown,
     "append to a locked buffer, its failure ignored: the end is missing") {
    memory_t *h = text_block("0123456789");
    char *at = lock(h);
    RIGHT(unlock(h));
    rm_status_t status = rmrealloc(h, 600);
    RIGHT(at = lock(h));
    size_t size = 0;
    must(rmsize(h, &size));
    memset(at, 'y', size);
    unlock(h);
    GUILTY(call(status));
}

CASE(lock_overflow, "a lock in a loop that is never given back") {
    memory_t *h = block(100);
    for (unsigned i = 0; i < RM_LOCKS_MAX; i++) {
        lock(h);
        RIGHT(unlock(h));
    }
    void *at;
    GUILTY(call(rmlock(h, &at)));
}

CASE(lock_leak_free,
     "a lock that an early return forgets: rmfree is refused at the end") {
    memory_t *h = text_block("value");
    const char *at = lock(h);
    bool found = at[0] == 'v';
    RIGHT(unlock(h));
    WRONG(if (!found) unlock(h));
    GUILTY(call(rmfree(h)));
}

CASE(lock_leak_compaction, "a lock never given back: compaction leaves two free pieces") {
    memory_t *low = block(20000), *pinned = block(2000);
    lock(pinned);
    RIGHT(unlock(pinned));
    drop(low);
    compact(heap);
    rm_stats_t stats;
    must(rm_heap_stats(heap, &stats));
    GUILTY(expect(stats.free_spans == 1, "free memory is not one piece"));
}

CASE(lock_leak_nomem, "locks never given back: an allocation fails with enough free") {
    memory_t *blocks[60], *h;
    for (unsigned i = 0; i < 60; i++) blocks[i] = block(3000);
    for (unsigned i = 0; i < 60; i++) {
        lock(blocks[i]);
        RIGHT(unlock(blocks[i]));
    }
    WRONG(for (unsigned i = 0; i < 60; i += 2) unlock(blocks[i]));
    for (unsigned i = 0; i < 60; i += 2) drop(blocks[i]);
    GUILTY(call(rm_heap_alloc(heap, &h, 85000, 0, 0)));
}

CASE(lock_leak_thread, "a thread ends with a lock held: rmfree is refused") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    memory_t *h = block_in(shared, 100);
    WRONG(in_thread((void *(*)(void *))lock, h));
    GUILTY(call(rmfree(h)));
}

CASE(lock_across_fork,
     "a lock held across fork: the child has it too, and may not free") {
    memory_t *h = block(100);
    int status = 0;
    lock(h);
    RIGHT(unlock(h));
    pid_t child = fork();
    if (child == 0) _exit(rmfree(h));
    expect(child > 0 && waitpid(child, &status, 0) == child, "no child");
    WRONG(unlock(h));
    GUILTY(call((rm_status_t)WEXITSTATUS(status)));
}

CASE(unlock_by_child, "a child gives back the parent's lock, which stays") {
    memory_t *h = block(100);
    int status = 0;
    lock(h);
    pid_t child = fork();
    if (child == 0) _exit(rmunlock(h));
    expect(child > 0 && waitpid(child, &status, 0) == child, "no child");
    RIGHT(unlock(h));
    GUILTY(call(rmfree(h)));
}

/* --- read sections --- */

CASE(release_unheld, "rm_heap_release without rm_heap_hold") {
    RIGHT(must(rm_heap_hold(heap)));
    GUILTY(call(rm_heap_release(heap)));
}

CASE(release_twice, "one section ended twice") {
    must(rm_heap_hold(heap));
    must(rm_heap_release(heap));
    WRONG(GUILTY(call(rm_heap_release(heap))));
}

static void *release_here(void *shared) {
    GUILTY(call(rm_heap_release(shared)));
    return NULL;
}

CASE(release_elsewhere, "a section ended by another thread") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    must(rm_heap_hold(shared));
    WRONG(in_thread(release_here, shared));
    RIGHT(release_here(shared));
}

CASE(release_other_heap, "a section ended in another heap") {
    rm_heap_t *other = open_growing(RM_THREADS_NONE);
    must(rm_heap_hold(heap));
    WRONG(GUILTY(call(rm_heap_release(other))));
    RIGHT(GUILTY(call(rm_heap_release(heap))));
}

CASE(hold_leak, "a section that is never ended: compaction does nothing") {
    rm_progress_t progress;
    memory_t *low = block(20000), *high = block(2000);
    must(rm_heap_hold(heap));
    RIGHT(must(rm_heap_release(heap)));
    drop(low);
    must(rm_heap_compact(heap, NULL, &progress));
    GUILTY(expect(progress.complete, "compaction is not complete"));
    drop(high);
}

CASE(hold_then_grow, "rmrealloc inside a read section: the block would have to move") {
    memory_t *h = bytes_block(100, 'x'), *next = bytes_block(100, 'n');
    must(rm_heap_hold(heap));
    WRONG(GUILTY(call(rmrealloc(h, 5000))));
    must(rm_heap_release(heap));
    RIGHT(resize(h, 5000));
    expect(bytes_are(h, 100, 'x') && bytes_are(next, 100, 'n'), "content has changed");
}

CASE(hold_destroyed, "a section of a heap that is gone") {
    rm_heap_t *other = open_growing(RM_THREADS_NONE);
    WRONG(close_heap(other));
    GUILTY(call(rm_heap_hold(other)));
    RIGHT(must(rm_heap_release(other)));
}

/* --- the background thread --- */

CASE(pause_plain, "rm_heap_pause of a heap without a background thread") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    RIGHT(options.compaction = RM_COMPACT_BACKGROUND);
    rm_heap_t *other = open_heap(&options);
    GUILTY(call(rm_heap_pause(other)));
    RIGHT(must(rm_heap_resume(other)));
}

CASE(resume_unpaused, "rm_heap_resume without rm_heap_pause") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.compaction = RM_COMPACT_BACKGROUND;
    rm_heap_t *other = open_heap(&options);
    RIGHT(must(rm_heap_pause(other)));
    GUILTY(call(rm_heap_resume(other)));
}
