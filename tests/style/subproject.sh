#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Another project's dependency('rmalloc') is met by this tree as a subproject.
# Usage: subproject.sh SOURCE_ROOT BUILD_ROOT
. "$(dirname "$0")/tap.sh"
root=$1

if ! command -v meson >/dev/null 2>&1; then
    echo '1..0 # SKIP no meson here'
    exit 0
fi

mkdir -p "$scratch/user/subprojects/rmalloc"
(cd "$root" && cp -R meson.build meson_options.txt include lib plots tools tests \
    "$scratch/user/subprojects/rmalloc")
cat >"$scratch/user/meson.build" <<'M'
project('user', 'c', default_options: ['c_std=c11', 'werror=true'])
rmalloc = dependency('rmalloc', fallback: 'rmalloc',
  default_options: ['tools=disabled', 'tests=disabled', 'werror=false'])
test('hello', executable('hello', 'hello.c', dependencies: rmalloc))
M
cat >"$scratch/user/hello.c" <<'C'
#include <rmalloc.h>

int main(void) {
    memory_t *block;
    return rmalloc(&block, 100) != RM_OK || rmfree(block) != RM_OK;
}
C
# As the user would: nothing of this build's environment.
unset DESTDIR MESON_SOURCE_ROOT MESON_BUILD_ROOT
check 'it configures' meson setup --wrap-mode=forcefallback "$scratch/build" "$scratch/user"
check 'it builds' meson compile -C "$scratch/build"
check 'it runs' "$scratch/build/hello"
plan
