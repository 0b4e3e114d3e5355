/* SPDX-License-Identifier: MIT */
#include "top/cellart.h"

#include <langinfo.h>
#include <string.h>

enum cell_kind cell_kind(const struct look_cell *cell, unsigned *level) {
    uint64_t taken = cell->used + cell->locked + cell->metadata;
    uint64_t all = taken + cell->free;

    *level = all == 0 ? 0 : (unsigned)(taken * CELL_LEVELS / all);
    if (*level == CELL_LEVELS) *level = CELL_LEVELS - 1;
    if (all == 0) return CELL_NOTHING;
    if (cell->locked > 0) return CELL_LOCKED;
    if (taken == 0) return CELL_FREE;
    return cell->metadata > cell->used ? CELL_METADATA : CELL_USED;
}

const char *cell_glyph(enum cell_kind kind, unsigned level, bool unicode, bool marked) {
    static const char *const shades[2][CELL_LEVELS] = {{":", "o", "O", "#"},
                                                       {"░", "▒", "▓", "█"}};

    switch (kind) {
    case CELL_NOTHING: return " ";
    case CELL_FREE: return unicode ? "·" : ".";
    case CELL_METADATA: return unicode ? "≡" : "=";
    case CELL_LOCKED:
        if (marked) return unicode ? "◆" : "L";
        break;
    case CELL_USED: break;
    }
    return shades[unicode][level < CELL_LEVELS ? level : CELL_LEVELS - 1];
}

bool cell_unicode(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }
