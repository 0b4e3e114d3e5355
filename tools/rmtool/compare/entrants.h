/* SPDX-License-Identifier: MIT */
/*
 * Who is compared: the table of allocators, and how each is found. Nothing of them is
 * needed to build; a library that is not there is an entrant that is absent.
 */
#ifndef RMTOOL_ENTRANTS_H
#define RMTOOL_ENTRANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "rmalloc.h"

enum entrant_kind {
    ENTRANT_FLOOR,   /* the replay alone */
    ENTRANT_HANDLES, /* rmalloc */
    ENTRANT_LIBC,    /* the malloc of the process */
    ENTRANT_LIBRARY, /* a malloc in a shared object */
};

#define ENTRANT_NAME 32
#define ENTRANT_PATH 256
#define ENTRANT_NOTE 128

/* Plain data: it is handed to measuring processes as it is. */
struct entrant {
    char name[ENTRANT_NAME];
    enum entrant_kind kind;
    rm_threads_t threads; /* rmalloc's settings */
    rm_compaction_t policy;
    bool by_call;            /* locks are calls even where they could be inline */
    char path[ENTRANT_PATH]; /* of a library, as the dynamic linker takes it */
    bool preload;            /* the library has to be there from the start */
    bool present;
    char version[ENTRANT_NOTE]; /* or why it is absent */
};

#define ENTRANTS_MAX 24

struct entrants {
    struct entrant list[ENTRANTS_MAX];
    size_t n;
};

/* All that are known by name, found or not; the floor is the first. */
void entrants_known(struct entrants *entrants);

/*
 * Adds a library. NAME=PATH.
 * Returns: a status.
 */
int entrants_add(struct entrants *entrants, const char *text);

/* Keeps the floor and those in a list with commas between. Returns: a status. */
int entrants_keep(struct entrants *entrants, const char *list);

/* Looks for those that are libraries, and asks all for their version. Returns: a status. */
int entrants_find(struct entrants *entrants);

#endif
