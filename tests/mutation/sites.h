/* SPDX-License-Identifier: MIT */
/* The conditional jumps of the library, as sites.sh lists them, and the two mutants of each. */
#ifndef MUTATION_SITES_H
#define MUTATION_SITES_H

#include <stddef.h>
#include <stdint.h>

enum kind { ALWAYS, NEVER, KINDS };
extern const char *const kind_names[KINDS];
enum { N_ROOMS = 200 };
enum { JUMP = 6 }; /* bytes; those that `instrument` has been at are no shorter */

struct site {
    long offset, note;            /* in the file; in the section `jumps` */
    char *function, *file, *text; /* the line of source, and what stands there */
    unsigned line;
    unsigned nth;  /* of those with this text in this function */
    unsigned room; /* which file it is, of N_ROOMS at most */
};

struct site *sites_read(const char *list, const char *source_folder, size_t *n);

/* Names a mutant as long as its function is not another: the place in the file is none of it. */
char *site_key(const struct site *site, enum kind kind);
/* As it stands among the survivors that are explained. */
char *site_survivor(const struct site *site, enum kind kind);

/* A jump to one that is always taken, or to nothing; it keeps its length and its target. */
void site_mutate(const struct site *site, enum kind kind, const uint8_t was[JUMP],
                 uint8_t is[JUMP]);

_Noreturn void fail(int status, const char *what, const char *why);
char **lines_of(const char *file);

#endif
