/* SPDX-License-Identifier: MIT */
/* Sheets, and the same as an attribute `style` and as media: styles of it are within bounds; nothing is left. */
#include "dom/style.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void ignore(void *context, const char *url) {}

static void check(const struct style *style) {
    FUZZ_HOLDS(style->font_size >= 1 && style->font_size <= 1000);
    FUZZ_HOLDS(style->line_height >= 0 && style->display <= DISPLAY_NONE);
    for (int side = 0; side < SIDES; side++)
        FUZZ_HOLDS(style->border[side] >= 0 && style->padding[side].value >= 0);
}

/* Of <html><body><p class=a id=b style=...>, and of <a href> in it. */
static void compute(const sheet_t *sheet, const char *attributes, size_t n) {
    struct style_step path[] = {
        {.tag = TAG_HTML},
        {.tag = TAG_BODY, .first_child = true},
        {.tag = TAG_P, .attributes = attributes, .attributes_size = n},
        {.tag = TAG_A,
         .first_child = true,
         .attributes = "href\0x",
         .attributes_size = 7},
    };
    struct style styles[5];

    style_initial(&styles[0]);
    for (int i = 0; i < 4; i++) {
        style_compute(&styles[i + 1], &styles[i], path, (size_t)i + 1, sheet, 1);
        check(&styles[i + 1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char before[] = "class\0a\0id\0b\0style";
    store_t *store = store_open("sheet", COMPACT_STEADY);
    char *attributes = malloc(sizeof before + size + 1);
    sheet_t sheet;

    memcpy(attributes, before, sizeof before);
    if (size > 0) memcpy(attributes + sizeof before, data, size);
    for (size_t i = 0; i < size; i++)
        if (attributes[sizeof before + i] == '\0') attributes[sizeof before + i] = ' ';
    attributes[sizeof before + size] = '\0';
    sheet_parse(&sheet, store, (const char *)data, size);
    sheet_imports((const char *)data, size, ignore, NULL);
    sheet_media((const char *)data, size);
    store_hold(store);
    compute(&sheet, attributes, sizeof before + size + 1);
    store_release(store);
    sheet_free(&sheet);
    free(attributes);
    FUZZ_HOLDS(store_close(store) == 0);
    return 0;
}
