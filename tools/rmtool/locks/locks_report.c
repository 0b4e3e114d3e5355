/* SPDX-License-Identifier: MIT */
#include "locks/locks_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/member.h"
#include "base/say.h"
#include "base/units.h"

/* One model's figures; NAN where there are none. */
struct figures_of {
    double per_block, mean_held;
    double blocks_share, bytes_share; /* locked, of what is live, over time */
    double precision, recall;         /* blocks x time */
    double lock_precision, lock_recall;
};

static double ratio(double part, double whole) { return whole > 0 ? part / whole : NAN; }

static struct figures_of figures_of(const struct locking *locking, size_t i) {
    const struct lockbook *book = &locking->models[i].model.book;
    const struct population *population = &locking->population;
    struct figures_of f = {
        .per_block = ratio((double)book->locks, (double)population->n_blocks),
        .mean_held = ratio(book->held_time, (double)book->locks),
        .blocks_share = ratio(book->held_time, population->block_accesses),
        .bytes_share = ratio(book->held_bytes, population->byte_accesses),
        .precision = NAN,
        .recall = NAN,
        .lock_precision = NAN,
        .lock_recall = NAN,
    };

    if (!book->truth) return f;
    f.precision = ratio(book->both, book->both + book->only_here);
    f.recall = ratio(book->both, book->both + book->only_truth);
    f.lock_precision = ratio((double)book->pairs, (double)book->locks);
    f.lock_recall = ratio((double)book->pairs, (double)book->truth->locks);
    return f;
}

/* The parameter as it was given; NAN where the model has none. */
static double parameter_of(const struct lockmodel_spec *spec) {
    if (spec->kind == LOCKMODEL_NONE || spec->kind == LOCKMODEL_TRUTH) return NAN;
    return (double)spec->parameter / (spec->kind == LOCKMODEL_LIFE ? LOCKMODEL_UNIT : 1);
}

/* -------------------------------------------------------------------- for people */

static void print_share(double share) {
    if (isnan(share))
        printf(" %8s", "-");
    else
        printf(" %7.2f%%", share * 100);
}

static void print_head(const struct locks_report *report) {
    const struct locking *l = report->locking;
    const struct gather_totals *g = report->gathered;

    printf("program      %s: %s\n", report->name, report->command);
    printf("accesses     %" PRIu64 " to the heap: %" PRIu64 " loads, %" PRIu64
           " stores, %" PRIu64 " of both",
           l->population.clock, l->loads, l->stores, l->modifies);
    if (g) printf("; %" PRIu64 " to any memory", g->accesses);
    printf("\nevents       %" PRIu64 " blocks made, %" PRIu64 " reallocs, %" PRIu64
           " frees; %" PRIu64 " own locks; %" PRIu64 " instructions\n",
           l->population.n_blocks, l->reallocations, l->frees, l->own_locks,
           l->instructions);
    if (g && (g->unknown || g->lost || g->cut))
        printf("left out     %" PRIu64 " records of unknown blocks, %" PRIu64
               " never written%s\n",
               g->unknown, g->lost, g->cut ? "; cut at the limit" : "");
    printf("time         %.2f s, %.2f million accesses/s, %zu models\n", report->seconds,
           report->seconds > 0 ? (double)l->population.clock / report->seconds / 1e6 : 0,
           l->n_models);
}

static void print_models(const struct locking *locking) {
    printf("\n%-20s %10s %9s %12s %10s %9s %9s %8s %10s\n", "model", "locks", "/block",
           "mean held", "longest", "blocks", "bytes", "most", "most bytes");
    for (size_t i = 0; i < locking->n_models; i++) {
        const struct lockbook *book = &locking->models[i].model.book;
        struct figures_of f = figures_of(locking, i);
        printf("%-20s %10" PRIu64 " %9.2f %12.1f %10" PRIu64,
               locking->models[i].model.spec.name, book->locks,
               isnan(f.per_block) ? 0 : f.per_block, isnan(f.mean_held) ? 0 : f.mean_held,
               book->longest);
        print_share(f.blocks_share);
        print_share(f.bytes_share);
        printf("  %8" PRIu64 " %10" PRIu64 "\n", book->most_locked_blocks,
               book->most_locked_bytes);
    }
    puts("held: accesses to the heap; blocks, bytes: locked of those live, over time");
}

static void print_truth(const struct locking *locking) {
    printf("\n%-20s %-27s  %s\n", "against truth", "blocks x time", "locks");
    printf("%-20s %8s %8s %8s  %8s %8s\n", "", "precise", "recalled", "F1", "precise",
           "recalled");
    for (size_t i = 0; i < locking->n_models; i++) {
        struct figures_of f = figures_of(locking, i);
        if (!locking->models[i].model.book.truth) continue;
        printf("%-20s", locking->models[i].model.spec.name);
        print_share(f.precision);
        print_share(f.recall);
        print_share(2 * f.precision * f.recall / (f.precision + f.recall));
        putchar(' ');
        print_share(f.lock_precision);
        print_share(f.lock_recall);
        putchar('\n');
    }
}

static void print_costs(const struct locks_report *report) {
    const struct lockcost *none = NULL;
    uint64_t step_every = 0;
    char text[SIZE_TEXT];

    for (size_t i = 0; i < report->locking->n_models; i++)
        if (report->locking->models[i].model.spec.kind == LOCKMODEL_NONE)
            none = &report->costs[i];
    printf("\n%-20s %8s %10s %10s %8s %11s %10s %10s %9s\n", "compaction", "locked",
           "held back", "footprint", "ext.frag", "moved", "smallest", "over live",
           "over none");
    for (size_t i = 0; i < report->locking->n_models; i++) {
        const struct lockcost *cost = &report->costs[i];
        if (!cost->known) continue;
        step_every = cost->step_every;
        printf("%-20s", report->locking->models[i].model.spec.name);
        print_share(cost->locked_bytes);
        printf(" %10.0f %10.4f", cost->held_back, cost->footprint);
        print_share(cost->fragmentation);
        printf(" %11s %10" PRIu64 " %10.4f", format_size(text, cost->moved),
               cost->smallest, cost->smallest_over_live);
        print_share(none && none->known
                        ? ratio((double)cost->smallest, (double)none->smallest) - 1
                        : NAN);
        putchar('\n');
    }
    printf("a step of 64 KiB every %" PRIu64
           " operations. locked: of live bytes, at these;\n"
           "held back: free bytes below locked blocks, the mean; footprint: over live "
           "bytes;\nsmallest: region in which it completes\n",
           step_every);
}

void locks_report_text(const struct locks_report *report) {
    print_head(report);
    print_models(report->locking);
    if (report->locking->truth) print_truth(report->locking);
    if (report->costs) print_costs(report);
}

/* ------------------------------------------------------------------ for programs */

static json_t *model_json(const struct locks_report *report, size_t i) {
    const struct lockmodel_spec *spec = &report->locking->models[i].model.spec;
    const struct lockbook *book = &report->locking->models[i].model.book;
    struct figures_of f = figures_of(report->locking, i);
    json_t *object = json_object();

    member_text(object, "model", spec->name);
    member_text(object, "kind", lockmodel_kind_name(spec->kind));
    member_real(object, "parameter", parameter_of(spec));
    if (report->locking->models[i].path)
        member_text(object, "trace", report->locking->models[i].path);
    member_count(object, "locks", book->locks);
    member_real(object, "held_mean", f.mean_held);
    member_count(object, "held_longest", book->longest);
    member_real(object, "locked_blocks", f.blocks_share);
    member_real(object, "locked_bytes", f.bytes_share);
    member_count(object, "most_locked_blocks", book->most_locked_blocks);
    member_count(object, "most_locked_bytes", book->most_locked_bytes);
    if (book->truth) {
        member_real(object, "precision", f.precision);
        member_real(object, "recall", f.recall);
        member_real(object, "lock_precision", f.lock_precision);
        member_real(object, "lock_recall", f.lock_recall);
    }
    if (report->costs && report->costs[i].known) {
        const struct lockcost *cost = &report->costs[i];
        member_count(object, "region", cost->region);
        member_real(object, "step_locked_blocks", cost->locked_blocks);
        member_real(object, "step_locked_bytes", cost->locked_bytes);
        member_real(object, "held_back", cost->held_back);
        member_count(object, "most_held_back", cost->most_held_back);
        member_real(object, "footprint", cost->footprint);
        member_real(object, "external_fragmentation", cost->fragmentation);
        member_count(object, "moved", cost->moved);
        member_count(object, "regained", cost->regained);
        member_count(object, "smallest", cost->smallest);
        member_real(object, "smallest_over_live", cost->smallest_over_live);
    }
    return object;
}

int locks_report_json(const struct locks_report *report) {
    const struct locking *l = report->locking;
    const struct gather_totals *g = report->gathered;
    json_t *object = json_object(), *models = json_array();

    member_text(object, "version", tool_version);
    member_text(object, "program", report->name);
    member_text(object, "command", report->command);
    member_count(object, "accesses", l->population.clock);
    member_count(object, "loads", l->loads);
    member_count(object, "stores", l->stores);
    member_count(object, "modifies", l->modifies);
    member_count(object, "instructions", l->instructions);
    member_count(object, "allocations", l->population.n_blocks);
    member_count(object, "reallocations", l->reallocations);
    member_count(object, "frees", l->frees);
    member_count(object, "own_locks", l->own_locks);
    if (g) {
        member_count(object, "all_accesses", g->accesses);
        member_count(object, "records", g->records);
        member_count(object, "lost_records", g->lost);
        member_count(object, "unknown_blocks", g->unknown);
        member_count(object, "stacks", g->stacks);
    }
    member_real(object, "seconds", report->seconds);
    for (size_t i = 0; i < l->n_models; i++)
        json_array_append_new(models, model_json(report, i));
    json_object_set_new(object, "models", models);
    return member_print(object);
}

/* --------------------------------------------------------------------- for plots */

static void put_real(FILE *file, double value) {
    if (isnan(value))
        fputc(',', file);
    else
        fprintf(file, ",%.6g", value);
}

void locks_report_csv(const struct locks_report *report, struct output *output) {
    FILE *file = output->file;

    if (!file) return;
    fprintf(file, "# accesses: %" PRIu64 "\n# blocks: %" PRIu64 "\n",
            report->locking->population.clock, report->locking->population.n_blocks);
    fputs("model,kind,parameter,own,foreign,locks,held_mean,held_longest,locked_blocks,"
          "locked_bytes,"
          "most_locked_blocks,most_locked_bytes,precision,recall,lock_precision,"
          "lock_recall,step_locked_blocks,step_locked_bytes,held_back,most_held_back,"
          "footprint,external_fragmentation,moved,regained,smallest,"
          "smallest_over_live\n",
          file);
    for (size_t i = 0; i < report->locking->n_models; i++) {
        const struct lockmodel_spec *spec = &report->locking->models[i].model.spec;
        const struct lockbook *book = &report->locking->models[i].model.book;
        const struct lockcost *cost = report->costs ? &report->costs[i] : NULL;
        struct figures_of f = figures_of(report->locking, i);
        fprintf(file, "%s,%s", spec->name, lockmodel_kind_name(spec->kind));
        put_real(file, parameter_of(spec));
        put_real(file,
                 spec->kind == LOCKMODEL_LIFE ? (double)spec->own / LOCKMODEL_UNIT : NAN);
        put_real(file, spec->kind == LOCKMODEL_LIFE
                           ? (double)spec->foreign / LOCKMODEL_UNIT
                           : NAN);
        fprintf(file, ",%" PRIu64, book->locks);
        put_real(file, f.mean_held);
        fprintf(file, ",%" PRIu64, book->longest);
        put_real(file, f.blocks_share);
        put_real(file, f.bytes_share);
        fprintf(file, ",%" PRIu64 ",%" PRIu64, book->most_locked_blocks,
                book->most_locked_bytes);
        put_real(file, f.precision);
        put_real(file, f.recall);
        put_real(file, f.lock_precision);
        put_real(file, f.lock_recall);
        if (cost && cost->known) {
            put_real(file, cost->locked_blocks);
            put_real(file, cost->locked_bytes);
            put_real(file, cost->held_back);
            fprintf(file, ",%" PRIu64, cost->most_held_back);
            put_real(file, cost->footprint);
            put_real(file, cost->fragmentation);
            fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, cost->moved,
                    cost->regained, cost->smallest);
            put_real(file, cost->smallest_over_live);
        } else {
            fputs(",,,,,,,,,,", file);
        }
        fputc('\n', file);
    }
}
