#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Replays of made-up traces, all content verified, under every policy and in every kind of
# heap; and what the report says of them.
. "$(dirname "$0")/common.sh"
generate plain.rmt 6000 0 1
generate locks.rmt 6000 1 2
printf '# rmt 1\n' >nothing.rmt

for policy in demand manual steady; do
    for trace in plain locks nothing; do
        expect "$trace, $policy, grow" 0 '' "$rmtool" replay --quiet --check \
            --compact $policy $trace.rmt
        expect "$trace, $policy, grow, steps" 0 '' "$rmtool" replay --quiet --check \
            --compact $policy --step 50:64KiB --trim $trace.rmt
    done
    # A region of bytes for the trace without any, and for locks, which may be in the way.
    expect "plain, $policy, 1.3x" 0 '' "$rmtool" replay --quiet --check \
        --compact $policy --heap 1.3x plain.rmt
    expect "plain, $policy, 1.3x, steps" 0 '' "$rmtool" replay --quiet --check \
        --compact $policy --heap 1.3x --step 20:4KiB:20000 --threads none plain.rmt
    expect "locks, $policy, 1.6x" 0 '' "$rmtool" replay --quiet --check \
        --compact $policy --heap 1.6x locks.rmt
done
expect 'a region that is too small' 1 'plain.rmt:' "$rmtool" replay --heap 0.5x plain.rmt
expect 'a region too small for a heap' 1 'rm_heap_create' "$rmtool" replay --heap 16 plain.rmt
printf "# rmt 1\na 9000000000\n" >large.rmt
expect 'a block that is too large' 1 'alloc of block 1' "$rmtool" replay large.rmt
expect 'standard input' 0 '' "$rmtool" replay --json - <plain.rmt
cp out piped.json
expect 'a file' 0 '' "$rmtool" replay --json plain.rmt
cp out file.json
for key in events operations allocations reallocations frees peak_live_bytes blocks requested; do
    : >why
    [ "$(number $key file.json)" = "$(number $key piped.json)" ] ||
        echo "$(number $key file.json) is not $(number $key piped.json)" >why
    check_empty "$key is the same from standard input" why
done
expect 'standard input, twice' 0 '' "$rmtool" replay --quiet --heap 1.3x --floor - <plain.rmt

# The report against a count by awk.
awk '!/^#/ { events++ } /^[azm]/ { n++; size[n] = $2; live += $2 }
    /^r/ { live += $3 - size[n - $2]; size[n - $2] = $3 } /^f/ { live -= size[n - $2] }
    live > peak { peak = live }
    END { printf "events %d\nallocations %d\npeak_live_bytes %d\nrequested %d\n",
        events, n, peak, live }' plain.rmt >counted
while read -r key value; do
    : >why
    [ "$(number "$key" file.json)" = "$value" ] || echo "$(number "$key" file.json), not $value" >why
    check_empty "$key is $value" why
done <counted

expect '--limit-events' 0 '' "$rmtool" replay --json --limit-events 10 plain.rmt
holds '--limit-events: so many' out '"events": 10,'
expect 'alignments above the limit' 0 '' "$rmtool" replay --json --check plain.rmt
: >why
[ "$(number reduced_alignments out)" -gt 0 ] || echo 'none counted' >why
check_empty 'alignments above the limit are counted' why
expect 'a compressed trace' 0 '' "$rmtool" replay --check "$bundled"
holds 'a compressed trace: its name' out 'lua-wordfreq'
expect 'a compressed trace in a region' 0 '' "$rmtool" replay --quiet --heap 1.3x "$bundled"
plan
