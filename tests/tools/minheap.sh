#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The smallest region: the trace completes in it, does not in one that is clearly smaller,
# and it is no smaller than what is live.
. "$(dirname "$0")/common.sh"
generate plain.rmt 5000 0 4
generate locks.rmt 5000 1 5

for policy in demand manual; do
    for trace in plain locks; do
        expect "$trace, $policy" 0 '' "$rmtool" minheap --json --compact $policy $trace.rmt
        bytes=$(number bytes out)
        peak=$(number peak_live_bytes out)
        resolution=$(number resolution out)
        : >why
        [ "$bytes" -gt "$peak" ] || echo "$bytes bytes for $peak live" >why
        check_empty "$trace, $policy: more than what is live" why
        expect "$trace, $policy: suffices" 0 '' "$rmtool" replay --quiet --no-touch \
            --compact $policy --heap "$bytes" $trace.rmt
        : >why
        [ "$resolution" -le $((peak / 1900 + 16)) ] || echo "$resolution of $peak" >why
        check_empty "$trace, $policy: as exact as promised" why
    done
done
expect 'standard input' 0 '' "$rmtool" minheap --quiet - <plain.rmt
cp out piped
expect 'a file' 0 '' "$rmtool" minheap --quiet plain.rmt
check 'the same from standard input' cmp out piped
printf '# rmt 1\n' >nothing.rmt
expect 'an empty trace' 0 '' "$rmtool" minheap nothing.rmt
printf '# rmt 1\na 0\n' >zero.rmt
expect 'a block of 0 bytes' 0 '' "$rmtool" minheap zero.rmt
printf '# rmt 1\na 20000000000\n' >large.rmt
expect 'more than a heap can hold' 1 'large.rmt' "$rmtool" minheap large.rmt
plan
