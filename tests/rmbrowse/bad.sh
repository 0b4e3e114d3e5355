#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Bad input for the whole program, while another tab is open: each is a page that says so, or a placeholder; the other
# tab is as it was, nothing is left, and the exit status says what the manual does. What each page says: test_trouble.c.
# Usage: bad.sh RMBROWSE
. "$(dirname "$0")/common.sh"
small='--width 400 --height 240 --json'

page good.html Good '<p>What is here stays, <a href=other.html>whatever</a> is there.<p><img src=good.png>'
page other.html Other '<p>Here it is.'
script 'open other.html' 'screenshot good.png'
browse 'a picture is taken' 0 '' --width 200 --height 100
head -c 300 good.png >truncated.png
{ head -c 16 good.png; printf '\000\000\160\000\000\000\160\000'; tail -c +25 good.png; } >lying.png
page images.html Images "$(printf "<img src=%s> " truncated.png lying.png missing.png good.html good.png)"
printf '<table><tr><p></table><td><b>Bold <i>both</b> odd</i></ol>&#xFFFFFFF;\000\377<a href='"'x>unclosed" >broken.html
yes '<p><b>x</b> <i>y</i>' | head -c 3000000 >huge.html

# good_before, good_after: a tab that nothing may happen to is the first to be opened; it is looked at in between.
good_before() { printf '%s\n' 'open good.html' 'screenshot before.png'; }
good_after() { printf '%s\n' 'tab 1' 'screenshot after.png'; }
untouched() {
    check "$1: the other tab is as it was" cmp before.png after.png
    equal "$1: so many pages have failed" "$2" "$(number failures out)"
    rm -f before.png after.png
}

# --------------------------------------------------------------------------------- files
{
    good_before
    printf 'open %s\nwait\n' broken.html images.html truncated.png lying.png none.html good.html/none / 'no such:thing'
    good_after
} | script
# shellcheck disable=SC2086
browse 'bad files' 0 '' $small
known=$(number end_own_footprint out)
untouched 'bad files' 4

# --------------------------------------------------------------------------- the network
if command -v python3 >/dev/null 2>&1; then
    mkfifo held
    python3 "$here/server.py" --root "$scratch" <held >port 2>/dev/null &
    exec 3>held # it ends when this does
    for _ in $(seq 100); do
        [ -s port ] && break
        sleep 0.1
    done
    port=$(sed -n 's/^port //p' port)
    export no_proxy='*'
    n=0
    {
        good_before
        for path in status/404 status/500 loop/1 nothing garbage headers cut hang hang/body forever 'drip?ms=10' \
            'bytes/100?lie=100' 'redirect?to=file:///etc/passwd'; do
            echo "open http://127.0.0.1:$port/-/$path"
            n=$((n + 1))
        done
        echo 'open http://127.0.0.1:9/'
        echo wait
        good_after
        echo 'screenshot said.png'
    } | tee said | script
    # shellcheck disable=SC2086
    browse 'bad servers' 0 '' $small --timeout 2
    untouched 'bad servers' "$(($(grep -c '^open http' said)))"
    exec 3>&-
    wait
else
    skip 'bad servers' 'there is no python3'
fi

# ---------------------------------------------------------------------------- the budget
if [ $kind = malloc ] && [ "$known" = 0 ]; then # as under AddressSanitizer
    skip 'more than the budget' 'malloc does not say how much it has'
    plan
    exit 0
fi
{
    good_before
    printf '%s\n' 'open huge.html' 'screenshot huge.png' 'open huge.html' wait 'open other.html' 'screenshot other.png'
    good_after
} | script
# shellcheck disable=SC2086
browse 'more than the budget' 1 'memory was refused' $small --budget 10MiB
untouched 'more than the budget' 2
script 'open other.html' 'screenshot alone.png'
# shellcheck disable=SC2086
browse 'a page in the budget' 0 '' $small --budget 10MiB
check 'what comes after a page that was too large' cmp alone.png other.png
check 'a page that was too large says so' [ "$("$here/pixels.py" huge.png colours 0 0 400 240)" -gt 20 ]
# shellcheck disable=SC2086
browse 'a budget for nothing at all' 1 'memory was refused' $small --budget 256KiB
plan
