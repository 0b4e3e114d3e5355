/* SPDX-License-Identifier: MIT */
/*
 * The generators: each writes one trace. At scale 1 that is a few million events; the
 * scale multiplies what is live and how many events there are alike. generate.c names
 * them.
 */
#ifndef RMTOOL_SYNTH_STORIES_H
#define RMTOOL_SYNTH_STORIES_H

#include "trace/synth.h"

/* synth_caches.c */
void synth_redis(struct synth *synth);
void synth_mesh_lru(struct synth *synth);
void synth_redis_defrag(struct synth *synth);

/* synth_programs.c */
void synth_churn(struct synth *synth);
void synth_smallhot(struct synth *synth);
void synth_fragkill(struct synth *synth);
void synth_browser(struct synth *synth);
void synth_ruby(struct synth *synth);

/* synth_ramcloud.c */
void synth_ramcloud(struct synth *synth);

#endif
