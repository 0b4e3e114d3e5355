/* SPDX-License-Identifier: MIT */
#include "browse/page.h"

#include <stdlib.h>
#include <string.h>

#include "browse/pictures.h"
#include "browse/tiles.h"
#include "net/url.h"

enum {
    SLICE = 16 << 10, /* bytes that are parsed at a time */
    TEXT_SLICE = 4096 /* of text, which grows when it becomes HTML */
};

/* ---------------------------------------------------------------------------------------------- life */

void page_init(struct page *page, struct engine *engine, store_t *store,
               struct history *history) {
    *page = (struct page){.engine = engine, .store = store, .history = history};
    page->document.store = store;
    sheets_init(&page->sheets, engine, store);
}

void page_finish(struct page *page) {
    if (page->fetch != NULL) fetch_cancel(page->fetch);
    if (page->builder != NULL) builder_end(page->builder);
    pictures_forget(page->engine->pictures, page);
    tiles_drop(page->engine->tiles, page);
    if (page->layout.store != NULL) layout_free(&page->layout);
    if (page->direct != 0) cache_unuse(page->engine->cache, page->direct);
    document_free(&page->document);
    sheets_finish(&page->sheets);
    store_free(page->store, page->source.bytes);
    store_free(page->store, page->base);
    uint32_t version = page->version;
    page_init(page, page->engine, page->store, page->history);
    page->version = version + 1; /* what was painted is of another page */
}

/* ------------------------------------------------------------------------------------------- parsing */

char *page_resolve(const struct page *page, const char *reference) {
    ref_t base = page->base != NO_REF ? page->base : history_look(page->history).url;
    if (base == NO_REF) return url_resolve(NULL, reference);
    char *url = url_resolve(store_lock(base), reference);
    store_unlock(base);
    return url;
}

/* <base href> is known as soon as it was parsed; what follows is relative to it. */
static void take_base(struct page *page) {
    if (page->base != NO_REF || page->document.base == NO_REF) return;
    char *url = page_resolve(page, store_lock(page->document.base));
    store_unlock(page->document.base);
    if (url != NULL) page->base = store_copy(page->store, url, strlen(url) + 1);
    url_free(url);
}

static void style_came(void *context, const char *css, size_t n) {
    struct page *page = context;
    take_base(page);
    char *base = page_resolve(page, ".");
    sheets_add(&page->sheets, css, n, base);
    url_free(base);
}

static void style_link_came(void *context, const char *href) {
    struct page *page = context;
    take_base(page);
    char *url = page_resolve(page, href);
    if (url != NULL) sheets_fetch(&page->sheets, url);
    url_free(url);
}

static bool begin_document(struct page *page, const char *charset) {
    struct build_wants wants = {style_came, style_link_came, page};
    page->builder = builder_begin(&page->document, page->store, charset, &wants);
    return page->builder != NULL;
}

static void feed_text(builder_t *builder, const char *text, size_t n) {
    char html[ESCAPED_MOST * TEXT_SLICE];
    while (n > 0) {
        size_t piece = n < TEXT_SLICE ? n : TEXT_SLICE;
        builder_feed(builder, html, content_escape(html, text, piece));
        text += piece;
        n -= piece;
    }
}

static void feed_string(builder_t *builder, const char *html) {
    builder_feed(builder, html, strlen(html));
}

static void feed_slice(struct page *page) {
    size_t left = page->source.size - page->fed, n = left < SLICE ? left : SLICE;
    const char *bytes = (const char *)store_lock(page->source.bytes) + page->fed;
    if (page->source.content == CONTENT_TEXT) {
        feed_text(page->builder, bytes, n);
    } else {
        builder_feed(page->builder, bytes, n);
    }
    store_unlock(page->source.bytes);
    page->fed += n;
}

/* All of it was parsed: its source is the history's again. */
static void document_ended(struct page *page) {
    builder_end(page->builder);
    page->builder = NULL;
    if (page->document.truncated && memory_refusals() != page->refusals) {
        page_fail_without_memory(page);
        return;
    }
    history_keep_source(page->history, &page->source);
    page->source = (struct source){0};
    if (page->document.title != NO_REF) {
        history_set_title(page->history, store_lock(page->document.title));
        store_unlock(page->document.title);
    }
    take_base(page);
    page->state = PAGE_SHEETS;
}

/* An image's own page: what has come goes to the cache, and the page shows what is there. */
static char *page_of_image(struct page *page) {
    cache_t *cache = page->engine->cache;
    char *url = history_url(page->history), *resolved = NULL, *html = NULL;
    if (url != NULL) url[url_length(url)] = '\0';
    if (url != NULL) resolved = page_resolve(page, url);
    if (resolved != NULL) {
        html = content_image_page(resolved);
        page->direct = cache_use(cache, resolved);
    }
    if (cache_state(cache, page->direct) == IMAGE_WANTED) {
        cache_coming(cache, page->direct);
        cache_arrived(cache, page->direct, store_lock(page->source.bytes),
                      page->source.size);
        store_unlock(page->source.bytes);
    }
    store_free(page->store, page->source.bytes);
    page->source = (struct source){0};
    url_free(resolved);
    free(url);
    return html;
}

/* The first step of parsing. */
static void begin_parsing(struct page *page) {
    char *html = page->source.content == CONTENT_IMAGE ? page_of_image(page) : NULL;
    bool text = page->source.content == CONTENT_TEXT;
    if (!begin_document(page, html != NULL ? "utf-8" : page->source.charset)) {
        page_fail_without_memory(page);
    } else if (html != NULL) {
        feed_string(page->builder, html);
    } else {
        /* Nothing at all is a page as well. */
        feed_string(page->builder, text                     ? "<html><body><pre>\n"
                                   : page->source.size == 0 ? "<html>"
                                                            : "");
    }
    free(html);
}

static void parse_step(struct page *page) {
    if (page->builder == NULL) {
        begin_parsing(page);
    } else if (page->fed < page->source.size && !page->document.truncated) {
        feed_slice(page);
    } else {
        document_ended(page);
    }
}

/* ------------------------------------------------------------------------------------------- loading */

void page_fail(struct page *page, const char *title, const char *what) {
    bool again = page->failed;
    uint32_t load = page->load;
    page_finish(page);
    page->load = load;
    page->failed = true;
    page->state =
        PAGE_SHOWN; /* where there is no memory for words either, it stays empty */
    page->engine->failures += !again;
    char *url = history_url(page->history);
    char *html = again ? NULL : content_error_page(title, what, url != NULL ? url : "");
    page->refusals = memory_refusals();
    if (html != NULL && begin_document(page, "utf-8")) {
        feed_string(page->builder, html);
        document_ended(page);
    }
    free(html);
    free(url);
}

void page_fail_without_memory(struct page *page) {
    page_fail(page, "This page is too large", "There is not enough memory for it.");
}

/* A body has come, be it an error's. */
static void take_body(struct page *page, const struct fetch_result *result) {
    char *asked = history_url(page->history);
    if (asked == NULL || strcmp(asked, result->url) != 0)
        history_set_url(page->history, result->url);
    free(asked);

    struct source *source = &page->source;
    *source = (struct source){.bytes = result->body, .content = CONTENT_HTML};
    if (source->bytes != NO_REF) {
        source->size = result->size;
        source->content =
            (uint8_t)content_of(result->type, store_lock(source->bytes), source->size);
        store_unlock(source->bytes);
    }
    strncpy(source->charset, result->charset, sizeof source->charset - 1);
    page->state = PAGE_PARSING;
}

static void arrived(void *context, const struct fetch_result *result) {
    struct page *page = context;
    page->fetch = NULL;
    if (result->error != NULL && result->body == NO_REF) {
        page_fail(page, "This page cannot be had", result->error);
        return;
    }
    take_body(page, result);
    if (page->source.content == CONTENT_UNKNOWN)
        page_fail(page, "This cannot be shown",
                  "It is neither a page nor text, nor an image of a kind that is known.");
    else
        page->engine->failures += result->error != NULL;
}

void page_load(struct page *page) {
    page_finish(page);
    struct entry entry = history_look(page->history);
    page->load = entry.load;
    page->scroll = entry.scroll > 0 ? entry.scroll : 0;
    page->to_fragment = entry.scroll < 0;
    page->refusals = memory_refusals();
    page->engine->loads++;
    page->source = history_take_source(page->history);
    if (page->source.bytes != NO_REF) {
        page->state = PAGE_PARSING;
        return;
    }
    char *url = history_url(page->history);
    page->state = PAGE_FETCHING;
    if (url != NULL)
        page->fetch = fetch_begin(page->engine->fetcher, page->store, url, arrived, page);
    free(url);
    if (page->fetch == NULL) page_fail_without_memory(page);
}

bool page_work(struct page *page, uint64_t deadline_ns) {
    do {
        switch (page->state) {
        case PAGE_EMPTY:
        case PAGE_FETCHING: return false;
        case PAGE_PARSING: parse_step(page); break;
        case PAGE_SHEETS:
            if (sheets_work(&page->sheets)) break;
            if (sheets_coming(&page->sheets)) return false;
            page->state = PAGE_LAYOUT;
            break;
        case PAGE_LAYOUT: page_lay_out(page); break;
        case PAGE_SHOWN:
            if (!page_look_at_images(page)) return false;
            page->state = PAGE_LAYOUT;
        }
    } while (clock_wall_ns() < deadline_ns);
    return true;
}

bool page_busy(const struct page *page) {
    if (page->state == PAGE_EMPTY) return false;
    return page->state != PAGE_SHOWN || page->images_coming ||
           page->settled != pictures_settled(page->engine->pictures);
}
