/* SPDX-License-Identifier: MIT */
/*
 * Selectors, as bytes, the last element's part first: "ul > li.a" is
 *
 *      CLASS a\0 TAG li CHILD TAG ul END
 */
#include "dom/css.h"

#include <glib.h>
#include <string.h>

enum part {
    PART_END,
    PART_DESCENDANT, /* what comes next is of an element above */
    PART_CHILD,      /* ... of the parent */
    PART_TAG,        /* a byte: tag_t */
    PART_CLASS,      /* a name */
    PART_ID,         /* a name */
    PART_ATTRIBUTE,  /* a sign of how, 0: it is there; a name; a value */
    PART_LINK,
    PART_FIRST_CHILD,
    PART_ROOT
};

/* What is said of one element. */
struct compound {
    size_t from, n;  /* in the text */
    char combinator; /* before it: ' ', '>', or '\0' */
};

enum { COMPOUNDS_MAX = 16 };

uint32_t css_key(char kind, const char *name, size_t n) {
    uint32_t hash = (2166136261u ^ (unsigned char)kind) * 16777619u;

    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

/* ---------------------------------------------------------------------------- reading */

/* What a selector has so far: the best key, how it was come by, and its specificity by digits. */
struct reading {
    struct bytes *out;
    uint32_t key;
    char kind;
    unsigned ids, classes, tags;
};

static void add_part(struct reading *reading, enum part part) {
    bytes_add(reading->out, &(char){(char)part}, 1);
}

/* Ids are rarer than classes, classes than tags. */
static void offer_key(struct reading *reading, char kind, const char *name, size_t n) {
    static const char order[] = "*tci";

    if (strchr(order, kind) < strchr(order, reading->kind)) return;
    reading->kind = kind;
    reading->key = css_key(kind, name, n);
}

static void add_name(struct reading *reading, enum part part, char kind,
                     const struct css_token *token) {
    add_part(reading, part);
    size_t from = reading->out->n;

    css_add_name(reading->out, token->text, token->n);
    if (reading->out->failed) return;
    offer_key(reading, kind, reading->out->data + from, reading->out->n - from - 1);
}

/* [href], [type=a], [class~="b"], what follows '['. */
static bool add_attribute(struct reading *reading, struct css_reader *reader) {
    struct css_token name = css_next(reader), sign = css_next(reader), value = {0};
    char how = '\0';

    if (name.type != CSS_NAME || sign.type != CSS_SIGN) return false;
    if (sign.sign != ']') {
        how = sign.sign;
        if (strchr("=~|^$*", how) == NULL) return false;
        if (how != '=') sign = css_next(reader);
        value = css_next(reader);
        if (!css_is_sign(&sign, '=') ||
            (value.type != CSS_NAME && value.type != CSS_STRING))
            return false;
        sign = css_next(reader);
        if (!css_is_sign(&sign, ']')) return false;
    }
    add_part(reading, PART_ATTRIBUTE);
    bytes_add(reading->out, &how, 1);
    size_t from = reading->out->n;

    css_add_name(reading->out, name.text, name.n);
    for (size_t i = from; i < reading->out->n; i++)
        reading->out->data[i] = g_ascii_tolower(reading->out->data[i]);
    css_add_name(reading->out, value.text, value.n);
    reading->classes++;
    return true;
}

static bool add_pseudo(struct reading *reading, const struct css_token *name) {
    static const struct {
        const char *name;
        enum part part;
    } known[] = {{"link", PART_LINK},
                 {"visited", PART_LINK},
                 {"any-link", PART_LINK},
                 {"first-child", PART_FIRST_CHILD},
                 {"root", PART_ROOT}};

    if (name->type != CSS_NAME || name->spaced) return false;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!css_is_word(name, known[i].name)) continue;
        add_part(reading, known[i].part);
        reading->classes++;
        return true;
    }
    return false;
}

static bool add_simple(struct reading *reading, const struct css_token *token,
                       struct css_reader *reader) {
    if (token->type == CSS_NAME) {
        tag_t tag = tag_of(token->text, token->n);

        if (tag == TAG_OTHER) return false;
        add_part(reading, PART_TAG);
        bytes_add(reading->out, &(char){(char)tag}, 1);
        offer_key(reading, 't', tag_text(tag), strlen(tag_text(tag)));
        reading->tags++;
        return true;
    }
    if (token->type == CSS_HASH) {
        add_name(reading, PART_ID, 'i', token);
        reading->ids++;
        return true;
    }
    if (token->type != CSS_SIGN) return false;
    if (token->sign == '*') return true;
    if (token->sign == '[') return add_attribute(reading, reader);
    struct css_token name = css_peek(*reader);

    if (name.type != CSS_NAME || name.spaced) return false;
    css_next(reader);
    if (token->sign == ':') return add_pseudo(reading, &name);
    if (token->sign != '.') return false;
    add_name(reading, PART_CLASS, 'c', &name);
    reading->classes++;
    return true;
}

static bool is_combinator(const struct css_token *token) {
    return css_is_sign(token, '>');
}

/* One element's part, up to white space or a sign between elements. */
static bool add_compound(struct reading *reading, struct css_reader *reader) {
    bool first = true;

    for (;; first = false) {
        struct css_token token = css_peek(*reader);

        if (token.type == CSS_END || css_is_sign(&token, ',') || is_combinator(&token) ||
            (token.spaced && !first))
            return !first;
        if (token.type == CSS_NAME && !first) return false;
        css_next(reader);
        if (!add_simple(reading, &token, reader)) return false;
    }
}

/* Parts are appended in the order of the text, and turned round in the end. */
bool css_selector(struct css_reader *reader, struct bytes *out, struct rule *rule) {
    struct reading reading = {.out = out};
    struct compound compounds[COMPOUNDS_MAX];
    size_t n = 0, begin = out->n;
    char combinator = '\0';

    for (;;) {
        struct css_token token = css_peek(*reader);

        if (token.type == CSS_END || css_is_sign(&token, ',')) break;
        if (is_combinator(&token)) {
            if (n == 0 || combinator == '>') return false;
            combinator = '>';
            css_next(reader);
            continue;
        }
        if (n == COMPOUNDS_MAX) return false;
        compounds[n] = (struct compound){.from = out->n, .combinator = combinator};
        reading.kind = '*';
        reading.key = css_key('*', "", 0);
        if (!add_compound(&reading, reader)) return false;
        compounds[n].n = out->n - compounds[n].from;
        n++;
        combinator = ' ';
    }
    if (n == 0 || combinator == '>') return false;
    size_t end = out->n;

    while (n-- > 0) {
        /* What is added may move what it is taken from. */
        for (size_t i = 0; i < compounds[n].n; i++)
            bytes_add(out, &(char){out->data[compounds[n].from + i]}, 1);
        add_part(&reading, compounds[n].combinator == '>'   ? PART_CHILD
                           : compounds[n].combinator == ' ' ? PART_DESCENDANT
                                                            : PART_END);
    }
    if (out->failed) return false;
    memmove(out->data + begin, out->data + end, out->n - end);
    out->n -= end - begin;
    rule->key = reading.key;
    rule->specificity =
        MIN(reading.ids, 15) << 8 | MIN(reading.classes, 15) << 4 | MIN(reading.tags, 15);
    return true;
}

/* --------------------------------------------------------------------------- matching */

static bool has_word(const char *text, const char *word) {
    size_t n = strlen(word);

    for (; n > 0 && text != NULL && *text != '\0';) {
        size_t length = strcspn(text, " \t\n");

        if (length == n && memcmp(text, word, n) == 0) return true;
        text += length + strspn(text + length, " \t\n");
    }
    return false;
}

static bool value_matches(const char *have, char how, const char *want) {
    size_t n = strlen(want), length = strlen(have);

    switch (how) {
    case '\0': return true;
    case '=': return strcmp(have, want) == 0;
    case '~': return has_word(have, want);
    case '|': return strncmp(have, want, n) == 0 && (have[n] == '\0' || have[n] == '-');
    case '^': return n > 0 && strncmp(have, want, n) == 0;
    case '$': return n > 0 && length >= n && strcmp(have + length - n, want) == 0;
    default: return n > 0 && strstr(have, want) != NULL;
    }
}

static const char *attribute(const struct style_step *step, const char *name) {
    return attribute_of(step->attributes, step->attributes_size, name);
}

/* Whether an element is what a part says; *at goes on behind the part. */
static bool part_matches(const char **at, const struct style_step *path, size_t i) {
    const struct style_step *step = path + i;
    const char *name = *at + 1, *have;

    switch (**at) {
    case PART_TAG: *at += 2; return step->tag == (unsigned char)*name;
    case PART_CLASS:
        *at = name + strlen(name) + 1;
        return has_word(attribute(step, "class"), name);
    case PART_ID:
        *at = name + strlen(name) + 1;
        have = attribute(step, "id");
        return have != NULL && strcmp(have, name) == 0;
    case PART_ATTRIBUTE: {
        char how = *name++;
        const char *value = name + strlen(name) + 1;

        *at = value + strlen(value) + 1;
        have = attribute(step, name);
        return have != NULL && value_matches(have, how, value);
    }
    case PART_LINK: ++*at; return step->tag == TAG_A && attribute(step, "href") != NULL;
    case PART_FIRST_CHILD: ++*at; return step->first_child;
    default: ++*at; return i == 0;
    }
}

/* From the last element upwards. Where parts below a descendant sign cannot be found from the nearest element on that
   fits, the next one further up is tried: as with '*' in names of files there is no need to go back further. */
bool css_matches(const char *selector, const struct style_step *path, size_t depth) {
    const char *at = selector, *again = NULL;
    size_t i = depth - 1, again_i = 0;

    for (;;) {
        bool matches = true;

        while (matches && *at > PART_CHILD) matches = part_matches(&at, path, i);
        if (matches) {
            if (*at == PART_END) return true;
            if (i-- == 0) return false;
            if (*at++ == PART_DESCENDANT) {
                again = at;
                again_i = i;
            }
        } else {
            if (again == NULL || again_i == 0) return false;
            at = again;
            i = --again_i;
        }
    }
}
