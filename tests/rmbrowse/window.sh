#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmbrowse in a window, under Xvfb: what X itself has on its screen is looked at.
# Usage: window.sh RMBROWSE
. "$(dirname "$0")/common.sh"
if ! command -v Xvfb >/dev/null 2>&1; then
    echo '1..0 # SKIP no Xvfb here'
    exit 0
fi
trap 'kill $server $browser 2>/dev/null; wait; rm -rf "$scratch"' EXIT
browser=
Xvfb -displayfd 3 -screen 0 800x400x24 -fbdir "$scratch" -nolisten tcp 3>display 2>/dev/null &
server=$!
for _ in $(seq 100); do
    [ -s display ] && break
    sleep 0.1
done
if [ ! -s display ]; then
    echo '1..0 # SKIP Xvfb does not start'
    exit 0
fi
DISPLAY=:$(cat display)
export DISPLAY
unset WAYLAND_DISPLAY SDL_VIDEODRIVER
pixels=$here/pixels.py

page one.html 'First page' '<p style="color:red">Red<p><a href=two.html>On</a>'
page two.html 'Second page' '<p style="color:blue">Blue'

# ---------------------------------------------------------------- by a script
script <<'END'
open one.html
screenshot page.png
screenshot-window one.png
press 440 20
key ctrl+t
screenshot-window tab.png
type two.hxml
key left
key left
key backspace
type t
screenshot-window typed.png
key return
screenshot-window two.png
key ctrl+w
wait
key alt+left
key f3
key F2
screenshot-window wide.png
key f2
resize 300 200
screenshot-window small.png
panel off
screenshot-window off.png
key ctrl+l
type none.html
key escape
stats
END
browse 'a script in a window' 0 '' --window --width 400 --height 300 --json --csv window.csv
cp out window.out
{
    read -r size
    read -r place
    read -r ground
    read -r panel
    read -r chrome
} <<END
$("$pixels" one.png size within page.png 300 at 405 80 colours 400 76 360 300 colours 0 0 400 76)
END
equal 'its view, the panel, tabs and address' '760 376' "$size"
equal 'the page is in the window' '0 76' "$place"
equal 'the panel is at its right' 14181f "$ground"
check 'it is not blank' [ "$panel" -gt 20 ]
check 'nor are tabs and address' [ "$chrome" -gt 20 ]
equal 'the panel can be hidden' ffffff "$("$pixels" wide.png at 500 370)"
equal 'a view that is resized' '660 276' "$("$pixels" small.png size)"
equal 'without the panel it is the wider' '660 276' "$("$pixels" off.png size)"
for other in 'one tab' 'tab typed' 'typed two' 'two wide'; do
    if cmp -s "${other% *}.png" "${other#* }.png"; then echo same; fi >why
    check_empty "it shows what keys do: $other" why
done
equal 'two pages were opened by keys' 1 "$(grep -c '^frame=.* tabs=1 ' window.out)"
equal 'three loads' 3 "$(number loads window.out)"
script 'open one.html' 'key no such key'
browse 'no such key' 1 'script:2: no such key' --window
script 'open one.html' wait 'key ctrl+q' wait wait
browse 'a window that is closed' 1 'window was closed' --window

# ---------------------------------------------------------------- by itself
# shown COMMAND...: waits until the command says yes to what X has on its screen.
shown() {
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    return 1
}
screen=$scratch/Xvfb_screen0
"$rmbrowse" --width 400 --height 300 --csv own.csv --stats one.html two.html 2>err &
browser=$!
# of the page all that is above the mouse, which X has in the middle
is_there() {
    "$pixels" "$screen" within page.png 90 find 14181f >seen 2>&1
    ! grep -q nowhere seen && [ "$(tail -n 1 seen)" -gt 20000 ]
}
check 'page and panel are on the screen of X' shown is_there
if [ -r /proc/self/stat ]; then
    sleep 0.3 # idle time, in which heaps are compacted
    before=$(cut -d' ' -f14,15 "/proc/$browser/stat")
    sleep 0.5
    equal 'it sleeps' "$before" "$(cut -d' ' -f14,15 "/proc/$browser/stat")"
else
    skip 'it sleeps' 'no /proc'
fi
kill "$browser"
wait "$browser"
equal 'it leaves when it is told to' 0 $?
browser=
holds 'and writes what was seen' own.csv ',own_footprint,'
holds 'and a summary' err 'footprint/live'
SDL_VIDEODRIVER=none expect 'no screen' 3 'no window' "$rmbrowse" one.html
plan
