/* SPDX-License-Identifier: MIT */
/* Sheets: text to rules, rules into one object, and which of them an element's path matches. */
#include "dom/css.h"

#include <glib.h>
#include <string.h>

enum { NESTING_MAX = 8 }; /* of @media */

/* A sheet that is being read. */
struct reading {
    struct bytes rules, declarations, selectors;
    uint32_t n_rules;
};

#define N_OF(bytes, type) ((uint32_t)((bytes).n / sizeof(type)))

/* ----------------------------------------------------------------------------- reading */

/* "h1, h2 { color: red }": a rule for each selector that is known, all of the same declarations. */
static void read_rule(struct reading *reading, struct css_reader *reader) {
    struct css_reader selectors = css_until(reader, "{");
    struct rule rule = {.declarations = N_OF(reading->declarations, struct declaration)};

    struct css_token brace = css_peek(*reader);

    if (!css_is_sign(&brace, '{')) {
        css_next(reader);
        return;
    }
    struct css_reader block = css_block(reader);

    css_declarations(&block, &reading->declarations);
    rule.n_declarations =
        N_OF(reading->declarations, struct declaration) - rule.declarations;
    if (rule.n_declarations == 0) return;
    while (selectors.at < selectors.end) {
        struct css_reader one = css_until(&selectors, ",");
        size_t begin = reading->selectors.n;

        rule.selector = (uint32_t)begin;
        rule.number = reading->n_rules;
        if (css_selector(&one, &reading->selectors, &rule)) {
            bytes_add(&reading->rules, &rule, sizeof rule);
            reading->n_rules++;
        } else {
            reading->selectors.n = begin;
        }
        css_next(&selectors);
    }
}

static void read_rules(struct reading *reading, struct css_reader *reader, int nesting);

static void read_at_rule(struct reading *reading, struct css_reader *reader,
                         int nesting) {
    struct css_token name = css_next(reader);
    struct css_reader prelude = css_until(reader, "{;");
    struct css_token stop = css_peek(*reader);

    if (!css_is_sign(&stop, '{')) {
        css_next(reader);
        return;
    }
    struct css_reader block = css_block(reader);

    if (css_is_word(&name, "media") && nesting < NESTING_MAX &&
        sheet_media(prelude.at, prelude.end - prelude.at))
        read_rules(reading, &block, nesting + 1);
}

static void read_rules(struct reading *reading, struct css_reader *reader, int nesting) {
    for (;;) {
        struct css_token token = css_peek(*reader);

        if (token.type == CSS_END) return;
        if (token.type == CSS_AT) {
            read_at_rule(reading, reader, nesting);
        } else if (css_is_sign(&token, '}') || css_is_sign(&token, ';')) {
            css_next(reader);
        } else if (reader->end - token.from >= 4 && memcmp(token.from, "<!--", 4) == 0) {
            reader->at = token.from + 4;
        } else if (reader->end - token.from >= 3 && memcmp(token.from, "-->", 3) == 0) {
            reader->at = token.from + 3;
        } else {
            read_rule(reading, reader);
        }
    }
}

/* ----------------------------------------------------------------------- in one object */

/* The arrays behind the head. */
struct parts {
    uint32_t *first; /* rules of bucket i: first[i] to first[i + 1] */
    struct rule *rules;
    struct declaration *declarations;
    char *selectors;
};

static struct parts parts_of(void *object) {
    const struct rules *head = object;
    struct parts parts = {.first = (uint32_t *)((char *)object + sizeof *head)};

    parts.rules = (struct rule *)(parts.first + head->n_buckets + 1);
    parts.declarations = (struct declaration *)(parts.rules + head->n_rules);
    parts.selectors = (char *)(parts.declarations + head->n_declarations);
    return parts;
}

/* Rules by bucket, counted first. */
static void fill_buckets(struct parts *parts, const struct rules *head,
                         const struct rule *rules) {
    uint32_t mask = head->n_buckets - 1;

    memset(parts->first, 0, (head->n_buckets + 1) * sizeof *parts->first);
    for (uint32_t i = 0; i < head->n_rules; i++) parts->first[rules[i].key & mask]++;
    for (uint32_t i = 1; i <= head->n_buckets; i++)
        parts->first[i] += parts->first[i - 1];
    for (uint32_t i = head->n_rules; i-- > 0;)
        parts->rules[--parts->first[rules[i].key & mask]] = rules[i];
}

static ref_t pack(store_t *store, const struct reading *reading) {
    struct rules head = {.n_rules = reading->n_rules,
                         .n_buckets = 8,
                         .n_declarations =
                             N_OF(reading->declarations, struct declaration)};

    while (head.n_buckets < head.n_rules) head.n_buckets *= 2;
    ref_t object = store_new(
        store, sizeof head + (head.n_buckets + 1) * sizeof(uint32_t) + reading->rules.n +
                   reading->declarations.n + reading->selectors.n);

    if (object == NO_REF) return NO_REF;
    void *at = store_lock(object);

    memcpy(at, &head, sizeof head);
    struct parts parts = parts_of(at);

    fill_buckets(&parts, &head, (const struct rule *)(const void *)reading->rules.data);
    memcpy(parts.declarations, reading->declarations.data, reading->declarations.n);
    memcpy(parts.selectors, reading->selectors.data, reading->selectors.n);
    store_unlock(object);
    return object;
}

void sheet_parse(sheet_t *sheet, store_t *store, const char *css, size_t n) {
    struct css_reader reader = {css, css + n};
    struct reading reading = {0};

    *sheet = (sheet_t){.store = store};
    read_rules(&reading, &reader, 0);
    if (reading.n_rules > 0 && !reading.rules.failed && !reading.declarations.failed)
        sheet->rules = pack(store, &reading);
    if (sheet->rules != NO_REF) sheet->n_rules = reading.n_rules;
    bytes_free(&reading.rules);
    bytes_free(&reading.declarations);
    bytes_free(&reading.selectors);
}

void sheet_free(sheet_t *sheet) {
    store_free(sheet->store, sheet->rules);
    *sheet = (sheet_t){.store = sheet->store};
}

/* ---------------------------------------------------------------------------- matching */

struct match {
    struct parts parts;
    uint32_t n_buckets;
    const struct style_step *path;
    size_t depth;
    css_rule_fn *visit;
    void *context;
};

static void match_key(const struct match *match, uint32_t key) {
    const struct parts *parts = &match->parts;
    uint32_t bucket = key & (match->n_buckets - 1);

    for (uint32_t i = parts->first[bucket]; i < parts->first[bucket + 1]; i++) {
        const struct rule *rule = parts->rules + i;

        if (rule->key == key &&
            css_matches(parts->selectors + rule->selector, match->path, match->depth))
            match->visit(match->context, rule, parts->declarations + rule->declarations);
    }
}

void css_match(const sheet_t *sheet, const struct style_step *path, size_t depth,
               css_rule_fn *visit, void *context) {
    const struct style_step *step = path + depth - 1;
    const char *id = attribute_of(step->attributes, step->attributes_size, "id");
    const char *class = attribute_of(step->attributes, step->attributes_size, "class");
    const char *tag = tag_text(step->tag);

    if (sheet->rules == NO_REF) return;
    void *object = store_peek(sheet->rules);
    struct match match = {
        parts_of(object), ((struct rules *)object)->n_buckets, path, depth, visit,
        context};

    match_key(&match, css_key('*', "", 0));
    match_key(&match, css_key('t', tag, strlen(tag)));
    if (id != NULL) match_key(&match, css_key('i', id, strlen(id)));
    while (class != NULL && *class != '\0') {
        size_t n = strcspn(class, " \t\n");

        if (n > 0) match_key(&match, css_key('c', class, n));
        class += n + strspn(class + n, " \t\n");
    }
}
