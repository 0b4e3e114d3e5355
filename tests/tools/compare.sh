#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool compare: every allocator that is there is played, those that are not are listed;
# what it writes is whole, in the form that is promised, and plausible.
. "$(dirname "$0")/common.sh"
generate plain.rmt 3000 0 6
generate locks.rmt 2000 1 7
printf '# rmt 1\n' >nothing.rmt
printf '# rmt 1\na 10\nf 1\n' >broken.rmt

# ------------------------------------------------------------------- everything, once
expect 'all that is there, on two traces' 0 '' "$rmtool" compare -q -n 2 --samples 20 \
    --csv all.csv --series series.csv --times times.csv plain.rmt locks.rmt
for file in all series times; do
    for key in 'command: rmtool compare -q -n 2' 'version: rmtool' 'machine: ' \
        'huge pages: as the system has it' 'allocator: glibc: '; do
        holds "$file: # $key" $file.csv "# $key"
    done
done
check_empty 'quiet' out
find . -name '*.tmp' >why
check_empty 'no temporary file left' why

# Of the summary: present allocators have a row for each trace, and whole numbers in it.
awk -F, '
    /^# allocator: / { split($0, part, ": "); if (part[3] != "absent") present[part[2]]; next }
    /^#/ { next }
    !n_columns { for (i = 1; i <= NF; i++) at[$i] = i; n_columns = NF; next }
    NF != n_columns { print "fields: " $0 }
    { rows[$2]++ }
    $2 == "floor" { if ($at["cpu_ns"] <= 0) print "no floor: " $0; next }
    $at["cpu_ns"] <= 0 || $at["wall_ns"] <= 0 { print "no time: " $0 }
    $at["cpu_ns_least"] > $at["cpu_ns"] || $at["cpu_ns"] > $at["cpu_ns_most"] { print "spread: " $0 }
    $at["peak_over_live"] < 1 || $at["left_footprint"] <= 0 { print "footprint: " $0 }
    $2 ~ /^rmalloc/ && $at["smallest_over_live"] < 1 { print "smallest: " $0 }
    END { for (name in present) if (rows[name] != 2) print name ": " rows[name] " rows" }
    ' all.csv >why
check_empty 'summary: every allocator, plausible numbers' why

awk -F, '/^#/ { next } !columns { columns = $0; next } $2 == "rmalloc" && $1 == first { n++ }
    !first { first = $1; n = $2 == "rmalloc" }
    $2 == "rmalloc" && $6 == "" { print "no footprint: " $0 }
    $2 == "rmalloc" && $7 == "" { print "no largest request: " $0 }
    END { if (columns != "trace,allocator,operations,live_bytes,live_blocks,footprint,largest,wall_ns")
              print columns
          if (n < 21) print n " rows" }' series.csv >why
check_empty 'series: columns, a row for every mark' why
awk -F, '/^#/ || /^trace/ { next } $2 == "glibc" { n[$3]++ }
    END { if (n["given"] != 4 || n["small"] != 4) print n["given"] ", " n["small"] " rows" }' \
    times.csv >why
check_empty 'times: a row for every run' why

# ------------------------------------------------------------------------ the tables
expect 'tables' 0 '' "$rmtool" compare -n 1 --samples 5 --scores -a rmalloc,rmalloc/manual,glibc \
    plain.rmt locks.rmt
for text in 'Time, ns CPU' 'Peak footprint' 'Mean footprint' '95 % of the peak' 'Smallest heap' \
    'Largest request' 'nobody is given huge pages' 'Speed penalties, all traces' 'Space penalties, all traces' 'To beat' \
    'time / glibc'; do
    holds "tables: $text" out "$text"
done
grep 'jemalloc\|mimalloc\|floor   ' out >why
check_empty 'tables: only those asked for' why
expect 'two measures' 0 '' "$rmtool" compare -n 1 -m footprint,left -a rmalloc,glibc \
    --no-huge-pages plain.rmt
grep 'Time, ns\|Smallest' out >why
check_empty 'two measures: no others' why

# Names that begin alike are told apart by their ends.
cp plain.rmt begins-alike-one.rmt
cp plain.rmt begins-alike-two.rmt
sed -i '/^# name/d' begins-alike-*.rmt
expect 'names that begin alike' 0 '' "$rmtool" compare -n 1 -m footprint --samples 2 -a glibc \
    begins-alike-one.rmt begins-alike-two.rmt
holds 'names that begin alike: above the columns' out 'begi~-one begi~-two'

# --------------------------------------------------------------------------- absent
expect 'libraries that are not there' 0 '' "$rmtool" compare -n 1 -m footprint --samples 2 \
    --peer ghost=libghost-of-no-machine.so.9 --peer maths=libm.so.6 -a ghost,maths,rmalloc plain.rmt
holds 'one that is not there' out 'ghost           absent: '
holds 'one that is no allocator' out 'maths           absent: '

# ------------------------------------------------------------------------------ JSON
expect 'JSON' 0 '' "$rmtool" compare --json -n 1 --samples 5 --peer ghost=./ghost.so plain.rmt
cp out all.json
if command -v python3 >/dev/null; then
    python3 - all.json >why 2>&1 <<'END'
import json, sys
data = json.load(open(sys.argv[1]))
present = {a["name"]: a["present"] for a in data["allocators"]}
assert present["rmalloc"] and present["glibc"] and not present["ghost"], present
outcomes = {o["allocator"]: o for o in data["traces"][0]["outcomes"]}
assert set(outcomes) == {name for name in present if present[name]}, outcomes.keys()
for name, outcome in outcomes.items():
    assert outcome["cpu_ns"]["median"] > 0 and outcome["peak_over_live"] > 0.9, outcome
    assert outcome["left"]["freed_blocks"] > 0, outcome
for kind in "speed", "space":
    table = data["penalties"][kind]
    assert [row["count"] for row in table] == sorted(row["count"] for row in table), table
    assert all(0 <= row["best"] <= 1 and 0 <= row["worst"] <= 1 for row in table), table
assert data["goals"][0]["reached"]["rmalloc"] > 0
END
    check_empty 'JSON: what is in it' why
else
    skip 'JSON: what is in it' 'no python3'
fi

# --------------------------------------------------------------------- what is refused
expect 'no trace' 2 'which trace' "$rmtool" compare
expect 'unknown allocator' 2 "'hoard'" "$rmtool" compare -a rmalloc,hoard plain.rmt
expect 'unknown measure' 2 "'weight'" "$rmtool" compare -m time,weight plain.rmt
expect 'no measure' 2 "''" "$rmtool" compare -m '' plain.rmt
expect 'no runs' 2 '--runs' "$rmtool" compare -n 0 plain.rmt
expect 'too many runs' 2 '--runs' "$rmtool" compare -n 1000 plain.rmt
expect 'too many samples' 2 '--samples' "$rmtool" compare --samples 5000 plain.rmt
expect 'a peer without a library' 2 'NAME=LIBRARY' "$rmtool" compare --peer ghost plain.rmt
expect 'a peer that is known' 2 "'glibc' already" "$rmtool" compare --peer glibc=x.so plain.rmt
expect 'two things on standard output' 2 'standard output' "$rmtool" compare --json --csv - plain.rmt
expect 'a worker without work' 2 'rmtool itself' "$rmtool" compare --worker nothing

# -------------------------------------------------------------------------- failures
expect 'no such trace' 3 'gone.rmt' "$rmtool" compare -a glibc --csv part.csv gone.rmt
expect 'a malformed trace' 4 'broken.rmt:3' "$rmtool" compare -a glibc --csv part.csv broken.rmt
expect 'a folder that is not there' 3 'gone/x.csv' "$rmtool" compare -a glibc --series part.csv \
    --times gone/x.csv plain.rmt
find . -name 'part*' -o -name '*.tmp' >why
check_empty 'nothing left of what failed' why
expect 'an empty trace' 0 '' "$rmtool" compare -n 1 -a rmalloc,glibc nothing.rmt
expect 'standard input' 0 '' "$rmtool" compare -n 1 -a rmalloc,glibc -m time - <plain.rmt
plan
