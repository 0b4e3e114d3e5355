#!/bin/sh
# SPDX-License-Identifier: MIT
#
# include/rmalloc.h compiles clean: alone, as C11 and C++17, with gcc and clang, with
# short names and without; and it leaves the short names alone where it is told to. So
# does rmalloc_view.h.
# Usage: header.sh SOURCE_ROOT
. "$(dirname "$0")/tap.sh"
root=$1
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror'

cat >"$scratch/alone.c" <<'C'
#include <rmalloc.h>
#include <rmalloc.h> /* a second time: nothing happens */
status_t allocate(memory_t **out);
status_t allocate(memory_t **out) { return rmalloc(out, 1); }
C
cat >"$scratch/options.c" <<'C'
#include <rmalloc.h>
rm_heap_options_t make_options(void);
rm_heap_options_t make_options(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options = RM_HEAP_OPTIONS_INIT;
    return options;
}
C
cat >"$scratch/long.c" <<'C'
#define RM_NO_SHORT_NAMES
typedef double status_t;
typedef double memory_t;
#include <rmalloc.h>
rm_status_t allocate(rm_memory_t **out);
rm_status_t allocate(rm_memory_t **out) { return rmalloc(out, 1); }
C
cat >"$scratch/view.c" <<'C'
#include <rmalloc_view.h>
#include <rmalloc_view.h>
rm_view_status_t look(rm_view_t *view);
rm_view_status_t look(rm_view_t *view) { return rm_view_settle(view, NULL); }
C
cp "$scratch/alone.c" "$scratch/alone.cc"
cp "$scratch/view.c" "$scratch/view.cc"
cp "$scratch/options.c" "$scratch/options.cc"
cp "$scratch/long.c" "$scratch/long.cc"

for compiler in gcc clang g++ clang++; do
    case $compiler in
    *++) standard=c++17 ending=cc ;;
    *) standard=c11 ending=c ;;
    esac
    for unit in alone options long view; do
        name="$compiler -std=$standard, $unit"
        if ! command -v $compiler >/dev/null 2>&1; then
            skip "$name" 'no such compiler here'
            continue
        fi
        # shellcheck disable=SC2086
        check "$name" $compiler -std=$standard $warnings -I "$root/include" \
            -fsyntax-only "$scratch/$unit.$ending"
    done
done
plan
