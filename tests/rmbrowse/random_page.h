/* SPDX-License-Identifier: MIT */
/* HTML by chance: all that layout knows, in one another, well formed or not. */
#ifndef RMBROWSE_RANDOM_PAGE_H
#define RMBROWSE_RANDOM_PAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A page of about so many elements. images: names for <img>. */
GString *random_page(uint32_t seed, unsigned elements, const char *const *images,
                     unsigned n_images);

/* A table whose cells tile a grid of so many rows and columns, with colspan and rowspan; all have ids c0, c1 ... */
GString *random_table(uint32_t seed, unsigned rows, unsigned columns, unsigned *n_cells);

#endif
