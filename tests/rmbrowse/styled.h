/* SPDX-License-Identifier: MIT */
/* Styles for tests: of elements of a page, under sheets, computed from the root on. */
#ifndef RMBROWSE_STYLED_H
#define RMBROWSE_STYLED_H

#include "built.h"
#include "dom/style.h"

enum { STYLED_SHEETS = 8 };

struct styled {
    struct built page;
    sheet_t sheets[STYLED_SHEETS]; /* the browser's own first */
    size_t n_sheets;
};

struct styled styled_page(const char *html, const char *const *css, size_t n);
void styled_drop(struct styled *styled);
/* The style of the first element with this id. */
struct style style_in(const struct styled *styled, const char *id);
/* The style of #x in a page, with a sheet. */
struct style style_of(const char *html, const char *css);
/* The style of <p id=x> with these declarations. */
struct style style_declared(const char *declarations);

#define RED 0xFFFF0000
#define LIME 0xFF00FF00
#define BLUE 0xFF0000FF
#define BLACK 0xFF000000

#endif
