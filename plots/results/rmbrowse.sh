#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes rmbrowse.txt and rmbrowse.png beside it anew: one session of the browser, with its objects in heaps that
# are never compacted, compacted in idle time, steadily, in one heap for all tabs, and in malloc.
# Usage: rmbrowse.sh BUILD [SCRIPT]
#   BUILD   a build directory, with rmbrowse, rmbrowse-malloc and rmtool
#   SCRIPT  the session (default: tests/rmbrowse/session.txt, on pages of Debian's documentation)
# Screenshots have to be the same byte for byte; what is asked of steps and of the end is said beside what was
# reached. The smallest budget is searched by bisection, to 256 KiB: of each way a dozen sessions more. To be
# made while nothing else runs.
# Exit status: 0 fine; 1 something is not as it should be, which rmbrowse.txt says; 2 usage; 3 cannot be made.
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '4,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd) || exit 3
tools=$(cd "$1/tools" && pwd) || exit 3
script=${2:-$here/../../tests/rmbrowse/session.txt}
rmtool=$tools/rmtool/rmtool
PATH=$tools/rmbrowse:$PATH # so that the commands that are noted hold no names of this machine
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM
cp "$script" "$work/session.txt" || exit 3
cd "$work" || exit 3
for program in "$rmtool" rmbrowse rmbrowse-malloc; do
    command -v "$program" >/dev/null 2>&1 && continue
    echo "rmbrowse.sh: no $program in $1" >&2
    exit 3
done

# The ways, and what the browser is told; the first four are on the sheet.
ways='off idle steady malloc shared'
limit=600 # seconds that a session may take
browse() {
    browse_way=$1
    shift
    mkdir -p "$browse_way"
    case $browse_way in
    malloc) timeout "$limit" rmbrowse-malloc "$@" ;;
    shared) timeout "$limit" rmbrowse --heap shared "$@" ;;
    *) timeout "$limit" rmbrowse --compact "$browse_way" "$@" ;;
    esac
}

# most COLUMN FILE: the largest value of a column.
most() {
    awk -F, -v name="$1" '/^#/ { next } !at { for (i = 1; i <= NF; i++) if ($i == name) at = i; next }
        $at + 0 > most { most = $at + 0 } END { printf "%.0f\n", most }' "$2"
}

# ------------------------------------------------------------------ the session, in each way

began=$(date +%s)
for way in $ways; do
    browse "$way" --screenshots "$way" --csv "$way.csv" --json --script session.txt >"$way.json" 2>"$way.err" && continue
    echo "rmbrowse.sh: $way: $(tail -n 1 "$way.err")" >&2
    exit 3
done
limit=$((30 + 2 * ($(date +%s) - began))) # ten times as long as one of them
"$rmtool" plot -o all --format png off.csv idle.csv steady.csv shared.csv malloc.csv >table || exit 3
"$rmtool" plot -q -o sheet --format png off.csv idle.csv steady.csv malloc.csv || exit 3

wrong=0
# verdict WHAT GOAL MET: a line; MET is an exit status.
verdict() {
    [ "$3" -eq 0 ] || wrong=1
    printf '%-76s %s\n' "$1" "$2, $([ "$3" -eq 0 ] && echo met || echo missed)"
}

# same WAY: its screenshots are those of the first one.
same() {
    diff -rq off "$1" >/dev/null 2>&1
}

count() {
    sed -n "s/^ *\"$1\": \\([0-9]*\\),*\$/\\1/p" off.json | head -n 1
}

check() {
    [ "$(count failures)" = 0 ]
    verdict "error pages: $(count failures)" none $?
    n=$(find off -name '*.png' | wc -l)
    alike=yes
    for way in $ways; do
        same "$way" || { alike=no; echo "screenshots of $way differ:"; diff -rq off "$way"; }
    done
    [ "$n" -gt 0 ] && [ $alike = yes ]
    verdict "screenshots: $n, byte for byte" 'the same in all' $?
    for way in idle steady shared; do
        step=$(most longest_step_ns $way.csv)
        [ "$step" -le 2000000 ]
        verdict "longest step of compaction, $way: $((step / 1000)) us" '<= 2000' $?
    done
    for way in idle steady shared; do
        over=$(awk -F, '/^#/ { next } !n++ { for (i = 1; i <= NF; i++) at[$i] = i; next }
            { over = $at["live"] ? $at["own_footprint"] / $at["live"] : 0 } END { printf "%.3f\n", over }' $way.csv)
        [ "$(echo "$over" | tr -d .)" -le 1100 ]
        verdict "own footprint / live bytes at the end, $way: $over" '<= 1.100' $?
    done
}

# ------------------------------------------------------------------ the smallest budget

# completes WAY UNITS: whether the session comes to its end in so many units of 256 KiB, and looks as it should.
completes() {
    rm -rf tried
    mkdir tried
    browse "$1" --budget "$(($2 * 256))KiB" --screenshots tried --csv tried.csv --script session.txt \
        >/dev/null 2>reason
    status=$?
    [ $status -ne 124 ] || echo "after $limit seconds it was stopped" >reason
    [ $status -eq 0 ] || return 1
    diff -rq "$1" tried >differs 2>&1 && most footprint tried.csv >took && return 0
    echo "$(wc -l <differs) screenshots differ" >reason
    return 1
}

mib() {
    awk -v bytes="$1" 'BEGIN { printf "%.2f MiB", bytes / 1048576 }'
}

# smallest WAY: a line of the table.
smallest() {
    peak=$((($(most footprint "$1.csv") + 262143) / 262144))
    low=0 high=$peak
    : >failed
    until completes "$1" $high; do
        low=$high high=$((high + high / 4 + 1))
        cp reason failed
        [ $high -le $((4 * peak)) ] || break
    done
    while [ $((high - low)) -gt 1 ]; do
        middle=$(((low + high) / 2))
        if completes "$1" $middle; then high=$middle; else low=$middle; cp reason failed; fi
    done
    smallest=none taken=-
    if [ $high -le $((4 * peak)) ]; then smallest=$(mib $((high * 262144))) taken=$(mib "$(cat took)"); fi
    printf '%-10s %12s %12s %12s   %s\n' "$1" "$smallest" "$taken" "$(mib "$(most footprint "$1.csv")")" \
        "$(tail -n 1 failed | sed 's/^rmbrowse[a-z-]*: //')"
}

{
    echo "$(rmbrowse --version), $(sed -n 's/^# machine: //p' off.csv)"
    for way in $ways; do sed -n 's/^# command: //p' "$way.csv"; done
    echo
    echo "$(grep -c '^open ' session.txt) tabs, $(count loads) pages; the sheet: rmbrowse.png"
    echo
    sed '/^$/,$d' table
    echo
    check
    echo
    echo 'The smallest budget in which the session completes and all screenshots are the same; the most memory at the'
    echo 'end of a frame with it, as libraries are not refused, and without one; how the session ends with 256 KiB less'
    echo
    for way in $ways; do smallest "$way"; done
} >rmbrowse.txt
mv rmbrowse.txt "$here" && mv sheet/session.png "$here/rmbrowse.png" || exit 3
exit $wrong
