/* SPDX-License-Identifier: MIT */
#include "trace/generate.h"

#include <stdio.h>
#include <string.h>

#include "base/say.h"
#include "trace/synth_stories.h"
#include "base/units.h"

const struct generator generators[] = {
    {"redis",
     "a cache of 100 MB: values of 240 bytes, then of 492, and an entry for each"},
    {"churn", "16 to 4095 bytes, log-uniform, replaced at random, 64 MiB live"},
    {"fragkill", "fill, free every other, fill with blocks twice as large, again"},
    {"browser", "20 documents of 50,000 objects opened and closed, 5 % survive"},
    {"smallhot", "8 to 128 bytes, replaced at random, 1.4 MB live"},
    {"mesh-lru", "redis with all that Redis allocates: the test of the Mesh paper"},
    {"redis-defrag", "that with 150 and 300 bytes: Redis's test of defragmentation"},
    {"ramcloud", "W1 to W8 of \"Log-structured Memory for DRAM-based Storage\""},
    {"ruby", "strings that double in length, one in four kept: Mesh's Ruby test"},
    {NULL, NULL},
};

static void (*const stories[])(struct synth *synth) = {
    synth_redis,    synth_churn,        synth_fragkill, synth_browser, synth_smallhot,
    synth_mesh_lru, synth_redis_defrag, synth_ramcloud, synth_ruby,
};
_Static_assert(sizeof(stories) / sizeof(stories[0]) ==
                   sizeof(generators) / sizeof(generators[0]) - 1,
               "one story for each name");

bool generate_wanted(const char *path) {
    return strncmp(path, GENERATE_PREFIX, strlen(GENERATE_PREFIX)) == 0;
}

bool generate_parse_seed(const char *text, uint64_t *seed) {
    return parse_count(text, seed);
}

bool generate_parse_scale(const char *text, double *scale) {
    char factor[40];

    if (snprintf(factor, sizeof(factor), "%sx", text) >= (int)sizeof(factor))
        return false;
    return parse_factor(factor, scale);
}

/* "key=value" into made. */
static int set(const char *path, const char *setting, struct generated *made) {
    if (strncmp(setting, "seed=", 5) == 0) {
        if (generate_parse_seed(setting + 5, &made->seed)) return STATUS_OK;
    } else if (strncmp(setting, "scale=", 6) == 0) {
        if (generate_parse_scale(setting + 6, &made->scale)) return STATUS_OK;
    }
    return complain(STATUS_USAGE,
                    "%s: '%s' is neither seed=N nor scale=F, F above 0 and at most 1000",
                    path, setting);
}

/* place: 0 at first; receives the generator's place in the table. */
static int parse(const char *path, struct generated *made, size_t *place) {
    char text[128], *rest = text, *name;
    int status = STATUS_OK;

    if (snprintf(text, sizeof(text), "%s", path + strlen(GENERATE_PREFIX)) >=
        (int)sizeof(text))
        return complain(STATUS_USAGE, "%s: too long a name for a trace to generate",
                        path);
    name = strsep(&rest, ",");
    while (generators[*place].name && strcmp(generators[*place].name, name) != 0)
        ++*place;
    if (!generators[*place].name)
        return complain(STATUS_USAGE,
                        "nothing to generate is called '%s'; 'rmtool generate --list' "
                        "says what is",
                        name);
    *made = (struct generated){
        .name = generators[*place].name,
        .summary = generators[*place].summary,
        .seed = GENERATE_SEED,
        .scale = 1,
    };
    while (rest && status == STATUS_OK) status = set(path, strsep(&rest, ","), made);
    return status;
}

int generate(const char *path, struct tape *tape, struct generated *made) {
    struct synth synth = {.tape = tape};
    size_t place = 0;
    int status = parse(path, made, &place);

    if (status) return status;
    synth.chance = chance_of(made->seed);
    synth.scale = made->scale;
    stories[place](&synth);
    made->events = synth.lines;
    if (synth_ok(&synth)) return STATUS_OK;
    tape_finish(tape);
    return complain(STATUS_IO,
                    "%s: no memory for so many events; a smaller scale has fewer", path);
}
