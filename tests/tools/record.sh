#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What is recorded is what was called: each trace is well-formed, and has as many events
# as another library, preloaded too, has counted, whatever a process does, and whatever
# ends it. Usage: record.sh RMTOOL TRACES PROGRAMS LIBRARY
. "$(dirname "$0")/common.sh"
. "$here/recording.sh"

# The program's own words: the last line it said.
as_said() {
    is "$1: as it says" \
        "$(total allocations) $(($(total reallocations) - $(total usable_sizes))) $(total frees)" \
        "$(tail -n 1 said)"
}

counted 'every function' 0 "$calls" every
as_said 'every function'
counted 'usable sizes' 0 "$calls" usable
as_said 'usable sizes'
recorded 0 --no-usable -- "$calls" usable >why
is 'usable sizes: left out' "$(total usable_sizes)" 0
counted 'threads' 0 "$calls" threads
is 'threads: told apart' "$(total threads)" 5
counted 'fork' 0 "$calls" fork
is 'fork: all processes' "$(grep -c '"pid"' report)" 13
is 'fork: no block is unknown' "$(total unknown_frees)" 0
counted 'fork among threads' 0 "$calls" fork-threads
counted 'fork and exec' 0 "$calls" fork-exec
counted 'vfork and exec' 0 "$calls" vfork
counted 'signal handler' 0 "$calls" signal
counted 'dlopen' 0 "$calls" dlopen
recorded 0 -- "$calls" raw-fork >why
well_formed >>why
check_empty 'a fork behind libc: two traces' why
is 'a fork behind libc: two processes' "$(grep -c '"pid"' report)" 2
is 'a fork behind libc: inherited' "$(total unknown_frees)" 0

# What is left to a program, and what it leaves itself.
counted 'confined' 0 "$calls" confined
as_said 'confined'
# shellcheck disable=SC2016 # the inner shell's
expect 'few addresses: most are left' 0 '' "$rmtool" record --quiet -d t --only calls -- \
    sh -c 'ulimit -v 1300000; exec "$0" spacious' "$calls"
if "$programs/older" true; then
    only=calls
    counted 'an older system: threads' 0 "$programs/older" "$calls" threads
    expect 'an older system: confined' 3 'recorded only up to slot' \
        "$rmtool" record -q -d t --only calls -- "$programs/older" "$calls" confined
    only=
else
    skip 'an older system' 'no seccomp here'
fi

# Ends.
counted '_exit' 7 "$calls" leave
as_said '_exit'
counted 'abort' 134 "$calls" abort
as_said 'abort'
counted 'killed' 137 "$calls" told
as_said 'killed'
if [ -x "$programs/early" ]; then
    counted 'C++, constructors, destructors' 0 "$programs/early"
else
    skip 'C++, constructors, destructors' 'no C++ compiler here'
fi

# Locks that a program tells by itself.
recorded 0 -- "$calls" locks >why
zstd -dcq t/*.rmt.zst 2>/dev/null | grep -c '^[lu]' >locks
is 'locks: each outermost one' "$(cat locks)" 22
plan
