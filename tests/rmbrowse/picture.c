/* SPDX-License-Identifier: MIT */
/* picture PAGE.html OUT.png [WIDTH [TOP HEIGHT]]: what a page looks like, for people who work on the layout. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "laid.h"

int main(int argc, char **argv) {
    char *html;
    gsize n;
    if (argc < 3 || !g_file_get_contents(argv[1], &html, &n, NULL)) {
        fprintf(stderr, "usage: %s PAGE.html OUT.png [WIDTH [TOP HEIGHT]]\n", argv[0]);
        return 2;
    }
    store_t *common = store_open("common", COMPACT_IDLE);
    store_t *store = store_open("page", COMPACT_IDLE);
    cache_t *cache = cache_create(common, 64 << 20);
    char *folder = g_path_get_dirname(argv[1]);
    struct laid laid;
    float width = argc > 3 ? atof(argv[3]) : 1024;
    gint64 begin = g_get_monotonic_time();
    laid_make(&laid, store, cache, html, n, folder, width);
    gint64 made = g_get_monotonic_time();
    laid_again(&laid, width);
    gint64 again = g_get_monotonic_time();
    float top = argc > 5 ? atof(argv[4]) : 0, high = argc > 5 ? atof(argv[5]) : 1e9f;
    struct area area = {0, top, laid.layout.width, MIN(high, laid.layout.height - top)};
    area.height = CLAMP(area.height, 1, 32000);
    bool complete;
    cairo_surface_t *surface = laid_picture(&laid, &area, &complete);
    gint64 painted = g_get_monotonic_time();
    bool written = cairo_surface_write_to_png(surface, argv[2]) == CAIRO_STATUS_SUCCESS;
    struct store_figures figures;
    store_look(store, &figures);
    printf(
        "%.0f x %.0f, %u nodes, %u boxes, %u anchors, %u images%s%s; all %.1f ms, layout "
        "%.1f ms, painted in %.1f ms; %zu objects, %zu bytes\n",
        laid.layout.width, laid.layout.height, laid.document.n_nodes, laid.layout.n_boxes,
        laid.layout.n_anchors, laid.layout.n_images,
        laid.layout.truncated ? ", truncated" : "", complete ? "" : ", incomplete",
        (made - begin) / 1e3, (again - made) / 1e3, (painted - again) / 1e3,
        figures.objects, figures.requested);
    cairo_surface_destroy(surface);
    laid_free(&laid);
    cache_destroy(cache);
    layout_finish();
    size_t left = store_close(store) + store_close(common);
    g_free(folder);
    g_free(html);
    return written && left == 0 ? 0 : 1;
}
