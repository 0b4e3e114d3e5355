/* SPDX-License-Identifier: MIT */
#include "ui/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/say.h"
#include "ui/ink.h"
#include "ui/panel.h"
#include "ui/picture.h"
#include "ui/window_parts.h"

/* While frames follow each other the panel is drawn so often only: its maps walk through all heaps. */
#define PANEL_NS UINT64_C(100000000)

/* ------------------------------------------------------------------ sizes */

int window_view_width(const window_t *window) {
    int width = window->width - (window->panel ? PANEL_WIDTH : 0);

    return width < VIEW_LEAST ? VIEW_LEAST : width > VIEW_MOST ? VIEW_MOST : width;
}

int window_view_height(const window_t *window) {
    int height = window->height - CHROME_HEIGHT;

    return height < VIEW_LEAST ? VIEW_LEAST : height > VIEW_MOST ? VIEW_MOST : height;
}

/* What SDL says of the window's size is passed on to the browser. */
static void follow_size(window_t *window) {
    int width, height;

    SDL_GetWindowSize(window->sdl, &width, &height);
    if (width == window->width && height == window->height) return;
    window->width = width;
    window->height = height;
    window->stale = true;
    browser_resize(window->browser, window_view_width(window),
                   window_view_height(window));
}

void window_show_panel(window_t *window, bool shown) {
    if (window->panel == shown) return;
    window->panel = shown;
    window->stale = true;
    browser_resize(window->browser, window_view_width(window),
                   window_view_height(window));
}

void window_resize(window_t *window, int width, int height) {
    SDL_SetWindowSize(window->sdl, width + (window->panel ? PANEL_WIDTH : 0),
                      height + CHROME_HEIGHT);
    follow_size(window);
}

/* ---------------------------------------------------------------- drawing */

struct chrome window_chrome(const window_t *window) {
    return (struct chrome){.browser = window->browser,
                           .entry = &window->entry,
                           .width = window->width,
                           .busy = window->last.busy};
}

/* A thumb at the right edge, where there is more of the page than is seen. */
static void draw_bar(const window_t *window, cairo_t *cairo) {
    double view = window_view_height(window), page = browser_page_height(window->browser);
    double x = window_view_width(window) - BAR, width = window->hovered ? BAR : BAR / 2;
    double height = view * view / page;

    if (page <= view) return;
    if (height < 30) height = 30;
    double y = browser_scroll(window->browser) / (page - view) * (view - height);
    ink_round(cairo, x + BAR - width + 1, CHROME_HEIGHT + y + 2, width - 2, height - 4,
              width / 2 - 1);
    cairo_set_source_rgba(cairo, 0.2, 0.25, 0.3, 0.5);
    cairo_fill(cairo);
}

/* Where the link under the mouse leads, in a corner. */
static void draw_link(const window_t *window, cairo_t *cairo) {
    const struct ink_style style = {"Sans 8", 0x1d2530, INK_LEFT};
    double most = window_view_width(window) * 0.75;
    double width = ink_width(cairo, style.font, window->link, -1) + 1;
    double y = CHROME_HEIGHT + window_view_height(window) - 22;

    if (!*window->link) return;
    if (width > most) width = most;
    ink_box(cairo, 0, y - 1, width + 17, 23, 0xb5bec9);
    ink_box(cairo, 0, y, width + 16, 22, 0xf7f9fb);
    ink_text(cairo, &style, 8, y, width, 22, window->link);
}

static void draw_view(const window_t *window, cairo_t *cairo) {
    int width = window_view_width(window), height = window_view_height(window);

    cairo_save(cairo);
    cairo_rectangle(cairo, 0, CHROME_HEIGHT, width, height);
    cairo_clip(cairo);
    if (browser_shown(window->browser) == 0 ||
        !picture_paint_screen(window->browser, cairo, 0, CHROME_HEIGHT))
        ink_box(cairo, 0, CHROME_HEIGHT, width, height, 0xeef1f4);
    else
        draw_bar(window, cairo);
    draw_link(window, cairo);
    cairo_restore(cairo);
}

static void draw_panel(window_t *window, cairo_t *cairo) {
    cairo_save(cairo);
    cairo_translate(cairo, window->width - PANEL_WIDTH, CHROME_HEIGHT);
    panel_draw(window->session, cairo, window->height - CHROME_HEIGHT);
    cairo_restore(cairo);
    window->panel_ns = clock_wall_ns();
    window->owed = false;
}

/* It is owed since something has happened; and paid at once when no frame is going to follow. */
static bool panel_is_due(const window_t *window) {
    if (!window->panel || (!window->owed && !window->stale)) return false;
    return window->stale || !(window->last.busy || window->last.compacting) ||
           clock_wall_ns() - window->panel_ns >= PANEL_NS;
}

/* SDL's pixels as Cairo's; NULL where they are of another form. */
static cairo_surface_t *surface_of(SDL_Surface *pixels) {
    if (!pixels || pixels->format->BytesPerPixel != 4 ||
        pixels->format->Rmask != 0xff0000 || pixels->format->Bmask != 0xff)
        return NULL;
    return cairo_image_surface_create_for_data(pixels->pixels, CAIRO_FORMAT_RGB24,
                                               pixels->w, pixels->h, pixels->pitch);
}

static void draw(window_t *window) {
    SDL_Surface *pixels = SDL_GetWindowSurface(window->sdl);
    cairo_surface_t *surface = surface_of(pixels);
    cairo_t *cairo;
    struct chrome chrome = window_chrome(window);

    if (!surface) return;
    cairo = cairo_create(surface);
    draw_view(window, cairo);
    if (panel_is_due(window)) draw_panel(window, cairo);
    chrome_draw(&chrome, cairo);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
    SDL_UpdateWindowSurface(window->sdl);
    window->stale = false;
}

int window_picture(window_t *window, const char *path) {
    cairo_surface_t *surface;
    int status;

    window->stale = true;
    draw(window);
    surface = surface_of(SDL_GetWindowSurface(window->sdl));
    if (!surface)
        return complain(STATUS_IO, "no picture of the window: %s", SDL_GetError());
    status = picture_write(surface, path);
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
    return status;
}

/* ----------------------------------------------------------------- frames */

/* The page's title is the window's. */
static void follow_title(window_t *window) {
    char page[200], title[sizeof(window->title)];
    unsigned shown = browser_shown(window->browser);

    page[0] = '\0';
    if (shown) browser_title(window->browser, shown, page, sizeof(page));
    snprintf(title, sizeof(title), "%s%srmbrowse", page, *page ? " - " : "");
    if (strcmp(title, window->title) == 0) return;
    memcpy(window->title, title, sizeof(title));
    SDL_SetWindowTitle(window->sdl, title);
    window->stale = true;
}

bool window_frame(window_t *window, struct frame *frame) {
    SDL_Event event;
    bool was_busy = window->last.busy;

    while (SDL_PollEvent(&event)) window_take(window, &event);
    follow_size(window);
    session_frame(window->session, was_busy ? FRAME_NS / 1000000 : 0, &window->last);
    window->owed |=
        window->last.busy || window->last.changed || window->last.compaction.steps > 0;
    follow_title(window);
    if (window->last.changed || window->stale || window->last.busy != was_busy ||
        panel_is_due(window))
        draw(window);
    *frame = window->last;
    return !window->leave;
}

void window_run(window_t *window) {
    struct frame frame;

    while (window_frame(window, &frame)) {
        if (!frame.busy && !frame.compacting) SDL_WaitEvent(NULL);
    }
}

/* --------------------------------------------------------- opening, closing */

int window_open(window_t **out, struct session *session, int width, int height) {
    static const SDL_SystemCursor cursors[] = {
        SDL_SYSTEM_CURSOR_ARROW, SDL_SYSTEM_CURSOR_HAND, SDL_SYSTEM_CURSOR_IBEAM};
    window_t *window;

    *out = NULL;
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    if (SDL_Init(SDL_INIT_VIDEO) != 0)
        return complain(STATUS_IO, "no window can be opened: %s", SDL_GetError());
    window = calloc(1, sizeof(*window));
    if (!window) {
        SDL_Quit();
        return complain(STATUS_IO, "no memory for a window");
    }
    window->session = session;
    window->browser = session->browser;
    window->panel = true;
    window->sdl = SDL_CreateWindow("rmbrowse", SDL_WINDOWPOS_UNDEFINED,
                                   SDL_WINDOWPOS_UNDEFINED, width + PANEL_WIDTH,
                                   height + CHROME_HEIGHT, SDL_WINDOW_RESIZABLE);
    if (!window->sdl) {
        int status = complain(STATUS_IO, "no window can be opened: %s", SDL_GetError());
        window_close(window);
        return status;
    }
    SDL_SetWindowMinimumSize(window->sdl, VIEW_LEAST + PANEL_WIDTH,
                             CHROME_HEIGHT + 2 * VIEW_LEAST);
    SDL_EnableScreenSaver();
    SDL_StopTextInput();
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++)
        window->cursors[i] = SDL_CreateSystemCursor(cursors[i]);
    follow_size(window);
    *out = window;
    return STATUS_OK;
}

void window_close(window_t *window) {
    if (!window) return;
    for (size_t i = 0; i < sizeof(window->cursors) / sizeof(window->cursors[0]); i++)
        SDL_FreeCursor(window->cursors[i]);
    if (window->sdl) SDL_DestroyWindow(window->sdl);
    free(window);
    SDL_Quit();
}
