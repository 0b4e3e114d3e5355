#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool stats against a second count of the same trace, by awk.
. "$(dirname "$0")/common.sh"
generate trace.rmt 6000 1 3

# A count that shares nothing with the program's own.
cat >count.awk <<'AWK'
function least(size,    p) { if (size < 2) return size; p = 1; while (p < size) p *= 2; return p / 2 + 1 }
/^#/ { next }
/^t/ { thread = $2; next }
{ event++ }
/^[azm]/ { n++; size[n] = $2; live += $2; blocks++; born[n] = event; owner[n] = thread + 0
    made[least($2)]++; bytes[least($2)] += $2; total += $2 }
/^r/ { b = n - $2; if ($3 > size[b]) { grown++; total += $3 - size[b] } else if ($3 < size[b]) shrunk++
    if (!(b in resized)) { resized[b] = 0; resized_blocks++ }
    live += $3 - size[b]; size[b] = $3 }
/^f/ { b = n - $2; live -= size[b]; blocks--; life += event - born[b]; freed++
    if (owner[b] != thread + 0) foreign++; delete size[b] }
/^l/ { locked++; if (locked > most_locked) most_locked = locked }
/^u/ { locked-- }
live > peak { peak = live }
END { print "events", event; print "end-live-bytes", live; print "end-live-blocks", blocks
    print "peak-live-bytes", peak; print "max-locked-blocks", most_locked + 0
    print "grown", grown + 0; print "shrunk", shrunk + 0; print "resized", resized_blocks + 0
    print "foreign", foreign + 0; print "freed", freed + 0
    for (s in made) print "size", s, made[s], bytes[s] }
AWK
awk -f count.awk trace.rmt >counted
# is KEY COUNTED: what the report says under KEY is what has been counted under COUNTED.
is() {
    : >why
    want=$(awk -v key="$2" '$1 == key { print $2 }' counted)
    [ "$(number "$1" out)" = "$want" ] || echo "$1: $(number "$1" out), not $want" >why
    check_empty "$1" why
}
expect 'as JSON' 0 '' "$rmtool" stats --json trace.rmt
for key in events end-live-bytes end-live-blocks peak-live-bytes max-locked-blocks grown shrunk; do
    is $key $key
done
is freed_blocks freed

expect 'sizes' 0 '' "$rmtool" stats --sizes - trace.rmt
awk -F '[, ]' 'NR == FNR { if ($1 == "size") { made[$2] = $3; bytes[$2] = $4 } next }
    /^#|^least/ { next }
    $3 != made[$1] || $4 != bytes[$1] { print $0 ", not " made[$1] " blocks, " bytes[$1] " bytes" }
    { seen[$1] = 1 }
    END { for (s in made) if (!(s in seen)) print "no class " s }' counted out >why
check_empty 'sizes: as counted' why

expect 'lifetimes' 0 '' "$rmtool" stats --lifetimes - trace.rmt
awk -F '[, ]' 'NR == FNR { if ($1 == "freed") freed = $2; next } /^#|^least/ { next }
    { events += $3; bytes += $4 }
    END { if (events != freed || bytes != freed) print events ", " bytes ", not " freed }' \
    counted out >why
check_empty 'lifetimes: of each block that is freed' why
printf '# rmt 1\na 10\na 20\na 30\nf 0\nf 2\n' >life.rmt
expect 'lifetimes, by hand' 0 '' "$rmtool" stats --json life.rmt
tr -d ' \n' <out >flat
holds 'lifetimes, by hand: events' flat '"events":{"p10":1,"p25":1,"p50":1,"p75":4,'
holds 'lifetimes, by hand: bytes' flat '"bytes":{"p10":0,"p25":0,"p50":0,"p75":50,'

expect 'the curve' 0 '' "$rmtool" stats --samples 100 --csv curve.csv trace.rmt
holds 'the curve: its command' curve.csv '# command: rmtool stats --samples 100'
awk -F, 'NR == FNR { split($0, c, " "); if (c[1] == "end-live-bytes") live = c[2]; next }
    /^#|^event/ { next } NF != 6 { print "fields: " $0 } $1 + 0 <= last && n { print "order: " $0 }
    { last = $1; end = $3; n++ }
    END { if (n < 60 || n > 140) print n " rows"; if (last != 6000) print "ends at " last
        if (end != live) print "ends with " end ", not " live }' counted curve.csv >why
check_empty 'the curve: as many rows as wished, up to the end' why

printf '# rmt 1\n# time: 1.5\na 10\nt 2\n# time: 2.000000007\nf 0\na 1\nr 0 3\n' >threads.rmt
expect 'threads and time' 0 '' "$rmtool" stats --csv - threads.rmt
holds 'time' out '3,2.000000007,1,1,0,0'
expect 'threads' 0 '' "$rmtool" stats --json threads.rmt
holds 'threads: frees of others' out '"foreign_frees": 1'
expect 'for people' 0 '' "$rmtool" stats threads.rmt
holds 'for people: threads' out '1 frees (100.0 %) and 0 reallocs are by another thread'
holds 'for people: reallocs' out '1 grow (by 2 B), 0 shrink'
printf '# rmt 1\n' >none.rmt
expect 'an empty trace' 0 '' "$rmtool" stats none.rmt
expect 'an empty trace, as JSON' 0 '' "$rmtool" stats --json none.rmt
expect 'several' 0 '' "$rmtool" stats trace.rmt threads.rmt
holds 'several: the second' out 'trace        threads'
expect 'the first events' 0 '' "$rmtool" stats --json --limit-events 100 trace.rmt
is_hundred=$(number events out)
: >why
[ "$is_hundred" = 100 ] || echo "$is_hundred" >why
check_empty 'the first events: so many' why

expect 'a fault' 4 '^rmtool: bad.rmt:2: ' sh -c 'printf "# rmt 1\nf 0\n" >bad.rmt
    "$0" stats --csv left.csv bad.rmt' "$rmtool"
find . -name 'left*' >why
check_empty 'a fault: nothing left behind' why
expect 'CSV of two' 2 'one trace' "$rmtool" stats --csv x.csv trace.rmt threads.rmt
expect 'two things on standard output' 2 'standard output' "$rmtool" stats --json --csv - trace.rmt
expect 'no trace' 2 'which traces' "$rmtool" stats
expect 'no samples' 2 '--samples' "$rmtool" stats --samples 0 trace.rmt
plan
