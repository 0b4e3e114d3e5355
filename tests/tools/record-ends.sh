#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool record: when a recording ends, what it says of what it lacks, and what it must not
# remove. Usage: record-ends.sh RMTOOL TRACES PROGRAMS LIBRARY
. "$(dirname "$0")/common.sh"
. "$here/recording.sh"

# ------------------------------------------------------------------ who is alive
recorded 0 --only calls -- sh -c '(sleep 0.5; exec "$0" usable) &' "$calls" >why
check_empty 'left behind, not recorded yet' why
is 'left behind, not recorded yet: is recorded' "$(grep -c '"pid"' report)" 1
counted 'the first thread ends first' 0 "$calls" headless
is 'the first thread ends first: all of it' "$(($(total frees) > 300))" 1

# ------------------------------------------------------------------------- forks
began=$(date +%s)
recorded 0 -- "$calls" childless >why
took=$(($(date +%s) - began))
check_empty 'children without logs' why
is 'children without logs: counted' "$(total childless_forks)" 5
is 'children without logs: are not waited for one by one' "$((took < 5))" 1
zstd -dcq t/*.rmt.zst | grep '^# childless-forks' >header
holds 'children without logs: the header says so' header ': 5'

# ----------------------------------------------------------------------- signals
rm -rf t
"$rmtool" record -q -d t -- "$calls" relay >out 2>err &
recorder=$!
sleep 1
kill -s TERM $recorder
wait $recorder
is 'one interrupt ends it' $? 0
find t -name '.rm*' >why
cat err >>why
check_empty 'one interrupt ends it: no log is left' why

rm -rf t out
touch out
"$rmtool" record -q -d t -- "$calls" stubborn >out 2>err &
recorder=$!
until_lingering out
kill -s TERM $recorder
sleep 0.2
kill -s TERM $recorder
wait $recorder
is 'a second signal ends it' $? 143
well_formed >why
find t -name '.rm*' >>why
check_empty 'a second signal ends it: the trace is whole' why

# -------------------------------------------------------------------- what is cut
rm -rf t
expect 'a cut recording' 3 'recorded only up to slot' \
    "$rmtool" record -q -d t --only calls -- sh -c 'ulimit -f 1000; exec "$0" threads' "$calls"
well_formed >why
check_empty 'a cut recording: a trace up to there' why

# ------------------------------------------------------------------ what is there
rm -rf t
"$rmtool" record -q -d t --keep-logs -- "$calls" usable >out 2>err
"$rmtool" record -q -d again --from-logs t/.rmrecord-logs-* >>err 2>&1
cp again/*.rmt.zst first
earlier=$(echo again/*.rmt.zst)
"$rmtool" record -q -d again --from-logs t/.rmrecord-logs-* >>err 2>&1
is 'an earlier trace: another name' "$(find again -name '*-2.rmt.zst' | wc -l | tr -d ' ')" 1
check 'an earlier trace: stays' cmp -s first "$earlier"
log=$(find t -name '*.rmlog')
is 'a kept log: no longer than it has to be' "$(($(wc -c <"$log") < 1000000))" 1
mkdir folder
expect '-o and a folder' 3 'a folder' "$rmtool" record -o folder -- "$calls" idle
long=$(printf '%0300d' 0)
expect '--only, too much of it' 2 'too many names' \
    "$rmtool" record --only "$long" --only "$long" --only "$long" --only "$long" -- true
plan
