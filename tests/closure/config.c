/* SPDX-License-Identifier: MIT */
/*
 * Which heaps, and which calls. Small enough to be closed: with 16 to 64 units of 16 bytes a few blocks meet
 * every neighbour and every gap that they can have. Steady compaction begins with 4 KiB of garbage, and
 * the quick lists have room from 32 KiB on, and what is moved in pieces is above 64 KiB: there the blocks are
 * larger, or one block takes what is too much.
 *
 * Generations of two bits multiply the states by 64 and more, none of which has to do with where blocks lie: where
 * there are more blocks fewer bits are told apart.
 */
#include "closure.h"

/* clang-format off */
#define ASKED(...) .asks = {__VA_ARGS__}, \
                   .n_asks = sizeof((struct ask[]){__VA_ARGS__}) / sizeof(struct ask)
#define TO(...) .sizes = {__VA_ARGS__}, \
                .n_sizes = sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)
#define WITHIN(...) .budgets = {__VA_ARGS__}, \
                    .n_budgets = sizeof((rm_budget_t[]){__VA_ARGS__}) / sizeof(rm_budget_t)
#define WHOLE {0, 0}
#define DEMAND .policy = RM_COMPACT_ON_DEMAND
#define MANUAL .policy = RM_COMPACT_MANUAL
#define STEADY .policy = RM_COMPACT_STEADY

const struct config configs[] = {
    /* The short run. */
    {"runs", "objects in runs, locked, compacted by steps", true,
     .units = 16, DEMAND, .handles = 2, .locks = 1, .generations = 1,
     ASKED({12, 0, 0}), WITHIN(WHOLE, {1, 0})},
    {"runs-3", "three objects in runs, locked", true,
     .units = 16, DEMAND, .handles = 3, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}), WITHIN(WHOLE)},
    {"classes", "objects of two classes", true,
     .units = 16, DEMAND, .handles = 3, .locks = 0, .generations = 0,
     ASKED({12, 0, 0}, {100, 0, RM_ZERO}), WITHIN(WHOLE)},
    {"spans", "blocks aligned and of a span of their own, some not to be compacted for", true,
     .units = 24, DEMAND, .handles = 3, .locks = 1, .generations = 0,
     ASKED({40, 32, 0}, {100, 32, RM_NO_COMPACT}), WITHIN(WHOLE, {1, 0})},
    {"manual", "the same, compacted when asked alone", true,
     .units = 24, MANUAL, .handles = 2, .locks = 1, .generations = 2,
     ASKED({40, 32, 0}, {200, 16, 0}), WITHIN(WHOLE)},
    {"aligned", "blocks with alignments, resized", true,
     .units = 24, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({40, 32, 0}, {88, 16, 0}), TO(200), WITHIN(WHOLE, {1, 0})},
    {"cut", "three objects beside three that stay: runs of three slots", true,
     .units = 20, DEMAND, .fixed = 3, .handles = 3, .locks = 0, .generations = 0,
     ASKED({12, 0, 0}), WITHIN(WHOLE)},
    {"outgrown", "objects that become blocks", true,
     .units = 16, DEMAND, .handles = 2, .locks = 0, .generations = 0,
     ASKED({12, 0, 0}, {100, 0, 0}), TO(20, 150), WITHIN(WHOLE)},
    {"halves", "a block that is moved in pieces", true,
     .units = 4600, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({70008, 0, 0}, {600, 0, 0}), WITHIN({1, 0})},
    {"gaps", "blocks above small sizes; gaps that are kept", true,
     .units = 64, MANUAL, .handles = 2, .locks = 1, .generations = 0,
     ASKED({520, 0, 0}, {300, 0, 0}), TO(600, 0), WITHIN(WHOLE)},
    {"many", "one block, up to five locks and many sizes", true,
     .units = 16, DEMAND, .handles = 1, .locks = 5, .generations = 2,
     ASKED({12, 0, 0}, {100, 0, 0}), TO(0, 24, 200), WITHIN(WHOLE, {1, 0})},
    {"quick", "a heap with a quick list", true,
     .units = 32, .region = 32768, DEMAND, .handles = 1, .locks = 1, .generations = 2,
     ASKED({12, 0, 0}, {100, 0, 0}), TO(24), WITHIN(WHOLE)},
    {"quick-2", "two objects of a quick list", true,
     .units = 32, .region = 32768, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({100, 0, 0}), WITHIN(WHOLE, {1, 0})},
    {"held", "read sections", true,
     .units = 16, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}), WITHIN(WHOLE), .calls = CALL_HOLD},
    {"idle", "compacted until a deadline, and for a nanosecond", true,
     .units = 20, DEMAND, .handles = 2, .locks = 0, .generations = 0,
     ASKED({12, 0, 0}, {40, 32, 0}), WITHIN(WHOLE, {0, 1}), .calls = CALL_IDLE},
    {"looked-at", "metrics, trimming, the largest request", true,
     .units = 16, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}), WITHIN(WHOLE), .calls = CALL_LOOK},
    {"steady", "steady compaction", true,
     .units = 640, STEADY, .handles = 4, .locks = 0, .generations = 0,
     ASKED({2400, 0, 0}), WITHIN(WHOLE)},
    {"crowd", "four blocks", true,
     .units = 64, DEMAND, .handles = 4, .locks = 0, .generations = 0,
     ASKED({120, 16, 0}), WITHIN(WHOLE, {1, 0})},
    /* In a process that has had a second thread; from here on all heaps are. */
    {"between", "a heap between threads", true,
     .units = 16, .between = true, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}), TO(24), WITHIN(WHOLE)},

    /* The long one. */
    {"long-gaps", "the same, with generations", false,
     .units = 64, MANUAL, .handles = 2, .locks = 1, .generations = 1,
     ASKED({520, 0, 0}, {300, 0, 0}), TO(600, 0), WITHIN(WHOLE)},
    {"long-runs", "as runs, with generations of two bits", false,
     .units = 16, DEMAND, .handles = 2, .locks = 1, .generations = 2,
     ASKED({12, 0, 0}), WITHIN(WHOLE, {1, 0}), .calls = CALL_LOOK},
    {"long-spans", "as spans, with generations", false,
     .units = 24, DEMAND, .handles = 3, .locks = 1, .generations = 1,
     ASKED({40, 32, 0}, {100, 32, RM_NO_COMPACT}), WITHIN(WHOLE, {1, 0})},
    {"long-manual", "three blocks, compacted when asked", false,
     .units = 24, MANUAL, .handles = 3, .locks = 1, .generations = 1,
     ASKED({40, 32, 0}, {120, 32, 0}), WITHIN(WHOLE, {1, 0})},
    {"long-halves", "blocks moved in pieces, and into gaps below what is locked", false,
     .units = 8800, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({70008, 0, 0}, {600, 0, 0}), WITHIN({1, 0}, {80000, 0})},
    {"long-cut", "runs of three slots, with locks", false,
     .units = 20, DEMAND, .fixed = 3, .handles = 3, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}), WITHIN(WHOLE)},
    {"long-outgrown", "objects that become blocks, with generations", false,
     .units = 16, DEMAND, .handles = 2, .locks = 0, .generations = 2,
     ASKED({12, 0, 0}, {100, 0, 0}), TO(20, 150), WITHIN(WHOLE)},
    {"long-many", "two blocks with up to four locks", false,
     .units = 16, DEMAND, .handles = 2, .locks = 4, .generations = 0,
     ASKED({12, 0, 0}, {40, 32, 0}), TO(24), WITHIN(WHOLE)},
    {"long-idle", "deadlines, with locks and generations", false,
     .units = 20, DEMAND, .handles = 2, .locks = 1, .generations = 1,
     ASKED({12, 0, 0}, {40, 32, 0}), WITHIN(WHOLE, {0, 1}, {1, 0}), .calls = CALL_IDLE},
    {"long-steady", "steady compaction, with locks and sizes", false,
     .units = 640, STEADY, .handles = 3, .locks = 1, .generations = 1,
     ASKED({2400, 0, 0}, {3000, 0, 0}), WITHIN(WHOLE)},
    {"long-held", "read sections and sizes", false,
     .units = 16, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}, {40, 0, RM_NO_COMPACT}), TO(24), WITHIN(WHOLE), .calls = CALL_HOLD},
    {"long-mixed", "objects and blocks", false,
     .units = 40, DEMAND, .handles = 3, .locks = 0, .generations = 0,
     ASKED({12, 0, 0}, {100, 0, 0}, {520, 0, 0}), WITHIN(WHOLE)},
    {"long-aligned", "two alignments and another size", false,
     .units = 24, DEMAND, .handles = 3, .locks = 1, .generations = 0,
     ASKED({40, 32, 0}, {88, 16, 0}), TO(100), WITHIN(WHOLE)},
    {"long-crowd", "five objects in runs", false,
     .units = 16, MANUAL, .handles = 5, .locks = 0, .generations = 0,
     ASKED({12, 0, 0}), WITHIN(WHOLE)},
    {"long-between", "a heap between threads, two classes", false,
     .units = 16, .between = true, DEMAND, .handles = 2, .locks = 1, .generations = 0,
     ASKED({12, 0, 0}, {100, 0, 0}), TO(24), WITHIN(WHOLE)},
};
/* clang-format on */
const unsigned n_configs = sizeof configs / sizeof configs[0];
