/* SPDX-License-Identifier: MIT */
#include "trace/census_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/member.h"
#include "base/units.h"

#define TIMELESS UINT64_MAX
#define SPARKS 64
#define THREADS_SHOWN 16

static const double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1};
enum { N_SHARES = sizeof(shares) / sizeof(shares[0]) };

/* ---------------------------------------------------------------- for people */

static void print_totals(const struct census *census, const char *path) {
    const struct trace *trace = census->trace;
    const struct trace_totals *totals = &trace->totals;
    char peak[SIZE_TEXT], end[SIZE_TEXT];

    printf("trace        %s (%s): %" PRIu64 " events, threads: %" PRIu64 "\n",
           trace->name, path, totals->events, totals->threads);
    printf("operations   %" PRIu64 " allocations (%" PRIu64 " zeroed, %" PRIu64
           " aligned), %" PRIu64 " reallocations, %" PRIu64 " frees\n",
           totals->allocations, census->zeroed, census->aligned, totals->reallocations,
           totals->frees);
    if (totals->locks > 0)
        printf("locks        %" PRIu64 ", most at a time: %" PRIu64 " blocks, %s\n",
               totals->locks, totals->peak_locked_blocks,
               format_size(peak, totals->peak_locked_bytes));
    if (census->inherited > 0)
        printf("inherited    %" PRIu64 " blocks: they were live before the trace begins, "
               "so they live longer than it says\n",
               census->inherited);
    printf("live         peak %s in %" PRIu64 " blocks; at the end %s in %" PRIu64
           " blocks\n",
           format_size(peak, totals->peak_live_bytes), totals->peak_live_blocks,
           format_size(end, totals->live_bytes), totals->live_blocks);
}

/* Live bytes over the trace, the highest of each of some stretches. */
static void print_sparks(const struct census *census) {
    static const char *const sparks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint64_t events = census->trace->totals.events, highest[SPARKS] = {0}, most = 0;

    for (size_t i = 0; i < census->n_points; i++) {
        const struct census_point *point = &census->points[i];
        size_t at = (size_t)((double)point->event / ((double)events + 1) * SPARKS);
        if (point->live_bytes > highest[at]) highest[at] = point->live_bytes;
        if (point->live_bytes > most) most = point->live_bytes;
    }
    if (most == 0) return;
    printf("             |");
    for (size_t i = 0; i < SPARKS; i++) {
        if (highest[i] == 0 && i > 0 && events < SPARKS) highest[i] = highest[i - 1];
        fputs(sparks[(size_t)ceil((double)highest[i] / (double)most * 8)], stdout);
    }
    puts("|");
}

static void print_sizes(const struct census *census) {
    const struct trace_totals *totals = &census->trace->totals;
    uint64_t bytes = 0;
    char mean[SIZE_TEXT], largest[SIZE_TEXT];

    for (size_t i = 0; i < CENSUS_CLASSES; i++) bytes += census->classes[i].bytes;
    printf("\nsizes        mean %s, largest %s\n",
           format_size(mean, totals->allocations ? bytes / totals->allocations : 0),
           format_size(largest, totals->largest));
    printf("  %-23s %12s %7s %12s %7s %12s\n", "", "made", "", "bytes", "",
           "live at end");
    for (unsigned i = 0; i < CENSUS_CLASSES; i++) {
        const struct census_class *class = &census->classes[i];
        char least[SIZE_TEXT], most[SIZE_TEXT], sum[SIZE_TEXT], range[2 * SIZE_TEXT + 4];
        if (class->blocks == 0 && class->live == 0) continue;
        snprintf(range, sizeof(range), "%s .. %s",
                 format_size(least, census_class_least(i)),
                 format_size(most, census_class_most(i)));
        printf("  %-23s %12" PRIu64 " %5.1f %% %12s %5.1f %% %12" PRIu64 "\n", range,
               class->blocks, 100 * ratio_of(class->blocks, totals->allocations),
               format_size(sum, class->bytes), 100 * ratio_of(class->bytes, bytes),
               class->live);
    }
}

static void print_lifetimes(const struct census *census) {
    const struct trace_totals *totals = &census->trace->totals;
    char text[SIZE_TEXT];

    printf("\nlifetimes    of the %" PRIu64 " blocks that are freed (%.1f %% of all)\n"
           "  at most                ",
           totals->frees, 100 * ratio_of(totals->frees, totals->allocations));
    for (size_t i = 0; i < N_SHARES; i++) printf(" %8.0f %%", 100 * shares[i]);
    printf("\n  events                 ");
    for (size_t i = 0; i < N_SHARES; i++)
        printf(" %10" PRIu64, histogram_quantile(&census->life_events, shares[i]));
    printf("\n  bytes allocated since  ");
    for (size_t i = 0; i < N_SHARES; i++)
        printf(" %10s",
               format_size(text, histogram_quantile(&census->life_bytes, shares[i])));
    putchar('\n');
}

static void print_reallocs(const struct census *census) {
    char size[SIZE_TEXT];

    if (census->trace->totals.reallocations == 0) return;
    printf("\nreallocs     %" PRIu64 " grow (by %s), %" PRIu64 " shrink, %" PRIu64
           " keep the size; of %" PRIu64 " blocks, one of them %" PRIu64 " times\n  ",
           census->grown, format_size(size, census->grown_bytes), census->shrunk,
           census->kept, census->resized_blocks, census->most_resizes);
    for (unsigned i = 0; i < CENSUS_GROWTHS; i++) {
        double share =
            100 * ratio_of(census->growths[i], census->trace->totals.reallocations);
        if (i < CENSUS_GROWTHS - 1)
            printf("to %gx: %.1f %%; ", census_growths[i], share);
        else
            printf("above: %.1f %%\n", share);
    }
}

static void print_threads(const struct census *census) {
    const struct trace_totals *totals = &census->trace->totals;
    uint64_t foreign = 0;

    if (census->n_threads < 2) return;
    for (size_t i = 0; i < census->n_threads; i++)
        foreign += census->threads[i].foreign_frees;
    printf("\nthreads      %zu; %" PRIu64 " frees (%.1f %%) and %" PRIu64
           " reallocs are by another thread than the one that made the block\n",
           census->n_threads, foreign, 100 * ratio_of(foreign, totals->frees),
           census->foreign_reallocs);
    printf("  %-10s %12s %12s %12s %16s\n", "thread", "events", "allocations", "frees",
           "of others' blocks");
    for (size_t i = 0; i < census->n_threads && i < THREADS_SHOWN; i++) {
        const struct census_thread *thread = &census->threads[i];
        printf("  %-10zu %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %16" PRIu64 "\n",
               i + 1, thread->events, thread->allocations, thread->frees,
               thread->foreign_frees);
    }
    if (census->n_threads > THREADS_SHOWN)
        printf("  and %zu more: --json has them all\n",
               census->n_threads - THREADS_SHOWN);
}

void census_print(const struct census *census, const char *path) {
    print_totals(census, path);
    print_sparks(census);
    print_sizes(census);
    print_lifetimes(census);
    print_reallocs(census);
    print_threads(census);
}

/* ------------------------------------------------------------------- as JSON */

static json_t *lifetimes_json(const struct histogram *histogram) {
    json_t *object = json_object();
    char key[16];

    for (size_t i = 0; i < N_SHARES; i++) {
        snprintf(key, sizeof(key), "p%.0f", 100 * shares[i]);
        member_count(object, key, histogram_quantile(histogram, shares[i]));
    }
    return object;
}

static json_t *sizes_json(const struct census *census) {
    json_t *array = json_array();

    for (unsigned i = 0; i < CENSUS_CLASSES; i++) {
        const struct census_class *class = &census->classes[i];
        if (class->blocks == 0 && class->live == 0) continue;
        json_t *object = json_object();
        member_count(object, "least", census_class_least(i));
        member_count(object, "most", census_class_most(i));
        member_count(object, "blocks", class->blocks);
        member_count(object, "bytes", class->bytes);
        member_count(object, "live_blocks", class->live);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *reallocs_json(const struct census *census) {
    json_t *object = json_object(), *growths = json_array();

    member_count(object, "grown", census->grown);
    member_count(object, "grown_bytes", census->grown_bytes);
    member_count(object, "shrunk", census->shrunk);
    member_count(object, "kept", census->kept);
    member_count(object, "blocks", census->resized_blocks);
    member_count(object, "most_of_one_block", census->most_resizes);
    member_count(object, "foreign", census->foreign_reallocs);
    for (size_t i = 0; i < CENSUS_GROWTHS; i++) {
        json_t *growth = json_object();
        member_real(growth, "factor_at_most",
                    i < CENSUS_GROWTHS - 1 ? census_growths[i] : NAN);
        member_count(growth, "reallocs", census->growths[i]);
        json_array_append_new(growths, growth);
    }
    json_object_set_new(object, "factors", growths);
    return object;
}

static json_t *threads_json(const struct census *census) {
    json_t *array = json_array();

    for (size_t i = 0; i < census->n_threads; i++) {
        json_t *object = json_object();
        member_count(object, "thread", i + 1);
        member_count(object, "events", census->threads[i].events);
        member_count(object, "allocations", census->threads[i].allocations);
        member_count(object, "frees", census->threads[i].frees);
        member_count(object, "foreign_frees", census->threads[i].foreign_frees);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *curve_json(const struct census *census) {
    json_t *array = json_array();

    for (size_t i = 0; i < census->n_points; i++) {
        const struct census_point *point = &census->points[i];
        json_t *object = json_object();
        member_count(object, "event", point->event);
        if (point->time_ns != TIMELESS)
            member_real(object, "seconds", (double)point->time_ns / 1e9);
        member_count(object, "live_bytes", point->live_bytes);
        member_count(object, "live_blocks", point->live_blocks);
        member_count(object, "locked_bytes", point->locked_bytes);
        member_count(object, "locked_blocks", point->locked_blocks);
        json_array_append_new(array, object);
    }
    return array;
}

json_t *census_json(const struct census *census, const char *path) {
    json_t *object = json_object(), *header = json_object(), *lifetimes = json_object();

    member_text(object, "trace", census->trace->name);
    member_text(object, "file", path);
    for (size_t i = 0; i < TRACE_KEYS; i++)
        member_count(header, trace_keys[i].name,
                     trace_key_value(&census->trace->totals, i));
    json_object_set_new(object, "header", header);
    member_count(object, "zeroed", census->zeroed);
    member_count(object, "aligned", census->aligned);
    member_count(object, "inherited", census->inherited);
    json_object_set_new(object, "sizes", sizes_json(census));
    member_count(lifetimes, "freed_blocks", census->life_events.count);
    json_object_set_new(lifetimes, "events", lifetimes_json(&census->life_events));
    json_object_set_new(lifetimes, "bytes", lifetimes_json(&census->life_bytes));
    json_object_set_new(object, "lifetimes", lifetimes);
    json_object_set_new(object, "reallocs", reallocs_json(census));
    json_object_set_new(object, "threads", threads_json(census));
    json_object_set_new(object, "curve", curve_json(census));
    return object;
}

/* -------------------------------------------------------------------- as CSV */

void census_write_curve(const struct census *census, struct output *output) {
    if (!output->file) return;
    fputs("event,seconds,live_bytes,live_blocks,locked_bytes,locked_blocks\n",
          output->file);
    for (size_t i = 0; i < census->n_points; i++) {
        const struct census_point *point = &census->points[i];
        char time[32] = "";
        if (point->time_ns != TIMELESS)
            snprintf(time, sizeof(time), "%" PRIu64 ".%09" PRIu64,
                     point->time_ns / TRACE_SECOND, point->time_ns % TRACE_SECOND);
        fprintf(output->file,
                "%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                point->event, time, point->live_bytes, point->live_blocks,
                point->locked_bytes, point->locked_blocks);
    }
}

void census_write_sizes(const struct census *census, struct output *output) {
    if (!output->file) return;
    fputs("least,most,blocks,bytes,live_blocks\n", output->file);
    for (unsigned i = 0; i < CENSUS_CLASSES; i++) {
        const struct census_class *class = &census->classes[i];
        if (class->blocks == 0 && class->live == 0) continue;
        fprintf(output->file,
                "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                census_class_least(i), census_class_most(i), class->blocks, class->bytes,
                class->live);
    }
}

/* How many lie in [least, most]; both are ends of buckets. */
static uint64_t count_between(const struct histogram *histogram, uint64_t least,
                              uint64_t most) {
    uint64_t count = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t last = histogram_last(i);
        if (last >= least && last <= most) count += histogram->counts[i];
    }
    return count;
}

void census_write_lifetimes(const struct census *census, struct output *output) {
    if (!output->file) return;
    fputs("least,most,blocks_by_events,blocks_by_bytes\n", output->file);
    for (unsigned bits = 0; bits < 63; bits++) {
        uint64_t least = bits ? UINT64_C(1) << (bits - 1) : 0;
        uint64_t most = (UINT64_C(1) << bits) - 1;
        uint64_t by_events = count_between(&census->life_events, least, most);
        uint64_t by_bytes = count_between(&census->life_bytes, least, most);
        if (by_events > 0 || by_bytes > 0)
            fprintf(output->file, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                    least, most, by_events, by_bytes);
    }
}
