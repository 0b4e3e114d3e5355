#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The CSV files of rmtool replay: their comments, columns and rows; whole or not at all.
. "$(dirname "$0")/common.sh"
generate trace.rmt 6000 1 3

expect 'all three files' 0 '' "$rmtool" replay --quiet --csv series.csv --heap-map map.csv \
    --steps steps.csv --samples 100 --step 25:64KiB trace.rmt
for file in series map steps; do
    for key in 'command: rmtool replay --quiet' 'version: rmtool' 'machine: ' \
        'trace: generated' 'heap: grow' 'policy: demand, step 25:65536:0'; do
        holds "$file: # $key" $file.csv "# $key"
    done
done
find . -name '*.tmp' >why
check_empty 'no temporary file left' why

columns=event,operations,allocations,frees,live_blocks,requested,used,metadata,free
columns=$columns,capacity,extent,free_spans,largest_free,locked_blocks,locked,moved
columns=$columns,moved_blocks,compactions,internal_fragmentation,external_fragmentation
order=0
while [ $order -lt 36 ]; do
    columns=$columns,unusable_$order
    order=$((order + 1))
done
# rows NAME FILE COLUMNS LEAST MOST: one header row, and so many rows of as many fields.
rows() {
    awk -F, -v header="$3" -v least="$4" -v most="$5" '
        /^#/ { next }
        !fields { if ($0 != header) print "the header row is " $0; fields = NF; next }
        NF != fields { print "fields: " $0 }
        $1 + 0 < last { print "out of order: " $0 }
        { last = $1 + 0; n++ }
        END { if (n < least || n > most) print n " rows" }' "$2" >why
    check_empty "$1" why
}
rows 'series: rows' series.csv "$columns" 67 135
rows 'map: rows' map.csv event,offset,cell,used,locked,free,metadata 25600 103000
rows 'steps: rows' steps.csv event,moved,moved_blocks,nanoseconds,complete,live_blocks,live_bytes,locked_blocks,locked_bytes,held_back 50 240

awk -F, '/^#|^event/ { next } $7 + $8 + $9 != $10 { print "sum: " $0 }' series.csv >why
check_empty 'series: used + metadata + free is the capacity' why
awk -F, 'BEGIN { event = -1 } /^#|^event/ { next } $1 != event { event = $1; next_offset = 0; cell = $3 }
    $2 != next_offset || $3 != cell || $4 + $5 + $6 + $7 > $3 { print }
    { next_offset = $2 + $3 }' map.csv >why
check_empty 'map: cells follow each other and hold no more than their size' why
awk -F, 'FNR == 1 { file++ } /^#|^event/ { next }
    file == 1 { sum[$1] += $4 + $5 + $6 + $7; next }
    ($1 in sum) && sum[$1] != $10 { print $1 ": " sum[$1] " of " $10 " bytes" }' \
    map.csv series.csv >why
check_empty 'map: the cells of a sample add up to the capacity' why

expect 'a map of a region' 0 '' "$rmtool" replay --quiet --heap 2x --heap-map map.csv trace.rmt
holds 'a map of a region: its heap' map.csv '(2x)'
mkfifo pipe
cat pipe >piped &
expect 'a pipe is written to' 0 '' "$rmtool" replay --quiet --csv pipe --samples 10 trace.rmt
wait
[ -p pipe ] >why || echo 'it is no pipe any more' >why
check_empty 'a pipe stays one' why
holds 'what went through the pipe' piped '# version: rmtool'
expect 'a file on standard output' 0 '' "$rmtool" replay --csv - trace.rmt
cp out series.csv
rows 'a file on standard output: rows' series.csv "$columns" 600 1400
expect 'standard input without a header' 0 '' "$rmtool" replay --csv - --samples 10 - <trace.rmt
cp out series.csv
rows 'standard input: rows' series.csv "$columns" 6 15

expect 'a folder that is not there' 3 'gone/x.csv.tmp: No such file' \
    "$rmtool" replay --steps whole.csv --csv gone/x.csv trace.rmt
expect 'a replay that fails' 1 'trace.rmt' "$rmtool" replay --heap 0.5x --csv part.csv \
    --heap-map part-map.csv --steps part-steps.csv trace.rmt
find . -name 'part*' -o -name 'whole*' -o -name '*.tmp' >why
check_empty 'nothing left of what failed' why
echo old >kept.csv
expect 'a file that was there' 1 'trace.rmt' "$rmtool" replay --heap 0.5x --csv kept.csv trace.rmt
holds 'a file that was there is kept' kept.csv old
if [ -w /dev/full ]; then
    # shellcheck disable=SC2016 # the inner shell expands them
    expect 'a full disk' 3 'standard output' sh -c '"$0" replay --json "$1" >/dev/full' \
        "$rmtool" trace.rmt
else
    skip 'a full disk' 'no /dev/full'
fi
plan
