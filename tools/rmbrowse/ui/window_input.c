/* SPDX-License-Identifier: MIT */
#include "ui/window_parts.h"

#include <string.h>

#define WHEEL 72.0F /* pixels a notch */

/* ------------------------------------------------------ tabs and the address */

void window_edit_address(window_t *window) {
    char url[ENTRY_MOST];

    browser_url(window->browser, browser_shown(window->browser), url, sizeof(url));
    entry_begin(&window->entry, strcmp(url, BLANK_PAGE) == 0 ? "" : url);
    SDL_StartTextInput();
    window->stale = true;
}

void window_leave_address(window_t *window) {
    entry_end(&window->entry);
    SDL_StopTextInput();
    window->stale = true;
}

/* What cannot be read as an address makes a page that says so. */
void window_go(window_t *window) {
    if (browser_shown(window->browser))
        browser_go(window->browser, window->entry.text);
    else
        browser_open(window->browser, window->entry.text);
    window_leave_address(window);
}

void window_new_tab(window_t *window) {
    if (browser_open(window->browser, BLANK_PAGE)) window_edit_address(window);
    window->stale = true;
}

/* With the last tab the window goes. */
void window_close_tab(window_t *window, unsigned tab) {
    browser_close(window->browser, tab);
    window->leave = browser_shown(window->browser) == 0;
    window->stale = true;
}

static void show_tab(window_t *window, unsigned tab) {
    browser_show(window->browser, tab);
    window_leave_address(window);
}

/* -------------------------------------------------------------- the mouse */

static bool on_page(const window_t *window, int x, int y) {
    return y >= CHROME_HEIGHT && x >= 0 && x < window_view_width(window) &&
           browser_shown(window->browser) != 0;
}

static bool on_bar(const window_t *window, int x, int y) {
    return on_page(window, x, y) && x >= window_view_width(window) - BAR &&
           browser_page_height(window->browser) > (float)window_view_height(window);
}

/* The scroll bar's thumb is put in the middle of the mouse. */
static void drag_to(window_t *window, int y) {
    float view = (float)window_view_height(window);
    float page = browser_page_height(window->browser);

    browser_scroll_to(window->browser,
                      (float)(y - CHROME_HEIGHT) / view * page - view / 2);
    window->stale = true;
}

/* What the mouse is over: the link is kept, to be shown. */
static enum pointer look_at(window_t *window, int x, int y) {
    struct chrome chrome = window_chrome(window);
    char link[sizeof(window->link)] = "";
    unsigned tab;
    int at;

    if (on_page(window, x, y) && !on_bar(window, x, y))
        browser_link(window->browser, (float)x, (float)(y - CHROME_HEIGHT), link,
                     sizeof(link));
    if (strcmp(link, window->link) != 0) {
        memcpy(window->link, link, sizeof(link));
        window->stale = true;
    }
    if (*link) return POINTER_HAND;
    if (chrome_spot(&chrome, x, y, &tab, &at) == SPOT_ADDRESS) return POINTER_TEXT;
    return POINTER_ARROW;
}

static void take_motion(window_t *window, int x, int y) {
    bool hovered = window->dragged || on_bar(window, x, y);

    if (window->dragged) drag_to(window, y);
    if (hovered != window->hovered) window->stale = true;
    window->hovered = hovered;
    SDL_SetCursor(window->cursors[look_at(window, x, y)]);
}

static void press_address(window_t *window, int at) {
    if (!window->entry.active)
        window_edit_address(window);
    else
        entry_put(&window->entry, at, false);
    window->stale = true;
}

static void press_chrome(window_t *window, const SDL_MouseButtonEvent *button) {
    struct chrome chrome = window_chrome(window);
    unsigned tab = 0;
    int at = 0;
    enum spot spot = chrome_spot(&chrome, button->x, button->y, &tab, &at);

    if (spot == SPOT_TAB && button->button == SDL_BUTTON_MIDDLE) spot = SPOT_CROSS;
    switch (spot) {
    case SPOT_TAB: show_tab(window, tab); break;
    case SPOT_CROSS: window_close_tab(window, tab); break;
    case SPOT_NEW: window_new_tab(window); break;
    case SPOT_BACK: browser_back(window->browser); break;
    case SPOT_FORWARD: browser_forward(window->browser); break;
    case SPOT_RELOAD: browser_reload(window->browser); break;
    case SPOT_ADDRESS: press_address(window, at); break;
    case SPOT_NONE: break;
    }
}

/* The link in a tab of its own, while the page stays in view. */
static void open_behind(window_t *window, float x, float y) {
    unsigned shown = browser_shown(window->browser);
    char url[ENTRY_MOST];

    if (browser_link(window->browser, x, y, url, sizeof(url)) &&
        browser_open(window->browser, url))
        browser_show(window->browser, shown);
    window->stale = true;
}

static void press_page(window_t *window, const SDL_MouseButtonEvent *button) {
    float x = (float)button->x, y = (float)(button->y - CHROME_HEIGHT);

    window_leave_address(window);
    if (button->button == SDL_BUTTON_LEFT)
        browser_click(window->browser, x, y);
    else if (button->button == SDL_BUTTON_MIDDLE)
        open_behind(window, x, y);
    else if (button->button == SDL_BUTTON_X1)
        browser_back(window->browser);
    else if (button->button == SDL_BUTTON_X2)
        browser_forward(window->browser);
}

static void take_press(window_t *window, const SDL_MouseButtonEvent *button) {
    if (button->button == SDL_BUTTON_LEFT && on_bar(window, button->x, button->y)) {
        window->dragged = true;
        drag_to(window, button->y);
    } else if (on_page(window, button->x, button->y)) {
        press_page(window, button);
    } else {
        press_chrome(window, button);
    }
}

/* ----------------------------------------------------------------- events */

void window_take(window_t *window, const SDL_Event *event) {
    switch (event->type) {
    case SDL_QUIT: window->leave = true; break;
    case SDL_WINDOWEVENT: window->stale = true; break;
    case SDL_KEYDOWN:
        if (window_take_key(window, &event->key.keysym)) window->stale = true;
        break;
    case SDL_TEXTINPUT:
        if (!window->entry.active) break;
        entry_insert(&window->entry, event->text.text);
        window->stale = true;
        break;
    case SDL_MOUSEMOTION: take_motion(window, event->motion.x, event->motion.y); break;
    case SDL_MOUSEBUTTONDOWN: take_press(window, &event->button); break;
    case SDL_MOUSEBUTTONUP:
        window->dragged = false;
        take_motion(window, event->button.x, event->button.y);
        break;
    case SDL_MOUSEWHEEL:
        browser_scroll_by(window->browser, -event->wheel.preciseY * WHEEL);
        break;
    default: break;
    }
}

/* ------------------------------------------------------- events of scripts */

void window_send_text(window_t *window, const char *text) {
    size_t length;

    (void)window;
    for (; *text; text += length) {
        SDL_Event event = {.text = {.type = SDL_TEXTINPUT}};
        length = SDL_utf8strlcpy(event.text.text, text, sizeof(event.text.text));
        SDL_PushEvent(&event);
    }
}

void window_send_press(window_t *window, int x, int y) {
    SDL_Event event = {.button = {.button = SDL_BUTTON_LEFT, .x = x, .y = y}};

    (void)window;
    event.type = SDL_MOUSEBUTTONDOWN;
    SDL_PushEvent(&event);
    event.type = SDL_MOUSEBUTTONUP;
    SDL_PushEvent(&event);
}
