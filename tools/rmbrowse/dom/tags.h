/* SPDX-License-Identifier: MIT */
/* The elements that the browser knows, by name. */
#ifndef RMBROWSE_TAGS_H
#define RMBROWSE_TAGS_H

#include <stddef.h>

// clang-format off
#define TAGS(X) \
    X(A, "a") X(ABBR, "abbr") X(ADDRESS, "address") X(ARTICLE, "article") X(ASIDE, "aside") \
    X(B, "b") X(BASE, "base") X(BIG, "big") X(BLOCKQUOTE, "blockquote") X(BODY, "body") \
    X(BR, "br") X(BUTTON, "button") X(CAPTION, "caption") X(CENTER, "center") X(CITE, "cite") \
    X(CODE, "code") X(COL, "col") X(COLGROUP, "colgroup") X(DD, "dd") X(DEL, "del") \
    X(DETAILS, "details") X(DFN, "dfn") X(DIV, "div") X(DL, "dl") X(DT, "dt") X(EM, "em") \
    X(FIELDSET, "fieldset") X(FIGCAPTION, "figcaption") X(FIGURE, "figure") X(FONT, "font") \
    X(FOOTER, "footer") X(FORM, "form") X(H1, "h1") X(H2, "h2") X(H3, "h3") X(H4, "h4") \
    X(H5, "h5") X(H6, "h6") X(HEAD, "head") X(HEADER, "header") X(HR, "hr") X(HTML, "html") \
    X(I, "i") X(IFRAME, "iframe") X(IMG, "img") X(INPUT, "input") X(INS, "ins") X(KBD, "kbd") \
    X(LABEL, "label") X(LEGEND, "legend") X(LI, "li") X(LINK, "link") X(MAIN, "main") \
    X(MARK, "mark") X(MENU, "menu") X(META, "meta") X(NAV, "nav") X(NOSCRIPT, "noscript") \
    X(OBJECT, "object") X(OL, "ol") X(OPTION, "option") X(P, "p") X(PRE, "pre") X(Q, "q") \
    X(S, "s") X(SAMP, "samp") X(SCRIPT, "script") X(SECTION, "section") X(SELECT, "select") \
    X(SMALL, "small") X(SPAN, "span") X(STRIKE, "strike") X(STRONG, "strong") \
    X(STYLE, "style") X(SUB, "sub") X(SUMMARY, "summary") X(SUP, "sup") X(SVG, "svg") \
    X(TABLE, "table") X(TBODY, "tbody") X(TD, "td") X(TEMPLATE, "template") \
    X(TEXTAREA, "textarea") X(TFOOT, "tfoot") X(TH, "th") X(THEAD, "thead") X(TITLE, "title") \
    X(TR, "tr") X(TT, "tt") X(U, "u") X(UL, "ul") X(VAR, "var") X(VIDEO, "video") X(WBR, "wbr")
// clang-format on

typedef enum tag {
    TAG_NONE,  /* text */
    TAG_OTHER, /* an element that is not known: inline, without a meaning */
#define TAG_NAME(name, text) TAG_##name,
    TAGS(TAG_NAME)
#undef TAG_NAME
        TAGS_N
} tag_t;

/* By a name of `n` characters, upper or lower case. */
tag_t tag_of(const char *name, size_t n);
/* In lower case; "" for TAG_NONE and TAG_OTHER. */
const char *tag_text(tag_t tag);

#endif
