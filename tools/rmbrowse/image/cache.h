/* SPDX-License-Identifier: MIT */
/*
 * Images by their URL. What has been decoded is kept under a budget of bytes, least recently used first to go; an
 * entry itself stays while some page uses it, and with it the image's size, so that layout need not wait for pixels
 * that have been shed.
 */
#ifndef RMBROWSE_CACHE_H
#define RMBROWSE_CACHE_H

#include "image/image.h"

typedef struct cache cache_t;
typedef uint32_t
    image_id_t; /* an entry; 0: none, which is IMAGE_FAILED for all who ask */

typedef enum image_state {
    IMAGE_WANTED, /* nobody has fetched it yet, or its pixels have been shed: nothing to show */
    IMAGE_COMING, /* being fetched */
    IMAGE_THERE,  /* pixels are there */
    IMAGE_FAILED  /* it never will be: a placeholder */
} image_state_t;

/* The entries and their pixels lie in `store`, which must not be held when entries or pixels are added. Asks memory.h
   to be told of shortage. NULL: no memory. */
cache_t *cache_create(store_t *store, size_t budget);
/* Whatever is in use. Nothing may be locked. */
void cache_destroy(cache_t *cache);

/* The entry of a URL, made where there is none, and one user of it more. 0: no memory. */
image_id_t cache_use(cache_t *cache, const char *url);
/* One user less; without any, an entry stays while its fetch goes on, or until the room of its pixels is wanted. */
void cache_unuse(cache_t *cache, image_id_t id);

image_state_t cache_state(const cache_t *cache, image_id_t id);
/* The URL, copied into malloc for the caller to free; NULL: no memory. */
char *cache_url(cache_t *cache, image_id_t id);
/* The natural size in pixels; false where it is not known (yet). */
bool cache_size(const cache_t *cache, image_id_t id, int *width, int *height);

/* Its fetch has begun. One of the three below has to follow, even if the last user is gone. */
void cache_coming(cache_t *cache, image_id_t id);
/* Its fetch was given up: what is IMAGE_COMING is IMAGE_WANTED again. */
void cache_not_coming(cache_t *cache, image_id_t id);
/*
 * Decodes what has come, after as much has been shed as the budget asks for. `bytes` must not lie in an unlocked
 * object. What is pinned is decoded even where the budget is too small, if only there is memory: IMAGE_THERE, or
 * IMAGE_FAILED. What is not pinned, and does not fit beside what is, or finds no memory, is IMAGE_WANTED again, of a
 * known size: it is to be fetched when it comes into view.
 * Returns: whether it is there.
 */
bool cache_arrived(cache_t *cache, image_id_t id, const void *bytes, size_t n);
void cache_failed(cache_t *cache, image_id_t id);

/* The pixels, locked until cache_unlock; false: there are none now. It counts as a use. */
bool cache_lock(cache_t *cache, image_id_t id, image_t *image, void **pixels);
void cache_unlock(cache_t *cache, image_id_t id);

/* An image that is visible is not shed, whatever the budget; pins nest. */
void cache_pin(cache_t *cache, image_id_t id);
void cache_unpin(cache_t *cache, image_id_t id);

struct cache_figures {
    size_t entries, there, bytes, budget, shed; /* shed: how often pixels went */
};
void cache_look(const cache_t *cache, struct cache_figures *figures);

#endif
