/* SPDX-License-Identifier: MIT */
#include "ui/picture.h"

#include "base/output.h"
#include "base/say.h"
#include "ui/panel.h"

static cairo_status_t write_bytes(void *file, const unsigned char *bytes,
                                  unsigned int length) {
    return fwrite(bytes, 1, length, file) == length ? CAIRO_STATUS_SUCCESS
                                                    : CAIRO_STATUS_WRITE_ERROR;
}

int picture_write(cairo_surface_t *surface, const char *path) {
    struct output output;
    cairo_status_t result;
    int status = output_open(&output, path);

    if (status) return status;
    result = cairo_surface_write_to_png_stream(surface, write_bytes, output.file);
    if (result == CAIRO_STATUS_SUCCESS) return output_close(&output);
    output_discard(&output);
    return complain(STATUS_IO, "%s: %s", path, cairo_status_to_string(result));
}

/* The browser's screen as a surface: it is looked at where it lies, and locked as long. NULL: there is none. */
static cairo_surface_t *lock_screen(const browser_t *browser, ref_t *screen) {
    int width, height;

    *screen = browser_screen(browser, &width, &height);
    if (*screen == NO_REF) return NULL;
    return cairo_image_surface_create_for_data(store_lock(*screen), CAIRO_FORMAT_RGB24,
                                               width, height, 4 * width);
}

static void unlock_screen(cairo_surface_t *surface, ref_t screen) {
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
    store_unlock(screen);
}

bool picture_paint_screen(const browser_t *browser, cairo_t *cairo, double x, double y) {
    ref_t screen;
    cairo_surface_t *surface = lock_screen(browser, &screen);

    if (!surface) return false;
    cairo_set_source_surface(cairo, surface, x, y);
    cairo_paint(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0); /* lets go of the surface */
    unlock_screen(surface, screen);
    return true;
}

static int write_with_panel(const struct session *session, cairo_surface_t *view,
                            const char *path) {
    int width = cairo_image_surface_get_width(view), status;
    int height = cairo_image_surface_get_height(view);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, width + PANEL_WIDTH, height);
    cairo_t *cairo = cairo_create(surface);

    cairo_set_source_surface(cairo, view, 0, 0);
    cairo_paint(cairo);
    cairo_translate(cairo, width, 0);
    panel_draw(session, cairo, height);
    cairo_destroy(cairo);
    status = picture_write(surface, path);
    cairo_surface_destroy(surface);
    return status;
}

int picture_of_view(const struct session *session, bool with_panel, const char *path) {
    ref_t screen;
    cairo_surface_t *view = lock_screen(session->browser, &screen);
    int status;

    if (!view) return complain(STATUS_FOUND, "no memory for the screen");
    status =
        with_panel ? write_with_panel(session, view, path) : picture_write(view, path);
    unlock_screen(view, screen);
    return status;
}
