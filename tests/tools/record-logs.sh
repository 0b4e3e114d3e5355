#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool record: its options and exit statuses; signals; what becomes of logs that are cut
# short, damaged, or none at all.
# Usage: record-logs.sh RMTOOL TRACES PROGRAMS LIBRARY
. "$(dirname "$0")/common.sh"
. "$here/recording.sh"

# ------------------------------------------------------------------------ usage
expect 'no command' 2 'which command' "$rmtool" record
expect 'an unknown option' 2 "'--nonsense'" "$rmtool" record --nonsense -- true
expect '-o and -d' 2 'either -o' "$rmtool" record -o a -d b -- true
expect 'a trace on standard output' 2 'standard output' "$rmtool" record -o - -- true
expect '--only with a folder' 2 "'/bin/true'" "$rmtool" record --only /bin/true -- true
expect '--from-logs and a command' 2 'runs no command' "$rmtool" record --from-logs . -- true
expect 'a folder that cannot be made' 3 'gone/t' "$rmtool" record -d gone/t -- true
expect 'no logs there' 3 'gone' "$rmtool" record -d t --from-logs gone
mkdir none
expect 'a folder without logs' 3 'no process' "$rmtool" record -d t --from-logs none
expect 'no such command' 127 'nonesuch' "$rmtool" record -d t -- ./nonesuch
touch plain
expect 'no program' 126 'plain' "$rmtool" record -d t -- ./plain
expect 'nothing recorded' 3 'nothing has been recorded' \
    "$rmtool" record -d t --only nothing -- "$calls" idle
find . -name '.rm*' -o -name '*.tmp' >why
check_empty 'nothing is left behind' why

# ---------------------------------------------------------------------- statuses
expect 'exit status' 5 '' "$rmtool" record --quiet -d t -- sh -c 'exit 5'
# shellcheck disable=SC2016 # the inner shell's
expect 'killed' 137 '' "$rmtool" record --quiet -d t -- sh -c 'kill -9 $$'
rm -rf t
expect 'one file' 0 'left out' "$rmtool" record -o one.rmt.zst -- sh -c "'$calls' idle; exec '$calls' usable"
zstd -dcq one.rmt.zst | grep '^# command' >why.command
holds 'one file: of the command itself, as it ended' why.command 'usable'

# -------------------------------------------------------------------- signals
for signal in HUP TERM; do
    rm -rf t out
    touch out
    # whatever the signals do where these tests are run, under nohup for instance
    env --default-signal=$signal "$rmtool" record -d t -- "$calls" linger >out 2>err &
    recorder=$!
    until_lingering out
    kill -s $signal $recorder
    wait $recorder
    echo $? >status
    case $signal in HUP) signal_status=129 ;; *) signal_status=143 ;; esac
    is "SIG$signal: passed on" "$(cat status)" $signal_status
    well_formed >why
    find t -name '.rm*' >>why
    check_empty "SIG$signal: the trace is whole" why
    is "SIG$signal: all of it" "$(zstd -dcq t/*.rmt.zst | grep -c '^f')" 20000
done

rm -rf t
recorded 0 -d t -- "$calls" daemon >why
check_empty 'a process left behind' why
is 'a process left behind: is recorded to its end' "$(total frees)" 301

rm -rf t out
touch out
"$rmtool" record -d t -- "$calls" linger >out 2>err &
recorder=$!
until_lingering out
kill -9 $recorder
wait $recorder 2>/dev/null
expect 'the tool was killed: its logs' 0 '' "$rmtool" record --quiet -d later --from-logs t/.rmrecord-logs-*
is 'the tool was killed: nothing is lost' "$(zstd -dcq later/*.rmt.zst | grep -c '^f')" 20000
for log in t/.rmrecord-logs-*/*.rmlog; do
    log=${log##*/}
    kill "${log%%-*}" 2>/dev/null
done

# ----------------------------------------------------------------------- limits
rm -rf t
# shellcheck disable=SC2016 # the inner shell's
expect 'no room for the log' 137 'ends before the process did' \
    "$rmtool" record -d t --only calls -- sh -c 'ulimit -f 1000; exec "$0" told' "$calls"
zstd -dcq t/*.rmt.zst | grep '^# cut' >cut
holds 'no room for the log: said' cut 'File too large'
well_formed >why
check_empty 'no room for the log: a trace up to there' why

# ------------------------------------------------------------------------- logs
rm -rf t
expect 'kept' 0 'logs are kept' "$rmtool" record -d t --keep-logs -- "$calls" fork-exec
mkdir logs
mv t/.rmrecord-logs-*/*.rmlog logs
rmdir t/.rmrecord-logs-*
expect 'converted again' 0 '' "$rmtool" record --quiet -d again --from-logs logs
check 'converted again: the same' diff -r t again
find logs -name '*.rmlog' >names
is 'converted again: the logs stay' "$(wc -l <names | tr -d ' ')" 4

# more than a soft limit of descriptors lets be open
expect 'more logs than descriptors' 0 '' \
    sh -c 'ulimit -Sn 16; exec "$@"' sh "$rmtool" record --quiet -d many -- \
    sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (sleep 1; exec "$0" usable) & done; wait' "$calls"
is 'more logs than descriptors: all of them' "$(find many -name 'calls-*' | wc -l | tr -d ' ')" 12

"$rmtool" record -q -d one --keep-logs -- "$calls" usable >/dev/null 2>&1
good=$(find one -name '*.rmlog')
# patch NAME OFFSET TEXT: the good log, with something else in it.
patch() {
    mkdir -p damaged/"$1"
    cp "$good" damaged/"$1"/1-1.rmlog
    printf "$3" | dd of=damaged/"$1"/1-1.rmlog bs=1 seek="$2" conv=notrunc 2>/dev/null
}
# cut NAME BYTES
cut_at() {
    mkdir -p damaged/"$1"
    head -c "$2" "$good" >damaged/"$1"/1-1.rmlog
}
# refused NAME STATUS TEXT
refused() {
    rm -rf out.d
    expect "$1" "$2" "$3" "$rmtool" record --quiet -d out.d --from-logs damaged/"$1"
}
cut_at nothing 0
refused nothing 3 'no process'
cut_at magic 8
refused magic 4 'cut short'
cut_at header 30000
refused header 4 'cut short'
cut_at records 65536
refused records 3 'no process'
cut_at short 70001
refused short 0 ''
patch foreign 0 'hello, hello'
refused foreign 4 'not a log'
patch order 0 '1golccrr'
refused order 4 'not a log'
patch swapped 0 '1golcerr'
refused swapped 4 'byte order'
patch version 16 '\021'
refused version 4 'version'
patch slots 30 '\377\377\377'
refused slots 4 'damaged'
patch text 120 "$(printf '%064d' 0)"
refused text 4 'damaged'
patch operation 66000 '\377'
refused operation 4 'is no record'
is 'operation: what is before it is kept' "$(find out.d -name '*.rmt.zst' | wc -l | tr -d ' ')" 1
patch parent 120 '1-1.rmlog'
refused parent 0 ''
mkdir -p damaged/folder/1-1.rmlog
refused folder 4 'not a file'
mkdir -p damaged/sparse
cp "$good" damaged/sparse/1-1.rmlog
if truncate -s 1T damaged/sparse/1-1.rmlog 2>/dev/null; then
    refused sparse 0 ''
else
    skip sparse 'no files of that size here'
fi
mkdir -p damaged/random
{ head -c 65536 "$good"; "$calls" noise; } >damaged/random/1-1.rmlog
refused random 4 'is no record'
find . -name '*.tmp' -o -name '.rmrecord-*' | grep -v '^./t/\|^./one/' >why
check_empty 'nothing is left behind' why
plan
