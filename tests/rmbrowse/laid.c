/* SPDX-License-Identifier: MIT */
#include "laid.h"

#include <glib.h>
#include <string.h>

#include "dom/build.h"

/* What a reference of the page is called as a file; NULL: it is none. */
static char *file_of(const struct laid *laid, const char *reference) {
    if (!laid->folder || strstr(reference, "://") || strncmp(reference, "data:", 5) == 0)
        return NULL;
    char *path = g_build_filename(laid->folder, reference, NULL);
    path[strcspn(path, "?#")] = '\0';
    return path;
}

/* Style sheets import others, mostly nothing but that. */
static void imports(struct laid *laid, const char *css, const char *folder, int depth);

static void sheet_add(struct laid *laid, const char *css, size_t n) {
    if (laid->n_sheets < LAID_SHEETS)
        sheet_parse(&laid->sheets[laid->n_sheets++], laid->store, css, n);
}

static void sheet_file(struct laid *laid, const char *path, int depth) {
    char *css = NULL;
    gsize n;
    if (depth > 4 || !g_file_get_contents(path, &css, &n, NULL)) return;
    char *folder = g_path_get_dirname(path);
    imports(laid, css, folder, depth);
    sheet_add(laid, css, n);
    g_free(folder);
    g_free(css);
}

static void imports(struct laid *laid, const char *css, const char *folder, int depth) {
    while ((css = strstr(css, "@import"))) {
        css += strlen("@import");
        size_t from = strcspn(css, "\"';"), n = 0;
        if (css[from] == '"' || css[from] == '\'') n = strcspn(css + from + 1, "\"');");
        if (n == 0) continue;
        char *name = g_strndup(css + from + 1, n);
        char *path = g_build_filename(folder, name, NULL);
        sheet_file(laid, path, depth + 1);
        g_free(path);
        g_free(name);
    }
}

static void on_style(void *context, const char *css, size_t n) {
    sheet_add(context, css, n);
}

static void on_style_link(void *context, const char *href) {
    struct laid *laid = context;
    char *path = file_of(laid, href);
    if (path) sheet_file(laid, path, 0);
    g_free(path);
}

static image_id_t image_of(void *context, const char *src) {
    struct laid *laid = context;
    char *path = file_of(laid, src), *bytes;
    image_id_t id = cache_use(laid->cache, path ? path : src);
    gsize n;
    if (id && path && cache_state(laid->cache, id) == IMAGE_WANTED) {
        if (g_file_get_contents(path, &bytes, &n, NULL)) {
            cache_arrived(laid->cache, id, bytes, n);
            g_free(bytes);
        } else {
            cache_failed(laid->cache, id);
        }
    }
    g_free(path);
    return id;
}

void laid_again(struct laid *laid, float width) {
    layout_free(&laid->layout);
    struct layout_input input = {
        .document = &laid->document,
        .sheets = laid->sheets,
        .n_sheets = laid->n_sheets,
        .width = width,
        .cache = laid->cache,
        .image_of = image_of,
        .context = laid,
    };
    if (!layout_make(&laid->layout, laid->store, &input)) laid->layout = (layout_t){0};
}

void laid_make(struct laid *laid, store_t *store, cache_t *cache, const char *html,
               size_t n, const char *folder, float width) {
    *laid = (struct laid){.store = store, .cache = cache, .folder = g_strdup(folder)};
    sheet_parse_own(&laid->sheets[laid->n_sheets++], store);
    struct build_wants wants = {on_style, on_style_link, laid};
    builder_t *builder = builder_begin(&laid->document, store, "", &wants);
    if (builder) {
        builder_feed(builder, html, n);
        builder_end(builder);
    }
    laid_again(laid, width);
}

void laid_free(struct laid *laid) {
    layout_free(&laid->layout);
    for (size_t i = 0; i < laid->n_sheets; i++) sheet_free(&laid->sheets[i]);
    document_free(&laid->document);
    g_free(laid->folder);
}

cairo_surface_t *laid_picture(const struct laid *laid, const struct area *area,
                              bool *complete) {
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_ARGB32, area->width, area->height);
    cairo_t *cairo = cairo_create(surface);
    bool all = layout_paint(&laid->layout, cairo, area);
    if (complete) *complete = all;
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    return surface;
}
