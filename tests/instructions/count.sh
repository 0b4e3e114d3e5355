#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Instructions per operation, counted by callgrind: exact, so that what has become slower
# by a twentieth shows on a busy machine too. A test, or with --renew what writes the
# figures that the test compares with.
# Usage: count.sh OPERATIONS FIGURES BUILD [--renew]
# OPERATIONS: the program; BUILD: compiler and options, for which alone the figures hold.
. "$(dirname "$0")/../style/tap.sh"
operations=$1
figures=$2
build=$3
renew=${4-}
most=5 # per cent more than the figure says

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
    [ "$made_for" = "$build" ] || cannot "the figures are of $made_for, this is $build"
fi

valgrind --tool=callgrind --callgrind-out-file="$scratch/out" --toggle-collect='op_*' \
    --dump-before=say "$operations" >"$scratch/names" 2>"$scratch/log" ||
    { echo 'Bail out! callgrind failed'; sed 's/^/# /' "$scratch/log"; exit 1; }
i=0
while read -r name times; do
    i=$((i + 1))
    counted=$(sed -n 's/^summary: //p' "$scratch/out.$i" 2>/dev/null)
    awk -v name="$name" -v counted="${counted:-0}" -v times="$times" \
        'BEGIN { printf "%s %.2f\n", name, (times > 0 ? counted / times : 0) }'
done <"$scratch/names" >"$scratch/counts"

if [ -n "$renew" ]; then
    if [ ! -s "$scratch/counts" ] || grep -q ' 0.00$' "$scratch/counts"; then
        cannot 'callgrind has not met the operations'
    fi
    {
        echo '# SPDX-License-Identifier: MIT'
        echo '# Instructions per operation. Made by: ninja -C build renew-instructions'
        echo "# build: $build"
        cat "$scratch/counts"
    } >"$figures.tmp" && mv "$figures.tmp" "$figures" && cat "$figures"
    exit
fi

# One line for each of either list: name, what it says, what is wrong.
awk -v most="$most" '
    /^#/ { next }
    FNR == NR { was[$1] = $2; next }
    { is[$1] = $2 }
    !($1 in was) { print $1 "|no figure yet|renew the figures"; next }
    $2 == 0 { print $1 "|nothing counted|the function was not met"; next }
    {
        change = 100 * ($2 - was[$1]) / was[$1]
        said = sprintf("%.1f, was %.1f (%+.1f %%)", $2, was[$1], change)
        print $1 "|" said "|" (change > most ? "more than " most " % more" : "")
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
