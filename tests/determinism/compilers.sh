#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The same calls give the same heap whatever compiler has built the library, at whatever level of
# optimisation, linked as a whole or not. Each build is one test.
# Usage: compilers.sh SOURCE_ROOT [--all]    all builds; else two, and one that is drawn of the others
#        compilers.sh SOURCE_ROOT --renew    the figures anew
. "$(dirname "$0")/../style/tap.sh"
cd "$1" || exit 1
mode=${2-}
golden=tests/determinism/golden.txt
trace=$scratch/trace

# What is farthest from the default builds of both compilers (-O2) and from that for coverage (gcc -O1); the others.
builds='gcc -O0
clang -O3 -flto'
others='gcc -O3
gcc -O2 -flto
gcc -O3 -march=native
gcc -Os
clang -O0
clang -O1
clang -O3
clang -Os'
default='gcc -O1
gcc -O2
clang -O2'

command -v zstd >/dev/null 2>&1 || { echo '1..0 # SKIP no zstd here (on Debian: apt-get install zstd)'; exit 0; }
zstd -dcq tests/traces/lua-wordfreq.rmt.zst >"$trace" || { echo 'Bail out! no trace'; exit 1; }

# build COMPILER FLAG...: the program, all of the library in it.
build() {
    "$@" -std=gnu11 -D_GNU_SOURCE -DRM_CHECKS=0 -Iinclude -Ilib -Itests/api lib/*.c \
        tests/determinism/*.c tests/api/golden.c tests/api/rng.c -pthread -o "$scratch/determinism" \
        >"$scratch/build.log" 2>&1
}

run() {
    "$scratch/determinism" "$golden" --trace "$trace" "$@"
}

if [ "$mode" = --renew ]; then
    build gcc -O2 || { cat "$scratch/build.log" >&2; exit 1; }
    run --renew >"$scratch/golden" && cat "$scratch/golden" >"$golden"
    exit
fi
if [ "$mode" = --all ]; then
    more="$others
$default"
else
    more=$(echo "$others" | shuf -n 1)
fi
builds="$builds
$more"

echo "$builds" | while read -r compiler flags; do
    if ! command -v "$compiler" >/dev/null 2>&1; then
        skip "$compiler $flags" "no $compiler here (on Debian: apt-get install $compiler)"
    # shellcheck disable=SC2086
    elif ! build "$compiler" $flags; then
        not_ok "$compiler $flags: cannot be built" "$scratch/build.log"
    elif run >"$scratch/log" 2>&1; then
        ok "$compiler $flags: $(grep -c '^ok' "$scratch/log") heaps as ever"
    else
        grep -v '^ok' "$scratch/log" | head -n 12 >"$scratch/why"
        not_ok "$compiler $flags" "$scratch/why"
    fi
    echo "$n_tests" >"$scratch/n"
done
n_tests=$(cat "$scratch/n")
plan
