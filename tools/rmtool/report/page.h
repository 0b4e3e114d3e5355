/* SPDX-License-Identifier: MIT */
/*
 * What pages of a report are made of: text that is escaped, pictures and files that go into
 * the page itself, a template that is filled. Knows nothing of what a report says. All of it
 * is well-formed XML as well as HTML.
 */
#ifndef RMTOOL_PAGE_H
#define RMTOOL_PAGE_H

#include <stdint.h>
#include <stdio.h>

/* Text as text, or as the value of an attribute: nothing in it is taken for markup. What is
   no UTF-8, and control characters, become question marks. */
void page_text(FILE *to, const char *text);

/* The same, formatted first; at most 1,000 bytes. */
void page_format(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A name for use in id="" and as part of a file's name: letters, digits, "-_.". */
void page_name(FILE *to, const char *text);

void page_base64(FILE *to, const void *data, size_t size);

/* A file as a data: URL of that type, for href="" and src="". Returns: a status. */
int page_data_url(FILE *to, const char *path, const char *type);

/*
 * An SVG picture of gnuplot's, as an element.
 *  prefix: of its ids, so that those of two pictures differ.
 *  label:  what it shows, for who cannot see it.
 * Returns: a status.
 */
int page_svg(FILE *to, const char *path, const char *prefix, const char *label);

/* What stands in for {{name}} in a template. */
struct page_part {
    const char *name, *text;
};

/*
 * Copies a template, its {{names}} replaced. The last part's name is NULL.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED: a name is not known.
 */
int page_fill(FILE *to, const char *path, const struct page_part *parts);

/* A whole file, with a NUL behind it. NULL, having complained, where it cannot be read. To be
   freed. size may be NULL. */
char *page_read(const char *path, size_t *size);

#endif
