#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Instructions, loads, stores and branches per operation, counted by callgrind: the same on a busy machine.
# What a program does most often (lock, unlock, peek, small blocks made and freed) is held to the
# figures exactly, so that a change of them is seen in review; the rest, and all of it where another
# version of the compiler has built it, to a twentieth more. A test, or with --renew what writes the figures.
# Usage: count.sh OPERATIONS FIGURES BUILD [--renew]
# OPERATIONS: the program; BUILD: compiler and options, for which alone the figures hold.
. "$(dirname "$0")/../style/tap.sh"
operations=$1
figures=$2
build=$3
renew=${4-}
most=5 # per cent more than the figure says
exact='^(lock|unlock|peek|alloc_64|free_64|free_and_alloc_64)'

# cannot REASON: nothing can be compared.
cannot() {
    if [ -n "$renew" ]; then
        echo "count.sh: $1" >&2
        exit 1
    fi
    echo "1..0 # SKIP $1"
    exit 0
}

command -v valgrind >/dev/null 2>&1 || cannot 'no valgrind here (on Debian: apt-get install valgrind)'
if [ -z "$renew" ]; then
    [ -f "$figures" ] || cannot "no figures yet: $figures"
    made_for=$(sed -n 's/^# build: //p' "$figures")
    # But for the version, which is the second word.
    like() { echo "$1" | cut -d ' ' -f 1,3-; }
    [ "$(like "$made_for")" = "$(like "$build")" ] ||
        cannot "the figures are of $made_for, this is $build"
fi

valgrind --tool=callgrind --cache-sim=yes --branch-sim=yes --callgrind-out-file="$scratch/out" --toggle-collect='op_*' \
    --dump-before=say "$operations" >"$scratch/names" 2>"$scratch/log" ||
    { echo 'Bail out! callgrind failed'; sed 's/^/# /' "$scratch/log"; exit 1; }
i=0
while read -r name times; do
    i=$((i + 1))
    awk -v name="$name" -v times="$times" '
        /^events: / { for (i = 2; i <= NF; i++) at[$i] = i }
        /^summary: / { for (e in at) n[e] = $at[e] / times }
        END { printf "%s %.2f %.2f %.2f %.2f\n", name, n["Ir"], n["Dr"], n["Dw"], n["Bc"] + n["Bi"] }
    ' "$scratch/out.$i" 2>/dev/null
done <"$scratch/names" >"$scratch/counts"

if [ -n "$renew" ]; then
    if [ ! -s "$scratch/counts" ] || grep -q '^[a-z_0-9]* 0.00 ' "$scratch/counts"; then
        cannot 'callgrind has not met the operations'
    fi
    {
        echo '# SPDX-License-Identifier: MIT'
        echo '# Instructions, loads, stores and branches per operation.'
        echo '# Made by: ninja -C build renew-instructions'
        echo "# build: $build"
        cat "$scratch/counts"
    } >"$figures.tmp" && mv "$figures.tmp" "$figures" && cat "$figures"
    exit
fi

[ "$made_for" = "$build" ] || exact='^$'

# One line for each of either list: name, what it says, what is wrong.
awk -v most="$most" -v exact="$exact" '
    BEGIN { split("instructions loads stores branches", what) }
    /^#/ { next }
    { name = $1; $1 = ""; sub(/^ /, "") }
    FNR == NR { was[name] = $0; next }
    { is[name] = $0 }
    !(name in was) { print name "|no figures yet|renew the figures"; next }
    $1 == 0 { print name "|nothing counted|the function was not met"; next }
    {
        split(was[name], w, " ")
        said = why = ""
        for (i = 1; i <= 4; i++) {
            said = said sprintf("%s%.1f %s", i > 1 ? ", " : "", $i, what[i])
            if ($i == w[i]) continue
            said = said sprintf(" (%+.2f)", $i - w[i])
            if (name ~ exact) why = "exactly as many as before are wanted"
            else if ($i > w[i] * (1 + most / 100)) why = "more than " most " % more"
        }
        print name "|" said "|" why
    }
    END { for (name in was) if (!(name in is)) print name "|gone|renew the figures" }
' "$figures" "$scratch/counts" >"$scratch/compared"
[ -s "$scratch/compared" ] || echo 'all|nothing counted|no operation' >"$scratch/compared"

wrong=no
while IFS='|' read -r name said why; do
    if [ -z "$why" ]; then
        ok "$name: $said"
    else
        wrong=yes
        echo "$why" >"$scratch/why"
        not_ok "$name: $said" "$scratch/why"
    fi
done <"$scratch/compared"
[ "$wrong" = no ] || echo '# where that is meant: ninja -C build renew-instructions'
plan
