#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Made-up traces: each is well-formed, the same for the same seed and scale, as large as
# it says, and the same whether it goes through a file or not.
. "$(dirname "$0")/common.sh"

"$rmtool" generate --list >list
names='redis churn fragkill browser smallhot mesh-lru redis-defrag ramcloud ruby'
for name in $names; do
    : >why
    grep -q "^$name " list || echo "$name is not listed" >why
    check_empty "$name: listed" why
    expect "$name: written" 0 '' "$rmtool" generate --quiet --scale 0.01 "$name"
    expect "$name: again" 0 '' "$rmtool" generate --quiet --scale 0.01 -o again.rmt.zst "$name"
    check "$name: the same for the same seed" cmp "$name.rmt.zst" again.rmt.zst
    expect "$name: another seed" 0 '' \
        "$rmtool" generate --json --scale 0.01 --seed 2 -o other.rmt.zst "$name"
    cp out other.json
    expect "$name: from its file" 0 '' "$rmtool" replay --json --check "$name.rmt.zst"
    cp out file.json
    expect "$name: without a file" 0 '' \
        "$rmtool" replay --json --check "synth:$name,scale=0.01"
    for key in events allocations reallocations frees peak_live_bytes peak_live_blocks; do
        : >why
        [ "$(number $key out)" = "$(number $key file.json)" ] ||
            echo "$(number $key out), not $(number $key file.json)" >why
        check_empty "$name: $key is the same" why
    done
    expect "$name: the other seed" 0 '' \
        "$rmtool" replay --json "synth:$name,seed=2,scale=0.01"
    : >why
    [ "$(number events out)" = "$(number events other.json)" ] ||
        echo "$(number events out), not $(number events other.json)" >why
    check_empty "$name: the other seed, the same events" why
done
for name in redis churn browser smallhot ramcloud; do
    "$rmtool" generate --quiet --scale 0.01 --seed 2 -o other.rmt.zst $name
    : >why
    ! cmp -s $name.rmt.zst other.rmt.zst || echo 'the same for seed 1 and 2' >why
    check_empty "$name: another one for another seed" why
done

# zstd reads it, and the header counts what is there.
if command -v zstd >/dev/null 2>&1; then
    zstd -dc browser.rmt.zst >browser.rmt
    awk 'NR == 1 && $0 != "# rmt 1" { print "first line: " $0 }
        /^# events:/ { events = $3 } /^# allocs:/ { allocs = $3 } /^# reallocs:/ { reallocs = $3 }
        /^# frees:/ { frees = $3 } /^# peak-live-bytes:/ { says = $3 }
        /^# max-size:/ { max = $3 } /^#/ { next }
        { events-- }
        /^a/ { n++; size[n] = $2; live += $2; allocs-- }
        /^r/ { live += $3 - size[n - $2]; size[n - $2] = $3; reallocs-- }
        /^f/ { live -= size[n - $2]; frees-- }
        live > peak { peak = live }
        /^a/ && $2 > largest { largest = $2 } /^r/ && $3 > largest { largest = $3 }
        END { if (events || allocs || reallocs || frees) print "counts are wrong"
            if (peak != says) print "peak " peak ", not " says
            if (largest != max) print "largest " largest ", not " max }' browser.rmt >why
    check_empty 'the header counts what is there' why
else
    skip 'the header counts what is there' 'no zstd here'
fi
expect 'on standard output' 0 '' "$rmtool" generate --scale 0.01 -o - browser
check 'on standard output: the same' cmp out browser.rmt.zst
expect 'cut' 0 '' "$rmtool" replay --json --limit-events 100 synth:churn,scale=0.01
holds 'cut: so many' out '"events": 100,'
expect 'minheap' 0 '' "$rmtool" minheap --quiet --limit-events 2000 synth:browser,scale=0.01

expect 'no name' 2 'which trace' "$rmtool" generate
expect 'an unknown name' 2 "'nonsense'" "$rmtool" generate nonsense
expect 'an unknown name, replayed' 2 "'nonsense'" "$rmtool" replay synth:nonsense
expect 'two names' 2 "'churn'" "$rmtool" generate redis churn
for scale in '' 0 -1 x 1e3 1001; do
    expect "--scale '$scale' is refused" 2 '--scale' "$rmtool" generate --scale "$scale" redis
    expect "scale=$scale is refused" 2 'scale=F' "$rmtool" replay "synth:redis,scale=$scale"
done
for seed in '' -1 x 99999999999999999999; do
    expect "--seed '$seed' is refused" 2 '--seed' "$rmtool" generate --seed "$seed" redis
    expect "seed=$seed is refused" 2 'seed=N' "$rmtool" replay "synth:redis,seed=$seed"
done
expect 'an unknown setting' 2 "'size=3'" "$rmtool" replay synth:redis,size=3
expect 'a folder that is not there' 3 'gone/x: No such file' \
    "$rmtool" generate --scale 0.01 -o gone/x redis
expect 'two things on standard output' 2 'standard output' \
    "$rmtool" generate --json -o - redis
if [ -w /dev/full ]; then
    # shellcheck disable=SC2016 # the inner shell expands them
    expect 'a full disk' 3 'No space' sh -c '"$0" generate --scale 0.1 -o - churn >/dev/full' \
        "$rmtool"
else
    skip 'a full disk' 'no /dev/full'
fi
# shellcheck disable=SC2016 # the inner shell expands them
expect 'a file that may not grow' 3 'rmt.zst: File too large' \
    sh -c 'trap "" XFSZ; ulimit -f 1; exec "$0" generate -q --scale 0.1 -o left.rmt.zst churn' "$rmtool"
find . -name '*.tmp' -o -name '*.body' -o -name 'left*' >why
check_empty 'no temporary file left' why
plan
