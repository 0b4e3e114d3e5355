/* SPDX-License-Identifier: MIT */
#include "dom/style.h"

#include <string.h>

// clang-format off
static const char text[] =
    "html, body, div, p, h1, h2, h3, h4, h5, h6, ul, ol, menu, dl, dt, dd, pre, blockquote, hr,"
    "address, article, aside, center, details, fieldset, figcaption, figure, footer, form, header,"
    "main, nav, section, summary, noscript, legend { display: block }"
    "head, link, meta, script, style, template, title, base, svg, option, col, colgroup { display: none }"
    "option:first-child { display: inline }"
    "body { margin: 8px; line-height: 1.25 }"

    "h1, h2, h3, h4, h5, h6 { font-weight: bold }"
    "h1 { font-size: 2em; margin: 0.67em 0 }"
    "h2 { font-size: 1.5em; margin: 0.83em 0 }"
    "h3 { font-size: 1.17em; margin: 1em 0 }"
    "h4 { margin: 1.33em 0 }"
    "h5 { font-size: 0.83em; margin: 1.67em 0 }"
    "h6 { font-size: 0.67em; margin: 2.33em 0 }"

    "p, dl, ul, ol, menu, pre { margin: 1em 0 }"
    "blockquote, figure { margin: 1em 40px }"
    "ul ul, ul ol, ol ul, ol ol, dl ul, dl ol, ul dl, ol dl { margin: 0 }"
    "ul, ol, menu { padding-left: 40px }"
    "ul, menu { list-style-type: disc }"
    "ol { list-style-type: decimal }"
    "ul ul, ol ul { list-style-type: circle }"
    "ul ul ul, ul ol ul, ol ul ul, ol ol ul { list-style-type: square }"
    "li { display: list-item }"
    "dd { margin-left: 40px }"

    "a:link { color: #0645ad; text-decoration: underline }"
    "b, strong { font-weight: bold }"
    "i, em, cite, var, dfn, address { font-style: italic }"
    "u, ins { text-decoration: underline }"
    "s, strike, del { text-decoration: line-through }"
    "small, sub, sup { font-size: smaller }"
    "big { font-size: larger }"
    "sub { vertical-align: sub }"
    "sup { vertical-align: super }"
    "mark { background: yellow; color: black }"
    "abbr { border-bottom: 1px dotted }"
    "pre, code, kbd, samp, tt, textarea { font-family: monospace; font-size: 0.875em }"
    "pre code, pre kbd, pre samp, pre tt, code code, kbd kbd, tt code, code tt { font-size: inherit }"
    "pre { white-space: pre }"
    "textarea { white-space: pre-wrap }"
    "nobr { white-space: nowrap }"
    "center { text-align: center }"
    "center > table, center > div, center > hr { margin-left: auto; margin-right: auto }"

    "hr { margin: 0.5em 0; border-top: 1px solid gray }"
    "img { border-color: inherit }"
    "fieldset { margin: 0 2px; padding: 0.35em 0.75em 0.625em; border: 1px solid silver }"
    "button, input, select, textarea { display: inline-block; padding: 1px 6px; border: 1px solid gray;"
    "    color: black; background: #f0f0f0 }"

    "table { display: table; white-space: normal; vertical-align: middle }"
    "thead, tbody, tfoot { display: table-row-group; vertical-align: middle }"
    "tr { display: table-row; vertical-align: inherit }"
    "td, th { display: table-cell; padding: 1px; vertical-align: inherit }"
    "th { font-weight: bold; text-align: center }"
    "caption { display: table-caption; text-align: center }";
// clang-format on

void sheet_parse_own(sheet_t *sheet, store_t *store) {
    sheet_parse(sheet, store, text, strlen(text));
}
