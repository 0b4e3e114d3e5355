/* SPDX-License-Identifier: MIT */
#include "browse/pictures.h"

#include <stdlib.h>

struct picture {
    image_id_t id;  /* a use of the cache's; 0: nothing is being fetched here */
    fetch_t *fetch; /* NULL: it is done */
    const void *owner;
    ref_t body; /* NO_REF, and done: it has failed */
    size_t size;
};

struct pictures {
    struct engine *engine;
    struct picture coming[PICTURES_AT_ONCE];
    uint64_t settled;
};

pictures_t *pictures_create(struct engine *engine) {
    pictures_t *pictures = calloc(1, sizeof *pictures);
    if (pictures != NULL) pictures->engine = engine;
    return pictures;
}

static void give_up(pictures_t *pictures, struct picture *picture) {
    if (picture->fetch != NULL) fetch_cancel(picture->fetch);
    store_free(pictures->engine->images, picture->body);
    cache_not_coming(pictures->engine->cache, picture->id);
    cache_unuse(pictures->engine->cache, picture->id);
    *picture = (struct picture){0};
    pictures->settled++;
}

void pictures_forget(pictures_t *pictures, const void *owner) {
    for (unsigned i = 0; i < PICTURES_AT_ONCE; i++) {
        struct picture *picture = &pictures->coming[i];
        if (picture->id != 0 && picture->owner == owner) give_up(pictures, picture);
    }
}

void pictures_destroy(pictures_t *pictures) {
    if (pictures == NULL) return;
    for (unsigned i = 0; i < PICTURES_AT_ONCE; i++) {
        if (pictures->coming[i].id != 0) give_up(pictures, &pictures->coming[i]);
    }
    free(pictures);
}

/* It is decoded later, in what a frame has for this: not while the network waits. */
static void arrived(void *context, const struct fetch_result *result) {
    struct picture *picture = context;
    picture->fetch = NULL;
    picture->body = result->body;
    picture->size = result->error == NULL ? result->size : 0;
}

static struct picture *free_place(pictures_t *pictures) {
    for (unsigned i = 0; i < PICTURES_AT_ONCE; i++) {
        if (pictures->coming[i].id == 0) return &pictures->coming[i];
    }
    return NULL;
}

bool pictures_fetch(pictures_t *pictures, image_id_t id, const void *owner) {
    struct engine *engine = pictures->engine;
    struct picture *picture = free_place(pictures);
    if (picture == NULL) return false;
    char *url = cache_url(engine->cache, id);
    /* A use of its own: the page may be gone when it arrives. */
    image_id_t used = url != NULL ? cache_use(engine->cache, url) : 0;
    if (used != 0) {
        *picture = (struct picture){.id = used, .owner = owner};
        picture->fetch =
            fetch_begin(engine->fetcher, engine->images, url, arrived, picture);
        /* Where it could not begin it is done, without a body. */
        cache_coming(engine->cache, used);
    } else {
        cache_failed(engine->cache, id);
        pictures->settled++;
    }
    free(url);
    return true;
}

static void decode(pictures_t *pictures, struct picture *picture) {
    struct engine *engine = pictures->engine;
    int width, height;
    bool usable = picture->body != NO_REF && picture->size > 0;
    if (usable) {
        cache_arrived(engine->cache, picture->id, store_lock(picture->body),
                      picture->size);
        store_unlock(picture->body);
    }
    /* Where there was no room for its pixels the size is known at least, and it is wanted again when it is seen.
       Without one it has failed for good: nothing is fetched again and again. */
    if (!usable || !cache_size(engine->cache, picture->id, &width, &height))
        cache_failed(engine->cache, picture->id);
    store_free(engine->images, picture->body);
    cache_unuse(engine->cache, picture->id);
    *picture = (struct picture){0};
    pictures->settled++;
}

bool pictures_work(pictures_t *pictures, uint64_t deadline_ns) {
    bool first = true;
    for (unsigned i = 0; i < PICTURES_AT_ONCE; i++) {
        struct picture *picture = &pictures->coming[i];
        if (picture->id == 0 || picture->fetch != NULL) continue;
        if (!first && clock_wall_ns() >= deadline_ns) return true;
        decode(pictures, picture);
        first = false;
    }
    return false;
}

unsigned pictures_coming(const pictures_t *pictures) {
    unsigned n = 0;
    for (unsigned i = 0; i < PICTURES_AT_ONCE; i++) n += pictures->coming[i].id != 0;
    return n;
}

uint64_t pictures_settled(const pictures_t *pictures) { return pictures->settled; }
