/* SPDX-License-Identifier: MIT */
/*
 * Damaged heaps: whatever bits of a heap's memory are flipped, no call of the library crashes, hangs or
 * writes outside of the heap.
 *
 * A *scene* is a heap in a region between two pages that cannot be touched, with blocks of all kinds in it.
 * A *trial* damages a word or some of it, makes every call, and puts all back as it was. Trials are made by
 * a child process: its end is the trial's outcome, and the next child goes on behind it. A trial's number
 * and the run's seed say all that is done in it.
 *
 * It knows the heap's layout from inside: which words of it mean what is found out here a second time.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "registry.h"
#include "rng.h"

/* What a word that is damaged is to the heap. */
enum kind {
    K_TABLE,  /* the structure: the table's fields, */
    K_OUTER,  /* where what lies outside of the heap is, */
    K_AREA,   /* the area's, */
    K_INDEX,  /* first spans by length, */
    K_QUICK,  /* tops of quick lists, and their counters, */
    K_RUNS,   /* first runs by class, and their counters, */
    K_NOTES,  /* what compaction remembers, */
    K_REGION, /* the rest */
    K_CHUNK,  /* chunks of quick lists */
    K_ENTRY,  /* the table: live, */
    K_RESTING,
    K_UNUSED, /* and free */
    K_BITMAP,
    K_ZONE,
    K_BLOCK, /* headers of blocks, */
    K_RUN,   /* of runs, */
    K_FREE,  /* and of free spans; */
    K_NODE,  /* their links, */
    K_LAST,  /* and their last word */
    K_REFERENCE,
    K_LINK,  /* of runs with a free slot */
    K_SLACK, /* sizes and alignments at a block's end */
    K_ANY,   /* any byte of the region, a block's content too */
    N_KINDS
};
extern const char *const kind_names[N_KINDS];

struct word {
    char *at;
    uint32_t slot; /* whose it is; SLOT_NIL: nobody's, or not known */
    uint8_t bytes, kind;
};

enum { LIVE_MOST = 3000, STALE_MOST = 64, CACHES_MOST = 2 };

struct scene {
    char *mapping, *memory;
    size_t mapped, size;
    bool integrity;
    bool timeless; /* nothing that is done in it depends on time */
    rm_heap_t *heap;
    struct heap *h;
    rm_memory_t *live[LIVE_MOST], *stale[STALE_MOST];
    unsigned n_live, n_stale;
    uint32_t n_slots;   /* of the table */
    struct word *words; /* by kind */
    size_t n_words, first[N_KINDS + 1];
    /* All that a call may change, as it was when the scene was made. */
    char *image;
    unsigned place;
    struct place was;
    struct rm_gate gate;
    struct cache *caches[CACHES_MOST], *copies[CACHES_MOST];
    unsigned n_caches;
};

/* scene.c. The same for the same seed. */
void scene_make(struct scene *s, uint64_t seed, bool integrity);
void scene_restore(struct scene *s);
/* Destroys the heap, damaged as it may be. */
void scene_destroy(struct scene *s);
/* Has anybody written between the region and the pages beside it? */
bool scene_intact(const struct scene *s);

/* aim.c. Lists all words of a sound heap that are metadata. */
void aim_list(struct scene *s);
/* Damages one or some; the (first) word that was hit, in `*hit`. False: there is none of that kind. */
bool aim_damage(struct scene *s, struct rng *rng, enum kind kind, struct word *hit);

/* What came of a trial. */
struct outcome {
    bool found;      /* some call said RM_ECORRUPT */
    bool wrote;      /* and the heap's memory has changed since the call before it */
    bool missed;     /* rm_heap_check said that all is well */
    unsigned strays; /* addresses handed out that are not in the region */
    uint64_t
        answers; /* all that was said, as a number; where calls depend on time, not to be had again */
};
/* From now on this process is one that has had another thread. */
void scene_threads(void);

/* calls.c. Every call, in some order. */
struct outcome calls_make(struct scene *s, struct rng *rng, const struct word *hit);

/* work.c. What came of all trials of a kind. */
struct row {
    uint64_t trials, unlike; /* in all; and those whose damage has changed nothing */
    uint64_t found, missed, wrote, strays, crashes, hangs, outside;
};
struct work {
    uint64_t seed, from, trials;
    enum kind kind;        /* N_KINDS: all, in turn */
    bool integrity, alone; /* one trial, in this process */
    bool threads;          /* which has had another thread, so that heaps have caches */
    unsigned jobs;
};
/* False: a process could not be made. */
bool work_do(const struct work *work, struct row rows[N_KINDS]);

#endif
