#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmbrowse without a window: its command line, its scripts, and what it writes.
# Usage: script.sh RMBROWSE; one with objects in malloc is called *-malloc
. "$(dirname "$0")/common.sh"

words='Heaps of words, again and again. '
words="$words$words$words$words"
page one.html One "<p>This leads <a href=two.html>to the second one</a>.<p>$words<p>$words"
page two.html Two '<p>Here it is.<p style="background:red"><a href=none.html>Nowhere</a>'
page long.html Long "$(yes "<p>$words" | head -n 60)"

# ---------------------------------------------------------------- the command line
expect '--help' 0 '' "$rmbrowse" --help
holds 'help has an example' out Example:
expect '--version' 0 '' "$rmbrowse" --version
expect 'unknown option' 2 --frobnicate "$rmbrowse" --frobnicate
expect 'a value is missing' 2 'needs a value' "$rmbrowse" --script
for wrong in --heap=none --compact=often --width=0 --width=9999 --height=x --image-cache=1x \
    --image-cache=0 --budget=-1 --timeout=0 --timeout=soon --patience=0; do
    expect "$wrong is refused" 2 "${wrong%%=*} is" "$rmbrowse" --script none.txt "$wrong"
done
expect 'a script, and a page' 2 "'one.html'" "$rmbrowse" --script none.txt one.html
expect 'screenshots of no script' 2 --screenshots "$rmbrowse" --screenshots . one.html
expect 'two things on standard output' 2 'standard output' \
    "$rmbrowse" --script none.txt --csv - --json
expect 'a script that is not there' 3 none.txt "$rmbrowse" --script none.txt
expect 'a script that is a folder' 3 / "$rmbrowse" --script /
if [ $kind = malloc ]; then
    expect 'nothing moves in malloc' 2 --compact "$rmbrowse" --script none.txt --compact idle
    script '# nothing'
    browse 'off is off' 0 '' --compact off
else
    script '# nothing'
    for how in off idle steady; do browse "compaction $how" 0 '' --compact $how; done
fi

# ---------------------------------------------------------------- malformed scripts
while IFS='|' read -r line why; do
    script 'open one.html' wait 'screenshot never.png' "$line"
    browse "malformed: $line" 4 "script:4: .*$why" --csv never.csv
done <<'END'
frobnicate|no command
opened one.html|no command
open|a URL
go|a URL
wait x|a number of frames
wait -1|a number of frames
wait 1 2|a number of frames
wait 99999999999999999999|a number of frames
scroll|a number of pixels
scroll up|a number of pixels
click|link's text
back 2|nothing
tab|tab's number
tab 0|tab's number
close all|tab's number
compact now|nothing
resize 100|a width and a height
resize 100 x|a width and a height
screenshot|a file
panel|on or off
panel maybe|on or off
stats all|nothing
press 1|a point
END
printf 'open one.html\nwait\000\n' | script
browse 'malformed: NUL' 4 'script:2: .*UTF-8'
printf 'open \377\n' | script
browse 'malformed: not UTF-8' 4 'script:1: .*UTF-8'
ls never* >why 2>/dev/null
check_empty 'nothing is done of a malformed script' why

# ---------------------------------------------------------------- commands
script <<END
# from a page to the next, and back

open one.html
  wait
screenshot one.png
click second one
screenshot two.png
back
screenshot back.png
forward
wait 2
reload
screenshot forward.png
open $scratch/long.html
wait
screenshot top.png
scroll 100
wait
scroll bottom
screenshot bottom.png
scroll -50
scroll top
screenshot again.png
go two.html
screenshot gone.png
tab 1
resize 400 200
panel on
screenshot panel.png
compact
panel off
close 1
close
stats
END
browse 'each command' 0 '' --screenshots shots --width 500 --height 300 --csv all.csv --json
cp out all.out
holds 'stats is a line' all.out 'tabs=0 objects='
for same in 'one back' 'two forward' 'top again' 'two gone'; do
    check "the same picture: $same" cmp "shots/${same% *}.png" "shots/${same#* }.png"
done
for other in 'one two' 'top bottom'; do
    if cmp -s "shots/${other% *}.png" "shots/${other#* }.png"; then echo same; fi >why
    check_empty "other pictures: $other" why
done
equal 'a screenshot is as large as the view' '500 300' "$("$here/pixels.py" shots/one.png size)"
equal 'or larger by the panel' '760 200' "$("$here/pixels.py" shots/panel.png size)"
equal 'the panel has its ground' 14181f "$("$here/pixels.py" shots/panel.png at 405 5)"
: >why
[ "$("$here/pixels.py" shots/two.png find ff0000)" -gt 0 ] || echo 'nothing is red' >why
check_empty 'what is red is red' why

while IFS='|' read -r name line why; do
    script 'open one.html' wait "$line" 'screenshot never.png'
    browse "cannot be done: $name" 1 "script:3: .*$why"
done <<'END'
no link of that text|click third one|third one
nothing to go back to|back|back
nothing to go forward to|forward|forward
no such tab|tab 2|no such tab
no such tab to close|close 7|no such tab
a view that is too large|resize 99999 10|pixels
no window|screenshot-window x.png|no window
no keys|key F2|no window
END
for line in back forward reload 'scroll 5' close 'go one.html' 'click x'; do
    script "$line"
    browse "no tab: $line" 1 'script:1: '
done
script 'open one.html' 'screenshot none/x.png'
browse 'a folder that is not there' 3 none/x.png
ls never* ./*.tmp shots/*.tmp >why 2>/dev/null
check_empty 'nothing is left behind' why

script 'open none.html' wait 'go no such thing at all' wait
browse 'what is not there is a page' 0 '' --json
equal 'two pages have failed' 2 "$(number failures out)"
echo 'open one.html' | "$rmbrowse" --script - --stats >out 2>err
holds 'a summary' err 'footprint/live'

# ---------------------------------------------------------------- pages that never end
mkfifo end
python3 "$here/server.py" <end >port & # until the pipe's other end is closed
exec 9>end
for _ in $(seq 100); do
    [ -s port ] && break
    sleep 0.1
done
script "open http://127.0.0.1:$(sed 's/port //' port)/-/drip?ms=50" wait
browse 'patience ends' 1 'script:2: the pages do not settle' --patience 1
browse 'so does the time for a page' 0 '' --timeout 1 --json
equal 'which has failed then' 1 "$(number failures out)"
exec 9>&-

# ---------------------------------------------------------------- figures
cat >figures.awk <<'AWK'
BEGIN { FS = "," }
/^#/ { comments = comments $0 "\n"; next }
!columns { columns = $0; n = NF; for (i = 1; i <= NF; i++) at[$i] = i; next }
function of(name) { return $at[name] + 0 }
{
    rows++
    if (NF != n) print "row " rows " has " NF " fields"
    for (i = 1; i <= NF; i++) if ($i !~ /^[0-9.e-]+$/) print "row " rows ": " $i
    if (of("frame") != rows) print "row " rows " is of frame " of("frame")
    if (of("time_ns") < time) print "time runs backwards in row " rows
    time = of("time_ns")
    if (of("footprint") < of("own_footprint")) print "footprint, row " rows
    if (of("own_footprint") < of("live")) print "own_footprint is less than live, row " rows
    if (of("own_free") > of("own_footprint")) print "own_free, row " rows
    if (of("own_largest") > of("own_free")) print "own_largest, row " rows
    if (of("fragmentation") < 0 || of("fragmentation") > 1) print "fragmentation, row " rows
    if (of("longest_step_ns") > of("compact_ns")) print "longest_step_ns, row " rows
    if (of("tabs") > 2) print "tabs, row " rows
    busy += of("busy"); most = of("tabs") > most ? of("tabs") : most
    steps += of("steps"); moved += of("moved")
}
END {
    if (columns != want) print columns
    split("# rmbrowse session 1\n# command: \n# objects: " kind "\n# compaction: " policy \
          "\n# heaps: tab\n# machine: \n# date: ", begin, "\n")
    split(comments, got, "\n")
    for (i = 1; i <= 7; i++) if (index(got[i], begin[i]) != 1) print got[i] ", not " begin[i]
    if (most != 2) print "never two tabs"
    if (busy == 0 || busy == rows) print busy " of " rows " frames are busy"
    if (kind == "malloc" && steps + moved > 0) print "compaction in malloc"
    if (rows != frames) print rows " rows, " frames " frames"
}
AWK
awk -v kind="$kind" -v policy="$policy" -v frames="$(number count all.out)" \
    -v want='frame,time_ns,tabs,objects,live,footprint,own_footprint,own_free,own_largest,fragmentation,libraries,locked,resident,work_ns,compact_ns,steps,longest_step_ns,moved,longest_alloc_ns,busy,line' \
    -f figures.awk all.csv >why
check_empty 'the CSV says what it is to say' why
holds 'its command' all.csv "--script script"
equal 'seven loads' 7 "$(number loads all.out)"
equal 'all has been freed' 0 "$(awk -F, 'END { print $3 }' all.csv)"
script 'open one.html'
browse 'a CSV that cannot be written' 3 none/x.csv --csv none/x.csv
script 'open one.html' back
browse 'what has been seen is written' 1 back --csv seen.csv
holds 'although the script failed' seen.csv frame,
if [ -e /dev/full ]; then
    expect 'a full disk' 3 'standard output' sh -c "\"$rmbrowse\" --version >/dev/full"
fi
plan
