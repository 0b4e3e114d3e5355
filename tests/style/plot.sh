#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `rmtool plot`: one command makes all figures of a trace; what cannot be drawn says why,
# with the right exit status, and leaves nothing that looks like a picture.
# Usage: plot.sh SOURCE_ROOT RMTOOL
. "$(dirname "$0")/tap.sh"
root=$(cd "$1" && pwd)
rmtool=$2
trace=$root/tests/traces/lua-wordfreq.rmt.zst
out=$scratch/out

# exits STATUS NAME COMMAND...
exits() {
    wanted=$1
    name=$2
    shift 2
    "$@" >"$scratch/stdout" 2>"$scratch/stderr"
    status=$?
    if [ "$status" -eq "$wanted" ]; then
        ok "$name"
    else
        { echo "exit status $status: $*"; cat "$scratch/stderr"; } >"$scratch/why"
        not_ok "$name" "$scratch/why"
    fi
}

# explains NAME: the last command said something, on standard error.
explains() {
    if [ -s "$scratch/stderr" ]; then ok "$1"; else not_ok "$1"; fi
}

exits 0 'help' "$rmtool" plot --help
exits 2 'no trace: usage' "$rmtool" plot -o "$out"
exits 2 'unknown format: usage' "$rmtool" plot -o "$out" --format pdf "$trace"
exits 2 'two traces of one name: usage' "$rmtool" plot -o "$out" "$trace" "$trace"

mkdir "$scratch/empty"
exits 3 'no gnuplot: cannot' env PATH="$scratch/empty" "$rmtool" plot -o "$out" "$trace"
explains 'no gnuplot: says so'

if ! command -v gnuplot >/dev/null 2>&1; then
    skip 'figures' 'no gnuplot here'
    plan
    exit 0
fi

exits 3 'no such trace: cannot' "$rmtool" plot -o "$out" "$scratch/none.rmt.zst"
explains 'no such trace: says so'
echo 'not a trace' >"$scratch/bad.rmt"
exits 4 'malformed trace: malformed' "$rmtool" plot -o "$out" "$scratch/bad.rmt"
explains 'malformed trace: says so'
exits 3 'nothing to reuse: cannot' "$rmtool" plot --reuse -o "$out" "$trace"
exits 3 'no scripts there: cannot' "$rmtool" plot --plots-dir "$scratch/empty" "$trace"
find "$scratch" -name '*.png' -o -name '*.svg' -o -name '*.tmp' >"$scratch/pictures"
check_empty 'so far there is no picture, nor part of one' "$scratch/pictures"

exits 0 'all figures' "$rmtool" plot -o "$out" --format png,svg --limit-events 20000 "$trace"
cp "$scratch/stdout" "$scratch/names"
for figure in memory free fragmentation heapmap steps; do
    for format in png svg; do
        picture=$out/lua-wordfreq-$figure.$format
        if [ -s "$picture" ] && grep -qx "$picture" "$scratch/names"; then
            ok "$figure.$format"
        else
            not_ok "$figure.$format" "$scratch/names"
        fi
    done
done

exits 2 'an unknown animation: usage' "$rmtool" plot --animate=avi "$trace"
exits 0 'an animation' "$rmtool" plot -o "$out" --format png --limit-events 3000 --samples 40 \
    --animate "$trace"
check 'an animation: its frames' sh -c "
    head -c 6 '$out/lua-wordfreq-animation.gif' | grep -q GIF89a &&
    [ \"\$(wc -c <'$out/lua-wordfreq-animation.gif')\" -gt 20000 ]"
check 'an animation: its name' grep -qx "$out/lua-wordfreq-animation.gif" "$scratch/stdout"

# A half-made CSV file: no picture replaces the whole one.
echo 'event,free' >"$out/lua-wordfreq-plain-grow.csv"
cp "$out/lua-wordfreq-memory.png" "$scratch/before.png"
exits 4 'a CSV without rows: malformed' "$rmtool" plot --reuse -o "$out" "$trace"
check 'the picture is as it was' cmp "$scratch/before.png" "$out/lua-wordfreq-memory.png"

# What rmtool compare has measured.
exits 0 'a comparison' "$rmtool" compare -q -n 1 -a rmalloc,glibc -m time,footprint --samples 10 \
    --limit-events 5000 --csv "$scratch/sum.csv" --series "$scratch/ser.csv" "$trace"
exits 0 'figures of a comparison' "$rmtool" plot -o "$out" --format png "$scratch/sum.csv" \
    "$scratch/ser.csv"
for figure in sum-time sum-footprint ser-lua-wordfreq; do
    if [ -s "$out/$figure.png" ] && grep -qx "$out/$figure.png" "$scratch/stdout"; then
        ok "$figure.png"
    else
        not_ok "$figure.png" "$scratch/stdout"
    fi
done
exits 0 'footprint alone' "$rmtool" compare -q -a rmalloc,glibc -m footprint --samples 10 \
    --limit-events 5000 --csv "$scratch/part.csv" "$trace"
exits 0 'what was not measured is not drawn' "$rmtool" plot -o "$out" --format png "$scratch/part.csv"
explains 'what was not measured is not drawn: says so'
exits 0 'pauses' "$rmtool" micro -q --rounds 1 --trace "$trace" --limit-events 3000 \
    --csv "$scratch/micro.csv" lock steps
exits 0 'figures of micro-benchmarks' "$rmtool" plot -o "$out" --format png "$scratch/micro.csv"
if [ -s "$out/micro-steps.png" ] && [ "$(cat "$scratch/stdout")" = "$out/micro-steps.png" ]; then
    ok 'micro-steps.png, and no other'
else
    not_ok 'micro-steps.png, and no other' "$scratch/stdout"
fi
grep -v '^steps' "$scratch/micro.csv" >"$scratch/locks.csv"
exits 4 'micro-benchmarks without pictures: malformed' "$rmtool" plot -o "$out" "$scratch/locks.csv"
echo 'event,free' >"$scratch/other.csv"
exits 4 'a CSV of another kind: malformed' "$rmtool" plot -o "$out" "$scratch/other.csv"
plan
