/* SPDX-License-Identifier: MIT */
/* All cases, sorted by source and line. */
#ifndef CASES_H
#define CASES_H

#include "misuse.h"

unsigned cases_count(void);
const struct misuse *cases_at(unsigned i);
void cases_sort(void);
/* Whether the text names the source of a case: "args.c:". */
bool cases_mention(const char *text);

#endif
