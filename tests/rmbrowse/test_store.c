/* SPDX-License-Identifier: MIT */
/*
 * Stores: objects against a naive model of them, what they tell, when they move, what is said of mistakes. The budget
 * is in test_budget.c.
 */
#include "store/store.h"

#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "store/memory.h"

static bool in_malloc(void) { return strcmp(store_kind, "malloc") == 0; }
static bool stressed(void) { return g_getenv("RMALLOC_STRESS") != NULL; }

static store_t *open_store(compaction_t compaction) {
    store_t *store = store_open("test", compaction);

    g_assert_nonnull(store);
    return store;
}

/* ------------------------------------------------------------------- model */

#define OBJECTS 200

/* An object as it should be: its bytes, and where it is while it is locked. */
struct copy {
    store_t *store;
    ref_t ref;
    GByteArray *bytes;
    unsigned locks;
    void *address;
};

struct model {
    store_t *stores[2];
    struct copy copies[OBJECTS];
};

static size_t any_size(void) {
    switch (g_test_rand_int_range(0, 8)) {
    case 0: return (size_t)g_test_rand_int_range(0, 100000);
    case 1: return (size_t)g_test_rand_int_range(0, 4096);
    default: return (size_t)g_test_rand_int_range(0, 100);
    }
}

static void scribble(guint8 *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) bytes[i] = (guint8)g_test_rand_int();
}

static void copy_check(const struct copy *copy) {
    void *at = store_lock(copy->ref);

    g_assert_cmpuint(store_size(copy->ref), ==, copy->bytes->len);
    if (copy->locks > 0) g_assert_true(at == copy->address);
    g_assert_cmpmem(at, store_size(copy->ref), copy->bytes->data, copy->bytes->len);
    store_unlock(copy->ref);
}

static void copy_make(struct copy *copy, store_t *store) {
    size_t n = any_size();

    copy->store = store;
    copy->bytes = g_byte_array_new();
    g_byte_array_set_size(copy->bytes, (guint)n);
    switch (g_test_rand_int_range(0, 3)) {
    case 0:
        scribble(copy->bytes->data, n);
        copy->ref = store_copy(store, copy->bytes->data, n);
        break;
    case 1:
        if (n > 0) memset(copy->bytes->data, 0, n);
        copy->ref = store_new_zeroed(store, n);
        break;
    default:
        scribble(copy->bytes->data, n);
        copy->ref = store_new(store, n);
        if (n > 0) memcpy(store_lock(copy->ref), copy->bytes->data, n);
        if (n > 0) store_unlock(copy->ref);
    }
    g_assert_true(copy->ref != NO_REF);
}

static void copy_resize(struct copy *copy) {
    size_t before = copy->bytes->len, n = any_size();

    g_assert_true(store_resize(copy->store, &copy->ref, n));
    g_byte_array_set_size(copy->bytes, (guint)n);
    if (n <= before) return;
    scribble(copy->bytes->data + before, n - before);
    memcpy((guint8 *)store_lock(copy->ref) + before, copy->bytes->data + before,
           n - before);
    store_unlock(copy->ref);
}

static void copy_drop(struct copy *copy) {
    for (; copy->locks > 0; copy->locks--) store_unlock(copy->ref);
    store_free(copy->store, copy->ref);
    g_byte_array_unref(copy->bytes);
    *copy = (struct copy){0};
}

static void copy_lock(struct copy *copy) {
    void *at = store_lock(copy->ref);

    if (copy->locks++ > 0) g_assert_true(at == copy->address);
    copy->address = at;
}

/* Something that a browser does with an object. */
static void step(struct model *model) {
    struct copy *copy = &model->copies[g_test_rand_int_range(0, OBJECTS)];
    struct store_work work = {0};

    if (!copy->ref) {
        copy_make(copy, model->stores[g_test_rand_int_range(0, 2)]);
        return;
    }
    copy_check(copy);
    switch (g_test_rand_int_range(0, 10)) {
    case 0:
    case 1: copy_drop(copy); break;
    case 2:
    case 3:
        if (copy->locks == 0) copy_resize(copy);
        break;
    case 4: copy_lock(copy); break;
    case 5:
    case 6:
        if (copy->locks == 0) break;
        store_unlock(copy->ref);
        copy->locks--;
        break;
    case 7: store_idle(clock_wall_ns() + 20000, &work); break;
    default: break;
    }
}

static void check_figures(const struct model *model) {
    for (size_t s = 0; s < 2; s++) {
        struct store_figures figures;
        size_t objects = 0, requested = 0, locked = 0;

        for (size_t i = 0; i < OBJECTS; i++) {
            const struct copy *copy = &model->copies[i];
            if (copy->store != model->stores[s]) continue;
            objects++;
            requested += copy->bytes->len;
            locked += copy->locks > 0;
        }
        store_look(model->stores[s], &figures);
        g_assert_cmpuint(figures.objects, ==, objects);
        g_assert_cmpuint(figures.requested, ==, requested);
        if (in_malloc()) continue;
        g_assert_cmpuint(figures.locked, ==, locked);
        g_assert_cmpuint(figures.footprint, >=, figures.free + figures.requested);
        g_assert_cmpuint(figures.largest_free, <=, figures.free);
    }
}

/* All bytes of all objects, in a read section. */
static void check_held(const struct model *model) {
    for (size_t s = 0; s < 2; s++) store_hold(model->stores[s]);
    for (size_t i = 0; i < OBJECTS; i++) {
        const struct copy *copy = &model->copies[i];
        if (copy->ref)
            g_assert_cmpmem(store_peek(copy->ref), store_size(copy->ref),
                            copy->bytes->data, copy->bytes->len);
    }
    for (size_t s = 0; s < 2; s++) store_release(model->stores[s]);
}

static void test_model(gconstpointer policy) {
    static struct model model;
    compaction_t compaction = (compaction_t)GPOINTER_TO_INT(policy);

    model = (struct model){.stores = {open_store(compaction), open_store(COMPACT_IDLE)}};
    for (unsigned i = 1; i <= (stressed() ? 300 : 4000); i++) {
        step(&model);
        if (i % 100 == 0) check_figures(&model);
        if (i % 100 == 50) check_held(&model);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        if (model.copies[i].ref) copy_drop(&model.copies[i]);
    g_assert_cmpuint(store_close(model.stores[0]), ==, 0);
    g_assert_cmpuint(store_close(model.stores[1]), ==, 0);
}

/* ---------------------------------------------------------------- the list */

static void test_list(void) {
    store_t *first = store_open("first", COMPACT_OFF),
            *second = store_open("second", COMPACT_IDLE);
    store_t *third = store_open("third", COMPACT_STEADY);

    g_assert_true(store_first() == first && store_next(first) == second);
    g_assert_cmpstr(store_name(second), ==, "second");
    g_assert_cmpuint(store_close(second), ==, 0);
    g_assert_true(store_next(first) == third && store_next(third) == NULL);
    store_close(first);
    g_assert_true(store_first() == third);
    store_close(third);
    g_assert_null(store_first());
    g_assert_cmpuint(store_close(NULL), ==, 0);
}

static void test_left(void) {
    if (g_test_subprocess()) {
        store_t *store = store_open("tab 7", COMPACT_OFF);
        ref_t refs[4];

        for (size_t i = 0; i < 4; i++) refs[i] = store_new(store, 10);
        store_free(store, refs[1]);
        store_free(store, NO_REF);
        exit(store_close(store) == 3 ? 0 : 1);
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*store 'tab 7': 3 objects of 30 bytes are left*");
}

/* ------------------------------------------------------------------- moves */

#define PIECE 700

/* Where everything moves at each call, fewer will do. */
static size_t n_pieces(void) { return stressed() ? 400 : 4000; }

/* A store of pieces, all but every fourth of which are freed. */
static store_t *open_perforated(compaction_t compaction, ref_t **list) {
    store_t *store = open_store(compaction);
    ref_t *pieces = *list = g_new(ref_t, n_pieces());

    for (size_t i = 0; i < n_pieces(); i++) {
        pieces[i] = store_new(store, PIECE);
        memset(store_lock(pieces[i]), (int)i & 0xff, PIECE);
        store_unlock(pieces[i]);
    }
    for (size_t i = 0; i < n_pieces(); i++) {
        if (i % 4 == 0) continue;
        store_free(store, pieces[i]);
        pieces[i] = NO_REF;
    }
    return store;
}

static void close_perforated(store_t *store, ref_t *pieces) {
    for (size_t i = 0; i < n_pieces(); i += 4) {
        const guint8 *bytes = store_lock(pieces[i]);

        for (size_t k = 0; k < PIECE; k++) g_assert_cmpuint(bytes[k], ==, i & 0xff);
        store_unlock(pieces[i]);
        store_free(store, pieces[i]);
    }
    g_assert_cmpuint(store_close(store), ==, 0);
    g_free(pieces);
}

/* There is none where each call moves everything. */
static void idle_to_the_end(struct store_work *work) {
    unsigned frames = 0;

    if (stressed()) {
        store_idle(clock_wall_ns() + 5000000, work);
        return;
    }
    while (store_idle(clock_wall_ns() + 5000000, work))
        g_assert_cmpuint(frames++, <, 1000);
    g_assert_false(store_idle(clock_wall_ns() + 5000000, work)); /* the slack, too */
}

/* Headers and handles, 20 bytes and 16 of four slots each, are an eighth of it; and pages. */
static void check_tight(const struct store_figures *figures) {
    g_assert_cmpuint(figures->footprint, <=, figures->requested + figures->requested / 8);
}

static void test_idle(void) {
    ref_t *idle_pieces, *off_pieces;
    store_t *idle = open_perforated(COMPACT_IDLE, &idle_pieces);
    store_t *off = open_perforated(COMPACT_OFF, &off_pieces);
    struct store_work work = {0};
    struct store_figures figures;

    idle_to_the_end(&work);
    store_look(idle, &figures);
    if (!in_malloc()) {
        g_assert_cmpuint(work.moved, >, 0);
        g_assert_cmpuint(work.moved, <=, figures.moved);
        g_assert_cmpuint(work.steps, >, 0);
        g_assert_cmpuint(work.longest_ns, <=, work.ns);
        if (!stressed()) check_tight(&figures);
        store_look(off, &figures);
        if (!stressed()) g_assert_cmpuint(figures.moved, ==, 0);
    }
    store_compact_all(&work);
    store_look(off, &figures);
    if (!in_malloc() && !stressed()) {
        g_assert_cmpuint(figures.moved, >, 0);
        check_tight(&figures);
    }
    close_perforated(idle, idle_pieces);
    close_perforated(off, off_pieces);
}

/* In a held store objects are made and freed, and stay. */
static void test_held(void) {
    ref_t *pieces;
    store_t *store = open_perforated(COMPACT_STEADY, &pieces);
    g_autofree void **at = g_new(void *, n_pieces());
    struct store_work work = {0};
    ref_t more[50];

    store_hold(store);
    store_hold(store);
    for (size_t i = 0; i < n_pieces(); i += 4) at[i] = store_peek(pieces[i]);
    for (size_t i = 0; i < 50; i++) more[i] = store_new(store, PIECE * i);
    for (size_t i = 0; i < 50; i++) store_free(store, more[i]);
    store_idle(clock_wall_ns() + 5000000, &work);
    store_compact_all(&work);
    store_release(store);
    for (size_t i = 0; i < n_pieces(); i += 4)
        g_assert_true(store_peek(pieces[i]) == at[i]);
    store_release(store);
    g_assert_cmpuint(work.moved, ==, 0);
    close_perforated(store, pieces);
}

/* --------------------------------------------------------------------- map */

static void test_map(void) {
    ref_t *pieces;
    store_t *store = open_perforated(COMPACT_OFF, &pieces),
            *empty = open_store(COMPACT_OFF);
    struct store_cell cells[100];
    double live = 0, locked = 0, width, left = (double)(n_pieces() / 4);
    size_t row;

    store_lock(pieces[200]);
    row = store_map(store, cells, 100);
    g_assert_cmpuint(store_map(empty, cells, 0), ==, 0);
    if (in_malloc()) {
        g_assert_cmpuint(row, ==, 0);
    } else {
        g_assert_cmpuint(row, >=, n_pieces() / 4 * PIECE);
        width = (double)row / 100;
        for (size_t i = 0; i < 100; i++) {
            const struct store_cell *cell = &cells[i];
            double sum = (double)cell->live + cell->locked + cell->free + cell->metadata;

            g_assert_cmpfloat(sum, <=, 1.001);
            live += cell->live * width;
            locked += cell->locked * width;
        }
        g_assert_cmpfloat(locked, >=, PIECE - 1);
        g_assert_cmpfloat(locked, <=, PIECE + 32);
        if (!stressed()) { /* between two looks they move, there */
            g_assert_cmpfloat(live, >=, (left - 1) * PIECE - 100);
            g_assert_cmpfloat(live, <=, (left - 1) * (PIECE + 32));
        }
    }
    store_unlock(pieces[200]);
    close_perforated(store, pieces);
    store_close(empty);
}

static void test_longest(void) {
    store_t *store = open_store(COMPACT_OFF);
    ref_t ref = store_new(store, 10);

    g_assert_cmpuint(store_longest_allocation(), >, 0);
    g_assert_cmpuint(store_longest_allocation(), ==, 0);
    store_resize(store, &ref, 100000);
    g_assert_cmpuint(store_longest_allocation(), >, 0);
    store_free(store, ref);
    store_close(store);
}

/* ---------------------------------------------------------------- mistakes */

/* What a browser must not do; true: malloc sees it, too. */
static const struct mistake {
    const char *name, *said;
    bool seen_by_malloc;
} mistakes[] = {
    {"unlock", "*store_unlock: *", true},
    {"free-locked", "*store_free: *", false},
    {"free-twice", "*store_free: *", false},
    {"resize-held", "*store_resize: *held*", true},
    {"resize-locked", "*store_resize: *", false},
    {"lock-none", "*store_lock: *", true},
    {"release", "*store_release: *", true},
};

static void make_mistake(const char *name) {
    store_t *store = open_store(COMPACT_IDLE);
    ref_t ref = store_new(store, 10);

    if (strcmp(name, "unlock") == 0) store_unlock(ref);
    if (strcmp(name, "free-locked") == 0) store_lock(ref);
    if (strcmp(name, "free-twice") == 0) store_free(store, ref);
    if (strncmp(name, "free", 4) == 0) store_free(store, ref);
    if (strcmp(name, "resize-held") == 0) store_hold(store);
    if (strcmp(name, "resize-locked") == 0) store_lock(ref);
    if (strncmp(name, "resize", 6) == 0) store_resize(store, &ref, 1 << 20);
    if (strcmp(name, "lock-none") == 0) store_lock(NO_REF);
    if (strcmp(name, "release") == 0) store_release(store);
}

static void test_mistake(gconstpointer data) {
    const struct mistake *mistake = data;

    if (g_test_subprocess()) {
        make_mistake(mistake->name);
        exit(0);
    }
    if (in_malloc() && !mistake->seen_by_malloc) {
        g_test_skip("malloc does not see it");
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(mistake->said);
}

int main(int argc, char **argv) {
    static const char *const policies[] = {"off", "idle", "steady"};

    g_test_init(&argc, &argv, NULL);
    for (int i = COMPACT_OFF; i <= COMPACT_STEADY; i++) {
        g_autofree char *path = g_strdup_printf("/store/model/%s", policies[i]);
        g_test_add_data_func(path, GINT_TO_POINTER(i), test_model);
    }
    g_test_add_func("/store/list", test_list);
    g_test_add_func("/store/left", test_left);
    g_test_add_func("/store/idle", test_idle);
    g_test_add_func("/store/held", test_held);
    g_test_add_func("/store/map", test_map);
    g_test_add_func("/store/longest", test_longest);
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autofree char *path = g_strdup_printf("/store/mistake/%s", mistakes[i].name);
        g_test_add_data_func(path, &mistakes[i], test_mistake);
    }
    return g_test_run();
}
