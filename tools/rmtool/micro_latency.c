/* SPDX-License-Identifier: MIT */
#include "micro.h"
int micro_latency(struct micro *micro) { return micro_skip(micro, "latency", "not yet"); }
