/* SPDX-License-Identifier: MIT */
/* Images on their way into the cache: some are fetched at a time, and decoded one after another in frames. */
#ifndef RMBROWSE_PICTURES_H
#define RMBROWSE_PICTURES_H

#include "browse/engine.h"

enum { PICTURES_AT_ONCE = 16 };
typedef struct pictures pictures_t;

/* NULL: no memory. */
pictures_t *pictures_create(struct engine *engine);
void pictures_destroy(pictures_t *pictures);

/* Begins to fetch an entry of the cache that is IMAGE_WANTED, for `owner`. Returns: false where there are enough on
   their way: it is to be asked for again. What fails is IMAGE_FAILED then. */
bool pictures_fetch(pictures_t *pictures, image_id_t id, const void *owner);
/* Gives up what is being fetched for `owner`: others may want it again. */
void pictures_forget(pictures_t *pictures, const void *owner);
/* Decodes what has come, at least one image, until the deadline. Returns: whether there is more. */
bool pictures_work(pictures_t *pictures, uint64_t deadline_ns);
/* How many are on their way. */
unsigned pictures_coming(const pictures_t *pictures);
/* Changes whenever an image has come, or failed, or was given up. */
uint64_t pictures_settled(const pictures_t *pictures);

#endif
