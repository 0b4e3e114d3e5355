/* SPDX-License-Identifier: MIT */
#include "compare/goals.h"

#include <math.h>
#include <string.h>

typedef double figure_fn(const struct outcome *outcome);

static double time_of(const struct outcome *o) { return o->time[PAGES_GIVEN].net_ns; }
static double small_pages_of(const struct outcome *o) {
    return o->time[PAGES_SMALL].net_ns;
}
static double peak_of(const struct outcome *o) { return o->peak; }
static double mean_of(const struct outcome *o) { return o->mean; }
static double left_of(const struct outcome *o) { return o->left_over_live; }
static double left_time_of(const struct outcome *o) {
    return isnan(o->left_over_live) ? NAN : (double)(o->left.free_ns + o->left.trim_ns);
}
static double smallest_of(const struct outcome *o) { return o->smallest_over_live; }

double goals_mean(const struct compare *compare, size_t entrant, figure_fn *figure) {
    double logarithms = 0;

    for (size_t i = 0; i < compare->n_traces; i++) {
        double value = figure(&compare->traces[i].outcomes[entrant]);
        logarithms += value > 0 ? log(value) : NAN;
    }
    return exp(logarithms / (double)compare->n_traces);
}

/* ----------------------------------------------------------------- allocators */

static bool is_peer(const struct entrant *entrant) {
    return entrant->present &&
           (entrant->kind == ENTRANT_LIBC || entrant->kind == ENTRANT_LIBRARY);
}

/* 0, the floor, where it is not there. */
static size_t peer(const struct compare *compare, const char *name) {
    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        if (is_peer(entrant) && strcmp(entrant->name, name) == 0) return i;
    }
    return 0;
}

static double against(const struct compare *compare, size_t entrant, const char *name,
                      figure_fn *figure) {
    size_t other = peer(compare, name);

    if (other == 0) return NAN;
    return goals_mean(compare, entrant, figure) / goals_mean(compare, other, figure);
}

/* ---------------------------------------------------------------------- traces */

static const struct outcome *outcome_on(const struct compare *compare, size_t entrant,
                                        const char *trace) {
    for (size_t i = 0; i < compare->n_traces; i++)
        if (strcmp(compare->traces[i].name, trace) == 0)
            return &compare->traces[i].outcomes[entrant];
    return NULL;
}

static double peak_against_glibc(const struct compare *compare, size_t entrant,
                                 const char *trace) {
    size_t glibc = peer(compare, "glibc");
    const struct outcome *ours = outcome_on(compare, entrant, trace);

    if (!ours || glibc == 0) return NAN;
    return ours->peak / outcome_on(compare, glibc, trace)->peak;
}

static double smallest_on(const struct compare *compare, size_t entrant,
                          const char *trace) {
    const struct outcome *outcome = outcome_on(compare, entrant, trace);

    return outcome ? smallest_of(outcome) : NAN;
}

/* ----------------------------------------------------------------------- lines */

static double time_glibc(const struct compare *c, size_t e) {
    return against(c, e, "glibc", time_of);
}

static double time_mimalloc(const struct compare *c, size_t e) {
    return against(c, e, "mimalloc", c->options.no_huge_pages ? time_of : small_pages_of);
}

static double time_fastest(const struct compare *c, size_t e) {
    double fastest = NAN;

    if (c->options.no_huge_pages) return NAN;
    for (size_t i = 1; i < c->entrants.n; i++)
        if (is_peer(&c->entrants.list[i]))
            fastest = fmin(fastest, goals_mean(c, i, time_of)); /* NAN is no number */
    return goals_mean(c, e, time_of) / fastest;
}

static double mean_glibc(const struct compare *c, size_t e) {
    return against(c, e, "glibc", mean_of);
}
static double mean_tlsf(const struct compare *c, size_t e) {
    return against(c, e, "tlsf", mean_of);
}
static double peak_glibc(const struct compare *c, size_t e) {
    return against(c, e, "glibc", peak_of);
}
static double peak_tlsf(const struct compare *c, size_t e) {
    return against(c, e, "tlsf", peak_of);
}

static double worst_mean(const struct compare *c, size_t e) {
    double worst = NAN;

    for (size_t i = 0; i < c->n_traces; i++) {
        double best = NAN;
        for (size_t j = 1; j < c->entrants.n; j++)
            if (is_peer(&c->entrants.list[j]))
                best = fmin(best, c->traces[i].outcomes[j].mean);
        worst = fmax(worst, c->traces[i].outcomes[e].mean / best);
    }
    return worst;
}

static double fragkill(const struct compare *c, size_t e) {
    return peak_against_glibc(c, e, "fragkill");
}
static double redis(const struct compare *c, size_t e) {
    return peak_against_glibc(c, e, "redis");
}
static double left(const struct compare *c, size_t e) {
    return goals_mean(c, e, left_of);
}
static double left_mesh(const struct compare *c, size_t e) {
    return against(c, e, "mesh", left_time_of);
}
static double opera_gp(const struct compare *c, size_t e) {
    return smallest_on(c, e, "opera-gp");
}
static double opera_blank(const struct compare *c, size_t e) {
    return smallest_on(c, e, "opera-blank");
}
static double opera_newspaper(const struct compare *c, size_t e) {
    return smallest_on(c, e, "opera-aftonbladet");
}

const struct goal goals[] = {
    {"time / glibc", 0.60, time_glibc},
    {"time / mimalloc, no huge pages", 1.0, time_mimalloc},
    {"time / the fastest peer, huge pages allowed", 1.2, time_fastest},
    {"mean footprint / glibc", 0.88, mean_glibc},
    {"mean footprint / TLSF", 0.90, mean_tlsf},
    {"peak footprint / glibc", 0.86, peak_glibc},
    {"peak footprint / TLSF", 0.88, peak_tlsf},
    {"worst single trace, mean footprint / best peer", 1.03, worst_mean},
    {"fragkill, peak footprint / glibc", 0.42, fragkill},
    {"redis, peak footprint / glibc", 0.78, redis},
    {"5 % left, footprint / live", 2.8, left},
    {"frees and that compaction, time / Mesh", 0.20, left_mesh},
    {"smallest heap / peak live, Opera gp", 1.06, opera_gp},
    {"smallest heap / peak live, Opera blank", 1.20, opera_blank},
    {"smallest heap / peak live, Opera newspaper", 1.05, opera_newspaper},
    {NULL, 0, NULL},
};
