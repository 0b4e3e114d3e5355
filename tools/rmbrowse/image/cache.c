/* SPDX-License-Identifier: MIT */
/*
 * Pixels that are there are either held, by a pin or a lock, or idle. Idle ones are on a list, by when they were last
 * used, the tail of which is shed.
 *
 *              cache_arrived                       cache_pin, cache_lock
 *      wanted ---------------> there, idle <-------------------------------> there, held
 *             <---------------                     the last of cache_unpin,
 *                   shed                           cache_unlock
 *
 * Any request for memory, our own too, may have the cache shed: the list is whole, and the table is not locked, at each.
 */
#include "image/cache.h"

#include <stdlib.h>
#include <string.h>

#include "image/entries.h"
#include "store/memory.h"

struct cache {
    struct entries entries;
    image_id_t newest, oldest; /* of idle ones */
    size_t bytes, idle_bytes;  /* of pixels; idle_bytes: of them what may be shed */
    size_t budget;
    size_t n_there, n_shed;
};

static size_t bytes_of(const image_t *image) {
    return (size_t)image->width * (size_t)image->height * 4;
}

/* --------------------------------------------------------------------- idle ones */

static bool is_idle(const struct entry *entry) {
    return entry->state == IMAGE_THERE && entry->pins == 0 && entry->locks == 0;
}

/* Puts one that has become idle at the head of the list, if it has. */
static void rest(cache_t *cache, image_id_t id) {
    struct entry *table = entry_lock(&cache->entries, 1), *entry = &table[id - 1];

    if (is_idle(entry)) {
        entry->newer = 0;
        entry->older = cache->newest;
        *(cache->newest ? &table[cache->newest - 1].newer : &cache->oldest) = id;
        cache->newest = id;
        cache->idle_bytes += bytes_of(&entry->image);
    }
    entry_unlock(&cache->entries);
}

/* Takes one that is idle, and is about not to be, off the list, if it is. */
static void wake(cache_t *cache, image_id_t id) {
    struct entry *table = entry_lock(&cache->entries, 1), *entry = &table[id - 1];

    if (is_idle(entry)) {
        *(entry->newer ? &table[entry->newer - 1].older : &cache->newest) = entry->older;
        *(entry->older ? &table[entry->older - 1].newer : &cache->oldest) = entry->newer;
        cache->idle_bytes -= bytes_of(&entry->image);
    }
    entry_unlock(&cache->entries);
}

/* Removes an entry that nobody has an interest in. */
static void tidy(cache_t *cache, image_id_t id) {
    struct entry *entry = entry_lock(&cache->entries, id);
    bool goes =
        entry->users == 0 && entry->state != IMAGE_THERE && entry->state != IMAGE_COMING;

    entry_unlock(&cache->entries);
    if (goes) entries_remove(&cache->entries, id);
}

/* A shed_fn. */
static bool shed(void *context) {
    cache_t *cache = context;
    image_id_t id = cache->oldest;
    struct entry *entry;

    if (id == 0) return false;
    wake(cache, id);
    entry = entry_lock(&cache->entries, id);
    cache->bytes -= bytes_of(&entry->image);
    cache->n_there--;
    cache->n_shed++;
    entry->state = IMAGE_WANTED;
    store_free(cache->entries.store, entry->image.pixels);
    entry->image.pixels = NO_REF;
    entry_unlock(&cache->entries);
    tidy(cache, id);
    return true;
}

/* Sheds until `more` bytes would be within the budget, or nothing is idle any more. */
static void trim(cache_t *cache, size_t more) {
    while (cache->bytes + more > cache->budget && shed(cache)) {
    }
}

/* ------------------------------------------------------------------ the whole */

cache_t *cache_create(store_t *store, size_t budget) {
    cache_t *cache = calloc(1, sizeof *cache);

    if (!cache) return NULL;
    cache->entries.store = store;
    cache->budget = budget;
    memory_on_shortage(shed, cache);
    return cache;
}

void cache_destroy(cache_t *cache) {
    if (!cache) return;
    memory_forget_shortage(shed, cache);
    entries_finish(&cache->entries);
    free(cache);
}

void cache_look(const cache_t *cache, struct cache_figures *figures) {
    *figures = (struct cache_figures){.entries = cache->entries.n,
                                      .there = cache->n_there,
                                      .bytes = cache->bytes,
                                      .budget = cache->budget,
                                      .shed = cache->n_shed};
}

/* ------------------------------------------------------------------- one entry */

image_id_t cache_use(cache_t *cache, const char *url) {
    image_id_t id = entries_find(&cache->entries, url);

    if (id == 0) id = entries_add(&cache->entries, url);
    if (id == 0) return 0;
    entry_lock(&cache->entries, id)->users++;
    entry_unlock(&cache->entries);
    return id;
}

void cache_unuse(cache_t *cache, image_id_t id) {
    if (id == 0) return;
    entry_lock(&cache->entries, id)->users--;
    entry_unlock(&cache->entries);
    tidy(cache, id);
}

image_state_t cache_state(const cache_t *cache, image_id_t id) {
    image_state_t state;

    if (id == 0) return IMAGE_FAILED;
    state = entry_lock(&cache->entries, id)->state;
    entry_unlock(&cache->entries);
    return state;
}

char *cache_url(cache_t *cache, image_id_t id) {
    char *url;
    ref_t ref;

    if (id == 0) return NULL;
    ref = entry_lock(&cache->entries, id)->url;
    entry_unlock(&cache->entries);
    url = strdup(store_lock(ref));
    store_unlock(ref);
    return url;
}

bool cache_size(const cache_t *cache, image_id_t id, int *width, int *height) {
    if (id == 0) return false;
    const struct entry *entry = entry_lock(&cache->entries, id);

    *width = entry->image.width;
    *height = entry->image.height;
    entry_unlock(&cache->entries);
    return *width > 0;
}

/* ------------------------------------------------------------------ what comes */

/* Of one whose pixels are not there. */
static void become(cache_t *cache, image_id_t id, image_state_t state) {
    struct entry *entry = entry_lock(&cache->entries, id);

    if (entry->state != IMAGE_THERE) entry->state = state;
    entry_unlock(&cache->entries);
    tidy(cache, id);
}

void cache_coming(cache_t *cache, image_id_t id) {
    if (id != 0) become(cache, id, IMAGE_COMING);
}

void cache_not_coming(cache_t *cache, image_id_t id) {
    if (cache_state(cache, id) == IMAGE_COMING) become(cache, id, IMAGE_WANTED);
}

void cache_failed(cache_t *cache, image_id_t id) {
    if (id != 0) become(cache, id, IMAGE_FAILED);
}

/* Whether an image of that size may be decoded, now that its size is known. */
static bool admit(cache_t *cache, image_id_t id, const image_t *image) {
    struct entry *entry = entry_lock(&cache->entries, id);
    bool pinned = entry->pins > 0;

    entry->image = *image;
    entry_unlock(&cache->entries);
    if (!pinned && cache->bytes - cache->idle_bytes + bytes_of(image) > cache->budget)
        return false;
    trim(cache, bytes_of(image));
    return true;
}

static void be_there(cache_t *cache, image_id_t id, const image_t *image) {
    struct entry *entry = entry_lock(&cache->entries, id);

    entry->image = *image;
    entry->state = IMAGE_THERE;
    entry_unlock(&cache->entries);
    cache->bytes += bytes_of(image);
    cache->n_there++;
    rest(cache, id);
}

/* Why it is not there, as the state that it gets. */
static image_state_t state_without(const cache_t *cache, image_id_t id,
                                   image_status_t status) {
    bool pinned = entry_lock(&cache->entries, id)->pins > 0;

    entry_unlock(&cache->entries);
    return status == IMAGE_NO_MEMORY && !pinned ? IMAGE_WANTED : IMAGE_FAILED;
}

bool cache_arrived(cache_t *cache, image_id_t id, const void *bytes, size_t n) {
    image_status_t status;
    image_t image;

    if (id == 0) return false;
    if (cache_state(cache, id) == IMAGE_THERE) return true;
    status = image_measure(bytes, n, &image);
    if (status == IMAGE_OK) {
        if (admit(cache, id, &image))
            status = image_decode(cache->entries.store, bytes, n, &image);
        else
            status = IMAGE_NO_MEMORY;
    }
    if (status == IMAGE_OK)
        be_there(cache, id, &image);
    else
        become(cache, id, state_without(cache, id, status));
    return status == IMAGE_OK;
}

/* -------------------------------------------------------------------- in use */

bool cache_lock(cache_t *cache, image_id_t id, image_t *image, void **pixels) {
    struct entry *entry;

    if (cache_state(cache, id) != IMAGE_THERE) return false;
    wake(cache, id);
    entry = entry_lock(&cache->entries, id);
    entry->locks++;
    *image = entry->image;
    entry_unlock(&cache->entries);
    *pixels = store_lock(image->pixels);
    return true;
}

void cache_unlock(cache_t *cache, image_id_t id) {
    struct entry *entry = entry_lock(&cache->entries, id);

    entry->locks--;
    store_unlock(entry->image.pixels);
    entry_unlock(&cache->entries);
    rest(cache, id);
    trim(cache, 0);
}

void cache_pin(cache_t *cache, image_id_t id) {
    if (id == 0) return;
    wake(cache, id);
    entry_lock(&cache->entries, id)->pins++;
    entry_unlock(&cache->entries);
}

void cache_unpin(cache_t *cache, image_id_t id) {
    if (id == 0) return;
    entry_lock(&cache->entries, id)->pins--;
    entry_unlock(&cache->entries);
    rest(cache, id);
    trim(cache, 0);
}
