#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `meson install` gives all that a user of the library needs, and a program builds and
# runs with it through pkg-config, against the shared library and the static one.
# Usage: install.sh SOURCE_ROOT BUILD_ROOT tools|lib
. "$(dirname "$0")/tap.sh"
build=$2
with=$3

for program in meson pkg-config cc; do
    if ! command -v $program >/dev/null 2>&1; then
        echo "1..0 # SKIP no $program here"
        exit 0
    fi
done

check 'meson install' env DESTDIR="$scratch/root" meson install -C "$build" --no-rebuild
find "$scratch/root" ! -type d | sed "s|^$scratch/root||" >"$scratch/files"

# installed NAME: somewhere below the prefix.
installed() {
    if grep -q "/$1\$" "$scratch/files"; then
        ok "installed: $1"
    else
        not_ok "installed: $1" "$scratch/files"
    fi
}
installed include/rmalloc.h
installed librmalloc.so
installed librmalloc.a
installed pkgconfig/rmalloc.pc
if [ "$with" = tools ]; then
    installed bin/rmtool
    installed share/rmalloc/plots/palette.gp
    if [ -f "$build/tools/record/librmrecord.so" ]; then
        installed rmalloc/librmrecord.so
        installed include/rmrecord.h
    fi
fi

# The files lie below another root than the one they are for.
pc=$(sed -n 's|/rmalloc.pc$||p' "$scratch/files" | head -n 1)
prefix=$(sed -n 's/^prefix=//p' "$scratch/root$pc/rmalloc.pc")
library=${pc%/pkgconfig}
PKG_CONFIG_LIBDIR=$scratch/root$pc
export PKG_CONFIG_LIBDIR
pc() { pkg-config --define-variable=prefix="$scratch/root$prefix" "$@" rmalloc; }

cat >"$scratch/hello.c" <<'C'
#include <rmalloc.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    memory_t *text;
    char *ptr;
    if (rmalloc(&text, 6) != RM_OK || rmlock(text, (void **)&ptr) != RM_OK) return 1;
    strcpy(ptr, "hello");
    puts(ptr);
    return rmunlock(text) != RM_OK || rmfree(text) != RM_OK;
}
C

says_hello() {
    [ "$("$@")" = hello ]
}

# shellcheck disable=SC2046
check 'hello builds with the shared library' \
    cc -std=c11 -Wall -Wextra -Werror "$scratch/hello.c" -o "$scratch/hello" \
    $(pc --cflags --libs)
check 'hello runs with the shared library' \
    says_hello env LD_LIBRARY_PATH="$scratch/root$library" "$scratch/hello"
# shellcheck disable=SC2046
check 'hello builds with the static library' \
    cc -std=c11 -Wall -Wextra -Werror -static "$scratch/hello.c" -o "$scratch/hello-static" \
    $(pc --static --cflags --libs)
check 'hello runs with the static library' says_hello "$scratch/hello-static"

# What is not in the header is not to be seen from outside.
nm -D --defined-only "$scratch/root$library/librmalloc.so" 2>"$scratch/nm" |
    sed -n 's/.* [TDBRVW] //p' | sed 's/@.*//' | grep -v '^rm' >>"$scratch/nm"
check_empty 'the shared library exports rm* alone' "$scratch/nm"

if [ "$with" = tools ]; then
    rmtool=$scratch/root$(grep '/bin/rmtool$' "$scratch/files")
    check 'rmtool runs where it is installed' \
        env LD_LIBRARY_PATH="$scratch/root$library" "$rmtool" --help
    if [ -f "$build/tools/record/librmrecord.so" ]; then
        check 'rmtool record finds its library where it is installed' \
            env LD_LIBRARY_PATH="$scratch/root$library" \
            "$rmtool" record -q -o "$scratch/sort.rmt.zst" -- sort /dev/null
    fi
fi
plan
