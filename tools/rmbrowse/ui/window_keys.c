/* SPDX-License-Identifier: MIT */
#include "ui/window_parts.h"

#include <string.h>

enum modifier { PLAIN = 0, SHIFT = 1, CTRL = 2, ALT = 4 };

static unsigned modifiers_of(const SDL_Keysym *key) {
    return (key->mod & KMOD_SHIFT ? SHIFT : 0u) | (key->mod & KMOD_CTRL ? CTRL : 0u) |
           (key->mod & KMOD_ALT ? ALT : 0u);
}

/* ---------------------------------------------------------- what keys do */

static void scroll_lines(window_t *window, int lines) {
    browser_scroll_by(window->browser, (float)lines * 48);
}

/* All but a line or two, so that one finds one's place again. */
static void scroll_pages(window_t *window, int pages) {
    browser_scroll_by(window->browser,
                      (float)pages * (float)(window_view_height(window) - 48));
}

static void scroll_ends(window_t *window, int end) {
    browser_scroll_to(window->browser,
                      end > 0 ? browser_page_height(window->browser) : 0);
}

static void travel(window_t *window, int way) {
    if (way < 0)
        browser_back(window->browser);
    else
        browser_forward(window->browser);
}

static void next_tab(window_t *window, int way) {
    unsigned numbers[TABS_MAX], n = browser_tabs(window->browser, numbers, TABS_MAX), i;

    for (i = 0; i < n && numbers[i] != browser_shown(window->browser); i++) continue;
    if (i < n) browser_show(window->browser, numbers[(i + n + (unsigned)way) % n]);
    window_leave_address(window);
}

static void new_tab(window_t *window, int unused) { window_new_tab(window); }
static void close_tab(window_t *window, int unused) {
    window_close_tab(window, browser_shown(window->browser));
}
static void address(window_t *window, int unused) { window_edit_address(window); }
static void reload(window_t *window, int unused) { browser_reload(window->browser); }
static void compact(window_t *window, int unused) { session_compact(window->session); }
static void panel(window_t *window, int unused) {
    window_show_panel(window, !window->panel);
}
static void leave(window_t *window, int unused) { window->leave = true; }

static void copy(window_t *window, int unused) {
    const struct entry *entry = &window->entry;
    char text[ENTRY_MOST];
    size_t n = (size_t)(entry_to(entry) - entry_from(entry));

    memcpy(text, entry->text + entry_from(entry), n);
    text[n] = '\0';
    if (n > 0) SDL_SetClipboardText(text);
}

static void paste(window_t *window, int unused) {
    char *text = SDL_GetClipboardText();

    if (text) entry_insert(&window->entry, text);
    SDL_free(text);
}

static void move(window_t *window, int characters) {
    entry_move(&window->entry, characters, false);
}
static void choose(window_t *window, int characters) {
    entry_move(&window->entry, characters, true);
}
static void choose_all(window_t *window, int unused) {
    move(window, -ENTRY_FAR);
    choose(window, ENTRY_FAR);
}
static void erase(window_t *window, int side) { entry_remove(&window->entry, side); }
static void go(window_t *window, int unused) { window_go(window); }
static void stop_editing(window_t *window, int unused) { window_leave_address(window); }

/* ------------------------------------------------------------- which keys */

struct binding {
    SDL_Keycode key;
    unsigned modifiers;
    void (*act)(window_t *window, int amount);
    int amount;
};

/* Always. */
static const struct binding common[] = {
    {SDLK_t, CTRL, new_tab, 0},
    {SDLK_w, CTRL, close_tab, 0},
    {SDLK_TAB, CTRL, next_tab, 1},
    {SDLK_TAB, CTRL | SHIFT, next_tab, -1},
    {SDLK_PAGEDOWN, CTRL, next_tab, 1},
    {SDLK_PAGEUP, CTRL, next_tab, -1},
    {SDLK_l, CTRL, address, 0},
    {SDLK_F6, PLAIN, address, 0},
    {SDLK_r, CTRL, reload, 0},
    {SDLK_F5, PLAIN, reload, 0},
    {SDLK_F3, PLAIN, compact, 0},
    {SDLK_F2, PLAIN, panel, 0},
    {SDLK_q, CTRL, leave, 0},
    {SDLK_PAGEDOWN, PLAIN, scroll_pages, 1},
    {SDLK_PAGEUP, PLAIN, scroll_pages, -1},
};

/* While the address is edited. */
static const struct binding editing[] = {
    {SDLK_RETURN, PLAIN, go, 0},
    {SDLK_KP_ENTER, PLAIN, go, 0},
    {SDLK_ESCAPE, PLAIN, stop_editing, 0},
    {SDLK_LEFT, PLAIN, move, -1},
    {SDLK_RIGHT, PLAIN, move, 1},
    {SDLK_HOME, PLAIN, move, -ENTRY_FAR},
    {SDLK_END, PLAIN, move, ENTRY_FAR},
    {SDLK_LEFT, SHIFT, choose, -1},
    {SDLK_RIGHT, SHIFT, choose, 1},
    {SDLK_HOME, SHIFT, choose, -ENTRY_FAR},
    {SDLK_END, SHIFT, choose, ENTRY_FAR},
    {SDLK_a, CTRL, choose_all, 0},
    {SDLK_c, CTRL, copy, 0},
    {SDLK_v, CTRL, paste, 0},
    {SDLK_BACKSPACE, PLAIN, erase, -1},
    {SDLK_DELETE, PLAIN, erase, 1},
};

/* While the page has the keys. */
static const struct binding reading[] = {
    {SDLK_DOWN, PLAIN, scroll_lines, 1},  {SDLK_UP, PLAIN, scroll_lines, -1},
    {SDLK_SPACE, PLAIN, scroll_pages, 1}, {SDLK_SPACE, SHIFT, scroll_pages, -1},
    {SDLK_HOME, PLAIN, scroll_ends, -1},  {SDLK_END, PLAIN, scroll_ends, 1},
    {SDLK_LEFT, ALT, travel, -1},         {SDLK_RIGHT, ALT, travel, 1},
    {SDLK_c, PLAIN, compact, 0},
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static bool take(window_t *window, const SDL_Keysym *key, const struct binding *bindings,
                 size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bindings[i].key != key->sym || bindings[i].modifiers != modifiers_of(key))
            continue;
        bindings[i].act(window, bindings[i].amount);
        return true;
    }
    return false;
}

bool window_take_key(window_t *window, const SDL_Keysym *key) {
    if (take(window, key, common, N(common))) return true;
    if (window->entry.active) return take(window, key, editing, N(editing));
    return take(window, key, reading, N(reading));
}

/* ---------------------------------------------------------- keys of scripts */

bool window_send_key(window_t *window, const char *name) {
    static const struct {
        const char *name;
        Uint16 mod;
    } prefixes[] = {{"ctrl+", KMOD_LCTRL}, {"alt+", KMOD_LALT}, {"shift+", KMOD_LSHIFT}};
    SDL_Event event = {.key = {.type = SDL_KEYDOWN, .state = SDL_PRESSED}};

    (void)window;
    for (size_t i = 0; i < N(prefixes); i++) {
        size_t length = strlen(prefixes[i].name);
        if (SDL_strncasecmp(name, prefixes[i].name, length) != 0) continue;
        event.key.keysym.mod |= prefixes[i].mod;
        name += length;
        i = (size_t)-1; /* another may follow */
    }
    event.key.keysym.sym = SDL_GetKeyFromName(name);
    return event.key.keysym.sym != SDLK_UNKNOWN && SDL_PushEvent(&event) > 0;
}
