/* SPDX-License-Identifier: MIT */
/*
 * The size classes against what class.h says of them: every size, every class, every length of a
 * run and every slot in it.
 */
#include <glib.h>

#include "shape.h"

#include "area.h"

/* A slot and the reference to it, in bytes. */
static unsigned cost(const struct size_class *class) {
    return class->embedded ? class->stride : class->stride + 4u;
}

/* The cheapest class whose slots hold a size at its alignment, found by trying all. */
static unsigned naive_class(size_t size) {
    unsigned best = 0;
    for (unsigned c = 1; c < CLASSES; c++) {
        const struct size_class *class = &size_classes[c];
        if (class->capacity < size || class->stride % size_alignment(size) != 0) continue;
        if (best == 0 || cost(class) < cost(&size_classes[best])) best = c;
    }
    return best;
}

static void test_sizes(void) {
    for (size_t size = 0; size <= SMALL_MAX; size++) {
        unsigned c = class_of(size);
        g_assert_cmpuint(c, >=, 1);
        g_assert_cmpuint(c, <, CLASSES);
        g_assert_cmpuint(size_classes[c].capacity, >=, size);
        g_assert_cmpuint(size_classes[c].stride % size_alignment(size), ==, 0);
        g_assert_cmpuint(cost(&size_classes[c]), ==,
                         cost(&size_classes[naive_class(size)]));
        if (size > 0) g_assert_cmpuint(c, >=, class_of(size - 1));
    }
    g_assert_cmpuint(class_of(SMALL_MAX), ==, CLASSES - 1);
}

/* Without an alignment asked for: 16 for multiples of 16 and from 128 on, else 8. */
static void test_alignment(void) {
    g_assert_cmpuint(size_alignment(0), ==, 8);
    for (size_t size = 1; size < 128; size++)
        g_assert_cmpuint(size_alignment(size), ==, size % 16 == 0 ? 16 : 8);
    for (size_t size = 128; size < 1000; size++)
        g_assert_cmpuint(size_alignment(size), ==, 16);
}

/* Each stride has its two shapes, one after the other, and each class is some size's. */
static void test_classes(void) {
    bool used[CLASSES] = {false};
    for (size_t size = 0; size <= SMALL_MAX; size++) used[class_of(size)] = true;
    for (unsigned c = 1; c < CLASSES; c++) {
        const struct size_class *class = &size_classes[c];
        unsigned k = (c - 1) / 2, stride = k < 16 ? 8 + 8 * k : 144 + 16 * (k - 16);
        g_assert_true(used[c]);
        g_assert_cmpuint(class->stride, ==, stride);
        g_assert_cmpuint(class->embedded, ==, c % 2);
        g_assert_cmpuint(class->capacity, ==, stride - 4 * class->embedded);
        g_assert_cmpuint(class->slots_max, >=, 2);
        g_assert_cmpuint(class->slots_max, <=, RUN_SLOTS_MAX);
        g_assert_cmpuint(class->capacity, >=, 4); /* half the list's links */
        g_assert_cmpuint(class->stride, >=, 8);   /* both of them */
    }
}

static void check_slot(const struct size_class *class, unsigned slots, unsigned i) {
    unsigned at = slot_offset(class, i);
    unsigned alignment = class->stride % 16 == 0 ? 16 : 8;
    /* A header lies at 8 modulo 16. */
    g_assert_cmpuint((8 + at) % alignment, ==, 0);
    g_assert_cmpuint(slot_index(class, at), ==, i);
    g_assert_cmpuint(at - HEADER, <=, 4095);
    g_assert_cmpuint(at + class->stride, <=, units_bytes(run_units(class, slots)));
    if (class->embedded) g_assert_cmpuint(ref_offset(class, i), ==, at + class->capacity);
}

/* No byte of a run is used twice: header, references, capacities. */
static void check_overlaps(const struct size_class *class, unsigned slots) {
    static unsigned char used[RUN_SLOTS_MAX * SMALL_MAX];
    size_t bytes = units_bytes(run_units(class, slots));
    g_assert_cmpuint(bytes, <=, sizeof used);
    memset(used, 0, bytes);
    memset(used, 1, HEADER);
    for (unsigned i = 0; i < slots; i++) {
        unsigned slot = slot_offset(class, i), ref = ref_offset(class, i);
        for (unsigned b = 0; b < class->capacity; b++) used[slot + b]++;
        for (unsigned b = 0; b < 4; b++) used[ref + b]++;
    }
    for (size_t b = 0; b < bytes; b++) g_assert_cmpuint(used[b], <=, 1);
}

static void test_runs(void) {
    for (unsigned c = 1; c < CLASSES; c++) {
        const struct size_class *class = &size_classes[c];
        for (unsigned slots = 1; slots <= class->slots_max; slots++) {
            for (unsigned i = 0; i < slots; i++) check_slot(class, slots, i);
            check_overlaps(class, slots);
            size_t bytes = units_bytes(run_units(class, slots));
            size_t used = slot_offset(class, slots - 1) + (size_t) class->stride;
            g_assert_cmpuint(used + UNIT, >, bytes); /* no unit spare */
            if (slots > 1)
                g_assert_cmpuint(bytes, >=, units_bytes(run_units(class, slots - 1)));
        }
    }
}

/* An entry says a plain object's size and slot, an odd one's class and slot. */
static void test_shapes(void) {
    uint64_t others = ~((uint64_t)0x7fff << ENTRY_SHAPE_SHIFT);
    for (unsigned c = 1; c < CLASSES; c++)
        for (unsigned size = 0; size <= size_classes[c].capacity; size++)
            for (unsigned i = 0; i < RUN_SLOTS_MAX; i += 1 + size % 7) {
                uint64_t shape = shape_make(c, i, size);
                uint64_t e = others | shape << ENTRY_SHAPE_SHIFT;
                g_assert_cmpuint(shape, <, 1 << 15);
                g_assert_cmpuint(shape_class(e), ==, c);
                g_assert_cmpuint(shape_index(e), ==, i);
                bool plain = size != 0 && class_of(size) == c;
                g_assert_true(shape_is_plain(e) == plain);
                if (plain) g_assert_cmpuint(shape_size(e), ==, size);
                if (plain) g_assert_cmpuint(size, >=, size_classes[c].least);
                e = shape_moved(e, 4096, (i + 5) % RUN_SLOTS_MAX);
                g_assert_cmpuint(shape_class(e), ==, c);
                g_assert_cmpuint(shape_index(e), ==, (i + 5) % RUN_SLOTS_MAX);
                g_assert_cmpuint(entry_place(e), ==, 4096);
                if (plain) g_assert_cmpuint(shape_size(e), ==, size);
            }
    for (unsigned size = 0; size < 2 * SHAPE_MEDIUM_MAX; size++)
        for (unsigned aligned = 0; aligned < 2; aligned++) {
            uint64_t shape = shape_of_block(size, aligned != 0);
            uint64_t e = others | shape << ENTRY_SHAPE_SHIFT;
            bool medium = !aligned && size > SMALL_MAX && size <= SHAPE_MEDIUM_MAX;
            g_assert_cmpuint(shape_class(e), ==, 0);
            g_assert_true(!shape_is_plain(e) && shape_is_medium(e) == medium);
            if (medium) g_assert_cmpuint(shape_medium_size(e), ==, size);
        }
}

/* A header keeps a run's class, slots and mask apart. */
static void test_header(void) {
    for (unsigned c = 1; c < CLASSES; c++) {
        unsigned slots = size_classes[c].slots_max;
        uint64_t mask = bit_mask(slots);
        uint64_t h = SPAN_RUN | SPAN_PREV_FREE | (uint64_t)c << RUN_CLASS_SHIFT |
                     (uint64_t)slots << RUN_SLOTS_SHIFT | mask << RUN_MASK_SHIFT;
        g_assert_cmpuint(header_kind(h), ==, SPAN_RUN);
        g_assert_cmpuint(run_class(h), ==, c);
        g_assert_cmpuint(run_slots(h), ==, slots);
        g_assert_cmpuint(run_mask(h), ==, mask);
    }
}

/* Capacities ascend, and a gap as long as a slot is a run of one slot of the class below that of its length
   (small_keep_gap). */
static void test_order(void) {
    for (unsigned c = 2; c < CLASSES; c++)
        g_assert_cmpuint(size_classes[c].capacity, >, size_classes[c - 1].capacity);
    for (unit_t units = 1; units <= SMALL_MAX / UNIT; units++) {
        size_t bytes = units_bytes(units);
        unsigned c = class_of(bytes <= 128 ? bytes - 8 : bytes - UNIT) - 1;
        g_assert_true(size_classes[c].embedded);
        g_assert_cmpuint(run_units(&size_classes[c], 1), ==, units);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/class/sizes", test_sizes);
    g_test_add_func("/class/alignment", test_alignment);
    g_test_add_func("/class/classes", test_classes);
    g_test_add_func("/class/runs", test_runs);
    g_test_add_func("/class/shapes", test_shapes);
    g_test_add_func("/class/header", test_header);
    g_test_add_func("/class/order", test_order);
    return g_test_run();
}
