/* SPDX-License-Identifier: MIT */
/* Lines for scripts: the same members in JSON and in CSV. */
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <time.h>

#include "base/member.h"
#include "base/output.h"
#include "base/say.h"
#include "top/top.h"

static const struct field {
    const char *name;
    size_t offset;
} counts[] =
    {
#define COUNT(name)                                                                      \
    { #name, offsetof(rm_stats_t, name) }
        COUNT(capacity),
        COUNT(limit),
        COUNT(extent),
        COUNT(live_blocks),
        COUNT(requested),
        COUNT(used),
        COUNT(metadata),
        COUNT(free),
        COUNT(free_spans),
        COUNT(largest_free),
        COUNT(locked_blocks),
        COUNT(locked),
        COUNT(moved_blocks),
        COUNT(moved),
        COUNT(regained),
        COUNT(returned),
        COUNT(peak_requested),
        COUNT(peak_capacity),
        COUNT(allocations),
        COUNT(frees),
        COUNT(failures),
        COUNT(voided),
        COUNT(background_steps),
        COUNT(background_moved),
        COUNT(background_nanoseconds),
        COUNT(background_backoffs),
#undef COUNT
},
  reals[] =
      {
          {"internal_fragmentation", offsetof(rm_stats_t, internal_fragmentation)},
          {"external_fragmentation", offsetof(rm_stats_t, external_fragmentation)},
},
  rates[] = {
#define RATE(name)                                                                       \
    { #name "_per_second", offsetof(struct top_rates, name) }
      RATE(allocations),
      RATE(frees),
      RATE(failures),
      RATE(moved),
      RATE(moved_blocks),
      RATE(regained),
      RATE(returned),
      RATE(voided),
      RATE(background_steps),
      RATE(background_moved),
#undef RATE
      {"background_busy", offsetof(struct top_rates, background_busy)},
};
enum {
    N_COUNTS = sizeof(counts) / sizeof(counts[0]),
    N_REALS = sizeof(reals) / sizeof(reals[0]),
    N_RATES = sizeof(rates) / sizeof(rates[0])
};

static const char *const policies[] = {
    [RM_COMPACT_ON_DEMAND] = "demand",
    [RM_COMPACT_MANUAL] = "manual",
    [RM_COMPACT_STEADY] = "steady",
    [RM_COMPACT_BACKGROUND] = "background",
};

/* background_nanoseconds is 64 bits of its own; so is size_t where this is built. */
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "64 bits");

static uint64_t count_at(const rm_stats_t *stats, size_t offset) {
    return *(const uint64_t *)(const void *)((const char *)stats + offset);
}
static double real_at(const void *object, size_t offset) {
    return *(const double *)(const void *)((const char *)object + offset);
}

/* Seconds since 1970. */
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int top_json(const struct top *top, const struct top_watch *watch, FILE *file) {
    const struct look *look = &watch->look;
    const rm_view_heap_t *heap = &look->heap;
    json_t *object = json_object();

    member_text(object, "version", tool_version);
    member_real(object, "time", now());
    member_count(object, "pid", (uint64_t)top->target.pid);
    member_text(object, "program", top->target.program);
    member_text(object, "library", top->target.version);
    member_count(object, "heaps", top->n_heaps);
    member_count(object, "heap", look_number(heap->heap));
    member_count(object, "address", heap->address);
    json_object_set_new(object, "grows", json_boolean(heap->grows));
    json_object_set_new(object, "default", json_boolean(heap->is_default));
    member_text(object, "threads", heap->threads == RM_THREADS_SAFE ? "safe" : "none");
    member_text(object, "compaction", policies[heap->compaction]);
    for (size_t i = 0; i < N_COUNTS; i++)
        member_count(object, counts[i].name, count_at(&look->stats, counts[i].offset));
    for (size_t i = 0; i < N_REALS; i++)
        member_real(object, reals[i].name, real_at(&look->stats, reals[i].offset));
    member_real(object, "interval", watch->rates.seconds);
    for (size_t i = 0; i < N_RATES; i++)
        member_real(object, rates[i].name, real_at(&watch->rates, rates[i].offset));
    member_count(object, "oldest_lock_ns", look->oldest_ns);
    member_count(object, "tries", look->tries);
    member_count(object, "stopped_ns", look->stopped_ns);
    member_count(object, "longest_stop_ns", look->longest_ns);
    member_count(object, "read_bytes", look->bytes);
    int failed = json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(object);
    fputc('\n', file);
    return failed ? complain(STATUS_IO, "the result cannot be written") : STATUS_OK;
}

void top_csv_header(FILE *file) {
    fputs("time,heap", file);
    for (size_t i = 0; i < N_COUNTS; i++) fprintf(file, ",%s", counts[i].name);
    for (size_t i = 0; i < N_REALS; i++) fprintf(file, ",%s", reals[i].name);
    fputs(",interval", file);
    for (size_t i = 0; i < N_RATES; i++) fprintf(file, ",%s", rates[i].name);
    fputs(",oldest_lock_ns,tries,stopped_ns,longest_stop_ns,read_bytes\n", file);
}

void top_csv(const struct top *top, const struct top_watch *watch, FILE *file) {
    const struct look *look = &watch->look;

    (void)top;
    fprintf(file, "%.3f,%u", now(), look_number(look->heap.heap));
    for (size_t i = 0; i < N_COUNTS; i++)
        fprintf(file, ",%" PRIu64, count_at(&look->stats, counts[i].offset));
    for (size_t i = 0; i < N_REALS; i++)
        fprintf(file, ",%.9g", real_at(&look->stats, reals[i].offset));
    fprintf(file, ",%.6f", watch->rates.seconds);
    for (size_t i = 0; i < N_RATES; i++)
        fprintf(file, ",%.6g", real_at(&watch->rates, rates[i].offset));
    fprintf(file, ",%" PRIu64 ",%u,%" PRIu64 ",%" PRIu64 ",%zu\n", look->oldest_ns,
            look->tries, look->stopped_ns, look->longest_ns, look->bytes);
}

/* --- the map, in the form that replay writes --- */

void top_map_header(FILE *file) {
    fputs("event,offset,cell,used,locked,free,metadata\n", file);
}

void top_map(const struct top_watch *watch, FILE *file) {
    const struct look *look = &watch->look;

    for (size_t i = 0; i < look->n_cells; i++) {
        const struct look_cell *c = &look->cells[i];
        fprintf(file,
                "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                ",%" PRIu64 "\n",
                watch->n, i * look->cell_bytes, look->cell_bytes, c->used, c->locked,
                c->free, c->metadata);
    }
}
