#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The screen of rmtool top, on a terminal that tmux keeps: its keys, other sizes, other
# locales, its end; and the terminal is as it was.
# Usage: top-screen.sh RMTOOL TRACES WATCHED REFUSED [STATIC]
case $3 in /*) ;; *) set -- "$1" "$2" "$PWD/$3" "$PWD/$4" ${5:+"$PWD/$5"} ;; esac
. "$(dirname "$0")/common.sh"
. "$here/watching.sh"
if ! command -v tmux >/dev/null 2>&1; then
    echo '1..0 # SKIP no tmux here'
    exit 0
fi
unset TMUX
on_terminal() { tmux -S "$scratch/terminal" "$@"; }
: >tmux.conf
if ! on_terminal -f tmux.conf new-session -d -s test -x 120 -y 40 'exec sh' 2>err; then
    echo "1..0 # SKIP tmux does not work here: $(head -n 1 err)"
    exit 0
fi
trap 'on_terminal kill-server 2>/dev/null; rm -rf "$scratch"' EXIT
may_look
finish 0 'a program without a heap'

# shows NAME TEXT: before long it is on the screen.
shows() {
    tries=0
    until on_terminal capture-pane -p -t test >screen && grep -q -- "$2" screen || [ $tries -gt 100 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    : >why
    grep -q -- "$2" screen || { echo "not on the screen: $2"; cat screen; } >why
    check_empty "$1" why
}

key() { on_terminal send-keys -t test "$@"; }
type_line() { key -l "$1"; key Enter; }

begin "$watched" run 1
type_line "clear; LC_ALL=C.UTF-8 '$rmtool' top --interval 0.2 $pid; echo ended with \$?"
shows 'the title' "watched ($pid)   rmalloc .*5 heaps"
if grep -q 'ncurses' screen; then
    key q
    finish 0 'it ends'
    echo "1..$n_tests # no ncurses in this rmtool"
    exit 0
fi
shows 'the figures' 'external .*internal'
shows 'rates' 'allocations/s'
shows 'the map' '█'
shows 'the legend' 'a character is'
key 2
shows 'the second heap' '▸ #'
key h
shows 'help' 'the heap above, below'
key h
key u
shows 'bytes' '[0-9]\{6,\} B used'
key u
key +
shows 'more often' 'every 100 ms'
key - - -
shows 'less often' 'every 1.00 s'
key + +
key Space
shows 'pause' 'paused'
key Space
shows 'it goes on' 'every 200 ms'
key Down
shows 'another heap' 'external .*internal'
for size in 60x15 20x5 3x2 200x60 120x40; do
    on_terminal resize-window -t test -x "${size%x*}" -y "${size#*x}"
    sleep 0.4
done
shows 'after other sizes' 'a character is'
key q
shows 'the end' 'ended with 0'
: >why
grep -q 'a character is' screen && cp screen why
check_empty 'the screen is as it was' why
type_line 'clear; stty -a | tr ";" "\n"'
shows 'the terminal echoes again' ' echo '

type_line "clear; LC_ALL=C NO_COLOR=1 '$rmtool' top --interval 0.2 --heap 3 $pid; echo ended with \$?"
shows 'ASCII' '=  *metadata\|= metadata'
LC_ALL=C grep -n '[^ -~]' screen >why
check_empty 'ASCII alone' why
key C-c
shows 'interrupted' 'ended with 0'

type_line "clear; TERM=dumb '$rmtool' top $pid; echo ended with \$?"
sleep 0.3
key q
shows 'a terminal that can do nothing' 'ended with [03]'
# ncurses leaves something behind that it did not need.
type_line "clear; ASAN_OPTIONS=detect_leaks=0 TERM=no-such-thing '$rmtool' top $pid; echo ended with \$?"
shows 'an unknown terminal' 'ended with 3'

type_line "clear; '$rmtool' top --interval 0.1 $pid; echo ended with \$?"
shows 'a screen to be left' 'external .*internal'
key 'C-\'
shows 'left by SIGQUIT' 'ended with 0'
type_line 'clear; stty -a | tr ";" "\n"'
shows 'it echoes again' ' echo '

# While it is stopped by the terminal the program is not.
type_line 'clear; set -m'
type_line "'$rmtool' top --csv --heap all --interval 0.01 $pid >looks; echo ended with \$?"
: >why
for i in 1 2 3 4 5 6 7 8; do
    sleep 0.13
    key C-z
    sleep 0.2
    grep -h '^State:.*tracing' /proc/$pid/task/*/status >>why
    type_line fg
done
check_empty 'stopped by Ctrl-Z in between looks only' why
sleep 0.2
key C-c
sleep 0.2
type_line 'echo interrupted: $?'
shows 'it has gone on' 'interrupted: 130'

type_line "clear; '$rmtool' top --interval 0.1 $pid; echo ended with \$?"
shows 'once more' 'external .*internal'
finish 0 'the program ends'
shows 'it is said' 'has ended\.'
shows 'and well' 'ended with 0'
holds 'its heaps are sound' said sound
plan
