/* SPDX-License-Identifier: MIT */
#include "dom/build.h"

#include <libxml/HTMLparser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dom/bytes.h"
#include "dom/decode.h"
#include "dom/style.h"

enum {
    TEXT_PIECE = 64 << 10, /* more text than this goes on in its node */
    LOOKS_MOST = 1 << 28   /* at open elements, for ends of none of them */
};

struct builder {
    document_t *document;
    struct build_wants wants;
    htmlParserCtxtPtr parser;
    struct decoder decoder;
    ref_t open; /* the element that is being filled */
    tag_t tag;  /* its */
    unsigned depth;
    unsigned deeper;   /* open elements that are made its children without being opened */
    unsigned aside;    /* open elements that make no nodes, below and with `aside_tag` */
    tag_t aside_tag;   /* script, style, title ... */
    bool aside_wanted; /* its text is */
    bool body, filled; /* there is a body; the open element has children */
    struct bytes text; /* that has come since the last tag */
    struct bytes scratch; /* attributes */
    size_t looks;         /* of the parser's, at open elements, in vain */
};

/* What can change how an element looks, or what it links to, shows or counts. Sorted. */
static const char *const attributes_kept[] = {
    "align",  "alt",     "bgcolor", "border", "bordercolor", "cellpadding", "cellspacing",
    "class",  "clear",   "color",   "cols",   "colspan",     "dir",         "face",
    "height", "hidden",  "href",    "hspace", "id",          "lang",        "link",
    "name",   "noshade", "nowrap",  "open",   "reversed",    "rows",        "rowspan",
    "rules",  "size",    "span",    "src",    "start",       "style",       "text",
    "title",  "type",    "valign",  "value",  "vspace",      "width",
};

static int by_name(const void *key, const void *entry) {
    return strcmp(key, *(const char *const *)entry);
}

/* name\0value\0..., of those that are kept. */
static void keep_attributes(struct bytes *kept, const xmlChar **attributes) {
    bytes_clear(kept);
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2) {
        const char *name = (const char *)attributes[0];
        const char *value = attributes[1] != NULL ? (const char *)attributes[1] : "";

        if (bsearch(name, attributes_kept,
                    sizeof attributes_kept / sizeof *attributes_kept,
                    sizeof *attributes_kept, by_name) == NULL)
            continue;
        bytes_add(kept, name, strlen(name) + 1);
        bytes_add(kept, value, strlen(value) + 1);
    }
}

static const char *value_of(const xmlChar **attributes, const char *name) {
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
        if (strcmp((const char *)attributes[0], name) == 0)
            return (const char *)attributes[1];
    return NULL;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_blank(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!is_space(text[i])) return false;
    return true;
}

/* ----------------------------------------------------------------------------- nodes */

/* A new last child of the open element, or the root. NO_REF: no memory; the document ends here. */
static ref_t add(builder_t *builder, enum node_type type, tag_t tag,
                 const struct bytes *content) {
    document_t *document = builder->document;
    store_t *store = document->store;
    ref_t text = NO_REF, ref = NO_REF;

    if (!content->failed && document->n_nodes < DOCUMENT_NODES_MAX) {
        text = content->n > 0 ? store_copy(store, content->data, content->n) : NO_REF;
        if (content->n == 0 || text != NO_REF)
            ref = store_new(store, sizeof(struct node));
    }
    if (ref == NO_REF) {
        store_free(store, text);
        document->truncated = true;
        return NO_REF;
    }
    *(struct node *)store_lock(ref) = (struct node){.parent = builder->open,
                                                    .content = text,
                                                    .number = ++document->n_nodes,
                                                    .type = type,
                                                    .tag = tag};
    store_unlock(ref);
    if (builder->open == NO_REF) {
        document->root = ref;
        return ref;
    }
    struct node *parent = store_lock(builder->open);
    ref_t before = parent->last_child;

    parent->last_child = ref;
    if (before == NO_REF) parent->first_child = ref;
    store_unlock(builder->open);
    if (before != NO_REF) {
        ((struct node *)store_lock(before))->next = ref;
        store_unlock(before);
    }
    builder->filled = true;
    return ref;
}

/* Adds an element and opens it, or only adds it where the tree is deep enough. */
static void open_element(builder_t *builder, tag_t tag, const struct bytes *attributes) {
    ref_t element = add(builder, NODE_ELEMENT, tag, attributes);

    if (element == NO_REF) return;
    if (builder->depth == DOCUMENT_DEPTH_MAX) {
        builder->deeper++;
        return;
    }
    builder->open = element;
    builder->tag = tag;
    builder->depth++;
    builder->filled = false;
}

static void close_element(builder_t *builder) {
    const struct node *node = store_lock(builder->open);
    ref_t parent = node->parent;

    store_unlock(builder->open);
    if (parent == NO_REF) return;
    node = store_lock(parent);
    builder->tag = node->tag;
    store_unlock(parent);
    builder->open = parent;
    builder->depth--;
    builder->filled = true;
}

/* What belongs into a body gets one, where the parser has not said so: elements that are unknown to it do not end a
   head. */
static void open_body(builder_t *builder) {
    static const struct bytes none;

    if (builder->open == NO_REF) open_element(builder, TAG_HTML, &none);
    if (builder->open != NO_REF && builder->tag == TAG_HEAD) close_element(builder);
    if (builder->open == NO_REF || builder->tag != TAG_HTML || builder->body) return;
    builder->body = true;
    open_element(builder, TAG_BODY, &none);
}

/* ------------------------------------------------------------------------------ text */

/* Where white space between elements is nothing, whatever styles say. */
static bool ignores_space(tag_t tag) {
    switch (tag) {
    case TAG_HTML:
    case TAG_HEAD:
    case TAG_TABLE:
    case TAG_THEAD:
    case TAG_TBODY:
    case TAG_TFOOT:
    case TAG_TR:
    case TAG_COLGROUP:
    case TAG_SELECT: return true;
    default: return false;
    }
}

/* The text node that ends the open element; NO_REF: something else does. */
static ref_t last_text(builder_t *builder) {
    const struct node *node = store_lock(builder->open);
    ref_t last = node->last_child;

    store_unlock(builder->open);
    if (last == NO_REF) return NO_REF;
    node = store_lock(last);
    bool is_text = node->type == NODE_TEXT;

    store_unlock(last);
    return is_text ? last : NO_REF;
}

static void extend_text(builder_t *builder, ref_t ref, const char *text, size_t n) {
    struct node *node = store_lock(ref);
    size_t size = store_size(node->content);
    bool extended = store_resize(builder->document->store, &node->content, size + n);

    if (extended) {
        memcpy((char *)store_lock(node->content) + size, text, n);
        store_unlock(node->content);
    } else {
        builder->document->truncated = true;
    }
    store_unlock(ref);
}

/* What has come of text goes into a node, or goes on with the one before it. */
static void flush_text(builder_t *builder) {
    struct bytes text = builder->text;
    bool blank = is_blank(text.data, text.n);

    if (text.failed) builder->document->truncated = true;
    if (text.n == 0 || builder->document->truncated) return;
    builder->text.n = 0;
    if (!builder->filled && builder->tag == TAG_PRE && text.data[0] == '\n') {
        text.data++; /* the line's end after <pre> is none of its text */
        text.n--;
    }
    if (text.n == 0 ||
        (blank && (builder->open == NO_REF || ignores_space(builder->tag))))
        return;
    if (builder->open == NO_REF || builder->tag == TAG_HTML || builder->tag == TAG_HEAD)
        open_body(builder);
    if (builder->open == NO_REF) return;
    ref_t before = last_text(builder);

    if (before != NO_REF)
        extend_text(builder, before, text.data, text.n);
    else
        add(builder, NODE_TEXT, TAG_NONE, &text);
}

/* ------------------------------------------------------------------- what makes no nodes */

static bool is_aside(tag_t tag) {
    switch (tag) {
    case TAG_BASE:
    case TAG_LINK:
    case TAG_META:
    case TAG_SCRIPT:
    case TAG_STYLE:
    case TAG_TEMPLATE:
    case TAG_TITLE: return true;
    default: return false;
    }
}

static bool has_word(const char *text, const char *word) {
    size_t n = strlen(word);

    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, " \t\n");

        if (length == n && strncasecmp(text, word, n) == 0) return true;
        text += length + strspn(text + length, " \t\n");
    }
    return false;
}

static bool for_screens(const xmlChar **attributes) {
    const char *media = value_of(attributes, "media"),
               *type = value_of(attributes, "type");

    return (media == NULL || sheet_media(media, strlen(media))) &&
           (type == NULL || *type == '\0' || strcasecmp(type, "text/css") == 0);
}

/* Text with single spaces, and none around it, for the store. */
static ref_t keep_words(builder_t *builder, const char *text, size_t n) {
    struct bytes words = {0};
    ref_t kept = NO_REF;

    for (size_t i = 0; i < n; i++) {
        bool space = is_space(text[i]);

        if (space && (words.n == 0 || i + 1 == n || is_space(text[i + 1]))) continue;
        bytes_add(&words, space ? " " : text + i, 1);
    }
    bytes_add(&words, "", 1);
    if (!words.failed) kept = store_copy(builder->document->store, words.data, words.n);
    if (kept == NO_REF) builder->document->truncated = true;
    bytes_free(&words);
    return kept;
}

static void begin_aside(builder_t *builder, tag_t tag, const xmlChar **attributes) {
    const struct build_wants *wants = &builder->wants;
    document_t *document = builder->document;
    const char *href = value_of(attributes, "href"), *rel = value_of(attributes, "rel");

    builder->aside = 1;
    builder->aside_tag = tag;
    builder->aside_wanted =
        (tag == TAG_TITLE && document->title == NO_REF) ||
        (tag == TAG_STYLE && wants->style != NULL && for_screens(attributes));
    if (tag == TAG_BASE && href != NULL && document->base == NO_REF)
        document->base = keep_words(builder, href, strlen(href));
    if (tag == TAG_LINK && href != NULL && wants->style_link != NULL &&
        has_word(rel, "stylesheet") && !has_word(rel, "alternate") &&
        for_screens(attributes))
        wants->style_link(wants->context, href);
}

static void end_aside(builder_t *builder) {
    struct bytes *text = &builder->text;

    if (builder->aside_wanted && !text->failed) {
        if (builder->aside_tag == TAG_STYLE)
            builder->wants.style(builder->wants.context, text->n > 0 ? text->data : "",
                                 text->n);
        else if (!is_blank(text->data, text->n))
            builder->document->title = keep_words(builder, text->data, text->n);
    }
    bytes_clear(text);
}

/* ------------------------------------------------------------------------- SAX events */

static void start_element(void *context, const xmlChar *name,
                          const xmlChar **attributes) {
    builder_t *builder = context;
    tag_t tag = tag_of((const char *)name, strlen((const char *)name));

    if (builder->document->truncated) return;
    if (builder->aside > 0) {
        builder->aside++;
        return;
    }
    flush_text(builder);
    if (is_aside(tag)) {
        begin_aside(builder, tag, attributes);
        return;
    }
    keep_attributes(&builder->scratch, attributes);
    switch (tag) {
    case TAG_HTML:
        if (builder->open == NO_REF) open_element(builder, tag, &builder->scratch);
        return;
    case TAG_HEAD:
        if (builder->tag == TAG_HTML && !builder->body)
            open_element(builder, tag, &builder->scratch);
        return;
    case TAG_BODY:
        if (builder->body) return;
        if (builder->tag == TAG_HEAD) close_element(builder);
        builder->body = true;
        break;
    case TAG_NOSCRIPT: /* in a head as well */
        if (builder->tag != TAG_HEAD) open_body(builder);
        break;
    default: open_body(builder);
    }
    open_element(builder, tag, &builder->scratch);
}

static void end_element(void *context, const xmlChar *name) {
    builder_t *builder = context;
    tag_t tag = tag_of((const char *)name, strlen((const char *)name));

    if (builder->document->truncated) return;
    if (builder->aside > 0) {
        if (--builder->aside == 0) end_aside(builder);
        return;
    }
    flush_text(builder);
    if (tag == TAG_HTML || tag == TAG_BODY || (tag == TAG_HEAD && builder->tag != tag))
        return;
    if (builder->deeper > 0)
        builder->deeper--;
    else if (builder->open != NO_REF)
        close_element(builder);
}

static void characters(void *context, const xmlChar *text, int n) {
    builder_t *builder = context;

    if (builder->document->truncated || (builder->aside > 0 && !builder->aside_wanted))
        return;
    bytes_add(&builder->text, text, n);
    if (builder->text.n >= TEXT_PIECE && builder->aside == 0) flush_text(builder);
}

/* ----------------------------------------------------------------------------------- */

static void parse(void *context, const char *text, size_t n) {
    builder_t *builder = context;

    if (!builder->document->truncated)
        htmlParseChunk(builder->parser, text, (int)n, false);
}

/* Whatever is wrong is right, but for what takes too long: an end of no element is looked for among all open ones. */
static void on_error(void *context, xmlErrorPtr error) {
    builder_t *builder = context;

    if (error->code != XML_ERR_TAG_NAME_MISMATCH) return;
    builder->looks += (size_t)builder->parser->nameNr;
    if (builder->looks > LOOKS_MOST) builder->document->truncated = true;
}

builder_t *builder_begin(document_t *document, store_t *store, const char *charset,
                         const struct build_wants *wants) {
    htmlSAXHandler events = {.initialized = XML_SAX2_MAGIC,
                             .startElement = start_element,
                             .endElement = end_element,
                             .characters = characters,
                             .cdataBlock = characters,
                             .ignorableWhitespace = characters,
                             .serror = on_error};
    builder_t *builder = calloc(1, sizeof *builder);

    *document = (document_t){.store = store};
    if (builder == NULL) return NULL;
    builder->document = document;
    if (wants != NULL) builder->wants = *wants;
    builder->parser =
        htmlCreatePushParserCtxt(&events, builder, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (builder->parser == NULL) {
        free(builder);
        return NULL;
    }
    htmlCtxtUseOptions(builder->parser, HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC |
                                            HTML_PARSE_NODEFDTD | HTML_PARSE_NONET);
    builder->parser->options |= XML_PARSE_HUGE;
    /* So many ends of html, head and body are ignored, as those of misplaced ones are: what comes after them belongs
       to the page, where the parser would call it the end. */
    builder->parser->depth = INT_MAX / 2;
    decode_begin(&builder->decoder, charset, parse, builder);
    return builder;
}

void builder_feed(builder_t *builder, const char *bytes, size_t n) {
    if (!builder->document->truncated) decode_feed(&builder->decoder, bytes, n);
}

void builder_end(builder_t *builder) {
    static const struct bytes none;

    decode_end(&builder->decoder);
    htmlParseChunk(builder->parser, NULL, 0, true);
    if (!builder->document->truncated) flush_text(builder);
    if (builder->document->root == NO_REF) open_element(builder, TAG_HTML, &none);
    htmlFreeParserCtxt(builder->parser);
    bytes_free(&builder->text);
    bytes_free(&builder->scratch);
    free(builder);
}
