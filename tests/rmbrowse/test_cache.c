/* SPDX-License-Identifier: MIT */
/*
 * The cache of images against a naive model: after each call both say the same of every image, and what was shed is
 * what had been idle for longest.
 */
#include <glib.h>
#include <string.h>

#include "image/cache.h"
#include "samples.h"
#include "store/memory.h"

enum { IMAGES = 40, BUDGET = 24 << 10, PNG_COLOUR = 26 };

/* An image: the file, its pixels, and what the model knows of it. */
struct subject {
    char url[40];
    GByteArray *file;
    uint32_t *pixels;
    int width, height;

    image_id_t id; /* 0: it has no entry */
    image_state_t state;
    bool measured;
    int users, pins, locks;
    int idle_since; /* a step */
};

struct world {
    store_t *store;
    cache_t *cache;
    struct subject subjects[IMAGES];
    size_t shed;
    int step;
};

static size_t bytes_of(const struct subject *s) {
    return (size_t)s->width * (size_t)s->height * 4;
}

/* --------------------------------------------------------------------- the model */

static bool is_idle(const struct subject *s) {
    return s->id && s->state == IMAGE_THERE && s->pins == 0 && s->locks == 0;
}

static size_t model_bytes(const struct world *w, bool held_alone) {
    size_t bytes = 0;

    for (int i = 0; i < IMAGES; i++)
        if (w->subjects[i].id && w->subjects[i].state == IMAGE_THERE &&
            !(held_alone && is_idle(&w->subjects[i])))
            bytes += bytes_of(&w->subjects[i]);
    return bytes;
}

static void model_tidy(struct subject *s) {
    if (s->users > 0 || s->state == IMAGE_THERE || s->state == IMAGE_COMING) return;
    s->id = 0;
    s->measured = false;
}

static bool model_shed(struct world *w) {
    struct subject *oldest = NULL;

    for (int i = 0; i < IMAGES; i++)
        if (is_idle(&w->subjects[i]) &&
            (!oldest || w->subjects[i].idle_since < oldest->idle_since))
            oldest = &w->subjects[i];
    if (!oldest) return false;
    oldest->state = IMAGE_WANTED;
    model_tidy(oldest);
    w->shed++;
    return true;
}

static void model_trim(struct world *w, size_t more) {
    while (model_bytes(w, false) + more > BUDGET && model_shed(w)) {
    }
}

static void model_become(struct subject *s, image_state_t state) {
    if (s->state != IMAGE_THERE) s->state = state;
    model_tidy(s);
}

/* `n` bytes of the file came; of none, something else. */
static bool model_arrived(struct world *w, struct subject *s, size_t n) {
    if (s->state == IMAGE_THERE) return true;
    if (n == 0) {
        model_become(s, IMAGE_FAILED);
        return false;
    }
    s->measured = true;
    if (s->pins == 0 && model_bytes(w, true) + bytes_of(s) > BUDGET) {
        model_become(s, IMAGE_WANTED);
        return false;
    }
    model_trim(w, bytes_of(s));
    model_become(s, n == s->file->len ? IMAGE_THERE : IMAGE_FAILED);
    s->idle_since = w->step;
    return n == s->file->len;
}

/* ---------------------------------------------------------------------- the world */

static void begin(struct world *w) {
    *w = (struct world){.store = store_open("cached", COMPACT_STEADY)};
    g_assert_nonnull(w->store);
    w->cache = cache_create(w->store, BUDGET);
    g_assert_nonnull(w->cache);
    for (int i = 0; i < IMAGES; i++) {
        struct subject *s = &w->subjects[i];
        int tolerance;

        g_snprintf(s->url, sizeof s->url, "http://h/%d.png", i);
        s->width = g_test_rand_int_range(1, i == 0 ? 200 : 50);
        s->height = g_test_rand_int_range(1, 50);
        s->pixels = g_new(uint32_t, s->width * s->height);
        s->file = sample_make(PNG_COLOUR, s->width, s->height, s->pixels, &tolerance);
    }
}

static void end(struct world *w) {
    cache_destroy(w->cache);
    for (int i = 0; i < IMAGES; i++) {
        g_byte_array_unref(w->subjects[i].file);
        g_free(w->subjects[i].pixels);
    }
    g_assert_cmpuint(store_close(w->store), ==, 0);
}

static void assert_same(const struct world *w) {
    struct cache_figures figures;
    size_t entries = 0, there = 0;

    for (int i = 0; i < IMAGES; i++) {
        const struct subject *s = &w->subjects[i];
        int width, height;

        if (s->id == 0) continue;
        entries++;
        there += s->state == IMAGE_THERE;
        g_assert_cmpint(cache_state(w->cache, s->id), ==, s->state);
        g_assert_cmpint(cache_size(w->cache, s->id, &width, &height), ==, s->measured);
        if (!s->measured) continue;
        g_assert_cmpint(width, ==, s->width);
        g_assert_cmpint(height, ==, s->height);
    }
    cache_look(w->cache, &figures);
    g_assert_cmpuint(figures.entries, ==, entries);
    g_assert_cmpuint(figures.there, ==, there);
    g_assert_cmpuint(figures.bytes, ==, model_bytes(w, false));
    g_assert_cmpuint(figures.shed, ==, w->shed);
    g_assert_cmpuint(figures.budget, ==, BUDGET);
}

/* ---------------------------------------------------------------------- the steps */

static void use(struct world *w, struct subject *s) {
    image_id_t id = cache_use(w->cache, s->url);
    g_autofree char *url = cache_url(w->cache, id);

    g_assert_cmpuint(id, !=, 0);
    g_assert_cmpstr(url, ==, s->url);
    if (s->id == 0) s->state = IMAGE_WANTED;
    for (int i = 0; i < IMAGES; i++)
        g_assert_true((w->subjects[i].id == id) == (s->id != 0 && &w->subjects[i] == s));
    s->id = id;
    s->users++;
}

static void unuse(struct world *w, struct subject *s) {
    if (s->users == 0 || (s->users == 1 && s->pins + s->locks > 0)) return;
    cache_unuse(w->cache, s->id);
    s->users--;
    model_tidy(s);
}

static void comes(struct world *w, struct subject *s) {
    static const char other[] = "<html>404</html>";
    size_t n = s->file->len;
    bool there;

    if (g_test_rand_int_range(0, 8) == 0) n = g_test_rand_bit() ? 0 : n - 1;
    there = cache_arrived(w->cache, s->id, n ? (char *)s->file->data : other,
                          n ? n : sizeof other);
    g_assert_cmpint(there, ==, model_arrived(w, s, n));
}

static void fetched(struct world *w, struct subject *s) {
    if (s->id == 0) return;
    if (s->state == IMAGE_WANTED) {
        cache_coming(w->cache, s->id);
        model_become(s, IMAGE_COMING);
        return;
    }
    switch (g_test_rand_int_range(0, 8)) {
    case 0:
        cache_failed(w->cache, s->id);
        model_become(s, IMAGE_FAILED);
        break;
    case 1:
        cache_not_coming(w->cache, s->id);
        if (s->state == IMAGE_COMING) model_become(s, IMAGE_WANTED);
        break;
    default: comes(w, s);
    }
}

static void pin(struct world *w, struct subject *s) {
    if (s->users == 0) return;
    cache_pin(w->cache, s->id);
    s->pins++;
}

static void unpin(struct world *w, struct subject *s) {
    if (s->pins == 0) return;
    cache_unpin(w->cache, s->id);
    s->pins--;
    s->idle_since = w->step;
    model_trim(w, 0);
}

static void lock(struct world *w, struct subject *s) {
    image_t image;
    void *pixels;

    if (s->users == 0) return;
    g_assert_cmpint(cache_lock(w->cache, s->id, &image, &pixels), ==,
                    s->state == IMAGE_THERE);
    if (s->state != IMAGE_THERE) return;
    s->locks++;
    g_assert_cmpmem(pixels, (size_t)(image.stride * image.height), s->pixels,
                    bytes_of(s));
}

static void unlock(struct world *w, struct subject *s) {
    if (s->locks == 0) return;
    cache_unlock(w->cache, s->id);
    s->locks--;
    s->idle_since = w->step;
    model_trim(w, 0);
}

/* The last page that shows it is closed. */
static void leave(struct world *w, struct subject *s) {
    while (s->locks > 0) unlock(w, s);
    while (s->pins > 0) unpin(w, s);
    while (s->users > 0) unuse(w, s);
}

/* Someone else wants more memory than there is: the cache sheds, as much as is asked of it. */
static void shortage(struct world *w) {
    struct cache_figures figures;

    memory_limit(1);
    store_free(w->store, store_new(w->store, 1 << 20));
    memory_limit(0);
    cache_look(w->cache, &figures);
    while (w->shed < figures.shed) g_assert_true(model_shed(w));
}

/* All is moved at each call: there are to be fewer. */
static bool stressed(void) { return g_getenv("RMALLOC_STRESS") != NULL; }

static void test_model(void) {
    static void (*const steps[])(struct world *, struct subject *) = {
        use, use, unuse, fetched, fetched, fetched, pin, unpin, lock, unlock, leave};
    int n_steps = stressed() ? 2000 : 10000; /* it moves all at each call */
    struct world w;

    begin(&w);
    for (w.step = 1; w.step <= n_steps; w.step++) {
        struct subject *s = &w.subjects[g_test_rand_int_range(0, IMAGES)];
        if (g_test_rand_int_range(0, 300) == 0)
            shortage(&w);
        else
            steps[g_test_rand_int_range(0, G_N_ELEMENTS(steps))](&w, s);
        if (!stressed() || w.step % 40 == 0) assert_same(&w);
    }
    for (int i = 0; i < IMAGES; i++)
        while (w.subjects[i].locks > 0) unlock(&w, &w.subjects[i]);
    g_test_message("%zu shed", w.shed);
    g_assert_cmpuint(w.shed, >, (size_t)n_steps / 1000);
    end(&w);
}

/* ------------------------------------------------------------------ what has edges */

static void test_many(void) {
    enum { MANY = 600 };
    int n = stressed() ? 100 : MANY;
    struct world w;
    struct cache_figures figures;
    image_id_t ids[MANY];
    char url[40];

    begin(&w);
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < n; i++) {
            g_snprintf(url, sizeof url, "http://h/%d", i);
            image_id_t id = cache_use(w.cache, url);
            g_assert_cmpuint(id, !=, 0);
            if (again) g_assert_cmpuint(id, ==, ids[i]);
            ids[i] = id;
        }
    cache_look(w.cache, &figures);
    g_assert_cmpuint(figures.entries, ==, (size_t)n);
    for (int i = 0; i < 2 * n; i++) cache_unuse(w.cache, ids[i * 7 % n]);
    cache_look(w.cache, &figures);
    g_assert_cmpuint(figures.entries, ==, 0);
    end(&w);
}

/* One that is larger than the budget is there while it is pinned. */
static void test_too_large_for_budget(void) {
    struct world w;
    uint32_t *pixels = g_new(uint32_t, 200 * 100);
    int tolerance, width, height;
    GByteArray *file = sample_make(PNG_COLOUR, 200, 100, pixels, &tolerance);
    image_id_t id;

    begin(&w);
    id = cache_use(w.cache, "large");
    g_assert_false(cache_arrived(w.cache, id, file->data, file->len));
    g_assert_cmpint(cache_state(w.cache, id), ==, IMAGE_WANTED);
    g_assert_true(cache_size(w.cache, id, &width, &height));
    cache_pin(w.cache, id);
    g_assert_true(cache_arrived(w.cache, id, file->data, file->len));
    cache_unpin(w.cache, id);
    g_assert_cmpint(cache_state(w.cache, id), ==, IMAGE_WANTED);
    end(&w);
    g_byte_array_unref(file);
    g_free(pixels);
}

static void test_none(void) {
    struct world w;
    image_t image;
    void *pixels;
    int width, height;

    begin(&w);
    g_assert_cmpint(cache_state(w.cache, 0), ==, IMAGE_FAILED);
    g_assert_null(cache_url(w.cache, 0));
    g_assert_false(cache_size(w.cache, 0, &width, &height));
    g_assert_false(cache_arrived(w.cache, 0, "", 0));
    g_assert_false(cache_lock(w.cache, 0, &image, &pixels));
    cache_coming(w.cache, 0);
    cache_not_coming(w.cache, 0);
    cache_failed(w.cache, 0);
    cache_pin(w.cache, 0);
    cache_unpin(w.cache, 0);
    cache_unuse(w.cache, 0);
    end(&w);
    cache_destroy(NULL);
}

/* Until there is no memory for one entry more; those that are there stay as they are. */
static void test_no_memory(void) {
    enum { MOST = 100000 };
    struct world w;
    struct cache_figures figures;
    char *url = g_strnfill(1 << 20, 'x');
    int n = 0;

    begin(&w);
    use(&w, &w.subjects[0]);
    memory_limit(1);
    while (n < MOST) {
        g_snprintf(url, 10, "%d", n);
        url[9] = 'x';
        if (cache_use(w.cache, url) == 0) break;
        n++;
    }
    memory_limit(0);
    g_assert_cmpint(n, <, MOST);
    cache_look(w.cache, &figures);
    g_assert_cmpuint(figures.entries, ==, (size_t)n + 1);
    use(&w, &w.subjects[0]);
    end(&w);
    g_free(url);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cache/model", test_model);
    g_test_add_func("/cache/many", test_many);
    g_test_add_func("/cache/too-large-for-budget", test_too_large_for_budget);
    g_test_add_func("/cache/none", test_none);
    g_test_add_func("/cache/no-memory", test_no_memory);
    return g_test_run();
}
