#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A session of the whole program: tabs opened and closed in a scattered order, images that do not fit into their cache.
# However memory is dealt with, it ends with status 0, has left nothing, and its screenshots are the same. In heaps that
# are compacted, what is left after all tabs but one were closed takes hardly more than it holds.
# Usage: session.sh RMBROWSE RMBROWSE-MALLOC [VALGRIND]; tests/rmbrowse/long has a session of pages that others wrote.
in_malloc=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") || exit 1
valgrind=${3:-}
. "$(dirname "$0")/common.sh"
unset RMALLOC_STRESS

# ------------------------------------------------- pages, and pictures of some for others
words='Blocks are moved, and nobody sees it. '
words="$words$words$words"
n=0
for colour in maroon olive teal navy; do
    n=$((n + 1))
    page $n.html "Page $n" "<p style='background:$colour;color:white'>$words
<table border=1><tr><td>$n<td>$words</table>"
    page pictures$n.html "Pictures, $n" "<ul><li><b>First</b><li><i>Second</i></ul>
<p><img src=$n.png> <img src=$((n % 4 + 1)).png width=100> <img src=none.png alt=none>
<p>$words <a href=pictures$((n % 4 + 1)).html>The next</a> $(yes "<p>$words<em>again</em>" | head -n 8)"
done
for i in 1 2 3 4; do printf 'open %s.html\nscreenshot %s.png\n' $i $i; done | script
browse 'pictures are taken' 0 '' --width 260 --height 160

script <<'END'
open pictures1.html
open 1.html
screenshot 1.png
open pictures2.html
open pictures3.html
wait
open pictures4.html
scroll 100
screenshot 2.png
close 2
go pictures1.html
wait
back
tab 1
click The next
screenshot 3.png
close 3
open pictures3.html
open 4.html
resize 300 200
screenshot 4.png
close 4
close 7
tab 1
reload
back
screenshot 5.png
close 6
close 1
wait 60
screenshot 6.png
END

# ------------------------------------------------------------------------ in all ways
# session NAME COMMAND...: runs it. The first has the screenshots that all others are to have.
reference=
session() {
    name=$1
    shift
    expect "$name: it comes to its end" 0 '' \
        "$@" --script script --screenshots "$name" --width 400 --height 240 --image-cache 256KiB --patience 600 --json
    if [ -z "$reference" ]; then
        reference=$name
        equal 'six screenshots' 6 "$(find "$name" -name '*.png' | wc -l)"
    else
        check "$name: the same pixels" diff -r "$reference" "$name"
    fi
    ratio=$(number end_own_footprint_per_live out)
    echo "# $name: $(number loads out) loads, peak footprint $(number peak_own_footprint out), at the end $(number \
        end_own_footprint out) bytes for $(number end_live out), $ratio; images shed $(number shed out) times"
}

# little: what was taken at the end of the last session is at most 10 % more than what was in it.
little() { check "$name: little but what is in it" awk "BEGIN { exit !($ratio <= 1.1) }"; }

session idle "$rmbrowse"
little
check 'images were shed' [ "$(number shed out)" -gt 0 ]
session shared "$rmbrowse" --heap shared
little
session steady "$rmbrowse" --compact steady
little
session steady-shared "$rmbrowse" --compact steady --heap shared
little
session off "$rmbrowse" --compact off
session malloc "$in_malloc"
session moving env RMALLOC_STRESS=onall "$rmbrowse"

# ------------------------------------------------------------------- watched by memcheck
if [ -n "$valgrind" ]; then
    printf '%s\n' 'open pictures1.html' 'screenshot watched.png' 'click The next' 'open 1.html' 'close 1' >script
    RMALLOC_TOOLS=yes expect 'memcheck has nothing to say' 0 '' "$valgrind" --quiet --error-exitcode=9 \
        --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --suppressions="$here/valgrind.supp" "$rmbrowse" --script script --width 400 --height 240 --patience 600
else
    skip 'memcheck has nothing to say' 'no valgrind, or a sanitizer'
fi
plan
