#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool top, for scripts: what it says of a program that stands still is what that says of
# itself; one that runs is looked at, and does not mind; what cannot be looked at is
# complained about.
# Usage: top.sh RMTOOL TRACES WATCHED REFUSED [STATIC]
case $3 in /*) ;; *) set -- "$1" "$2" "$PWD/$3" "$PWD/$4" ${5:+"$PWD/$5"} ;; esac
. "$(dirname "$0")/common.sh"
. "$here/watching.sh"
may_look

expect 'no heap yet' 1 'no heap yet' "$rmtool" top --once $pid
expect 'no such heap' 1 'no heap #7' "$rmtool" top --once --heap 7 $pid
expect 'an empty list' 0 '' "$rmtool" top --list $pid
finish 0 'a program without a heap'

# --- a program that stands still ---

# members HEAP: what it says of a heap, as "name value" lines.
members() {
    grep "^heap=$1 " said | tr ' ' '\n' | sed '1d; s/=/ /'
}

# same NAME: out has the heaps as JSON, said as the program has them.
same() {
    : >why
    heap=0
    while read -r line; do
        echo "$line" | tr ',{}' '\n\n\n' | sed -n 's/^"\([a-z_]*\)":\([0-9]*\)$/\1 \2/p' >is
        members $heap >should
        [ -s should ] || echo "nothing was said of heap $heap" >>why
        awk -v heap=$heap 'FNR == NR { is[$1] = $2; next }
            is[$1] != $2 { print "heap " heap ": " $1 " is " $2 ", not " is[$1] }' is should >>why
        heap=$((heap + 1))
    done <out
    [ $heap -eq 5 ] || echo "$heap heaps, not 5" >>why
    check_empty "$1" why
}

for program in "$watched" $static; do
    name=$(basename "$program")
    begin "$program" stand
    expect "$name: all heaps" 0 '' "$rmtool" top --once --json --heap all $pid
    cp out json
    expect "$name: a second time" 0 '' "$rmtool" top --once --json --heap all $pid
    expect "$name: the map" 0 '' "$rmtool" top --once --heap 3 --map - $pid
    cp out map
    expect "$name: the report" 0 '' "$rmtool" top --once --heap 1 $pid
    holds "$name: the report says what it is" out "a region of the program's, safe for threads"
    kill -STOP $pid
    expect "$name: while it is stopped" 0 '' "$rmtool" top --once --csv $pid
    kill -CONT $pid
    finish 0 "$name: it ends well"
    cp json out
    same "$name: each figure is what the program says"
    members 3 >should
    awk -F '[ ,]' 'FNR == NR { should[$1] = $2; next } $1 + 0 > 0 {
            n++
            used += $4 + $5; locked += $5; free += $6; metadata += $7
            if ($4 + $5 + $6 + $7 > $3) print "cell " n " holds more than it may"
        } END {
            if (used != should["used"]) print "used: " used ", not " should["used"]
            if (free != should["free"]) print "free: " free ", not " should["free"]
            if (metadata != should["metadata"]) print "metadata: " metadata
            if (locked < should["locked"]) print "locked: " locked
            if (n < 100 || n > 256) print n " cells"
        }' should map >why
    check_empty "$name: the map adds up" why
done

# --- programs that run ---

for program in "$watched" $static; do
    name=$(basename "$program")
    begin "$program" run 4
    "$rmtool" top --csv --heap all --count 40 --interval 0.02 $pid >out 2>err
    status=$?
    finish 0 "$name: 4 threads: the program is well behind 200 looks"
    holds "$name: its heaps are sound" said sound
    awk -F, -v status=$status 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        {
            n++
            if ($(at["used"]) + $(at["metadata"]) + $(at["free"]) != $(at["capacity"]))
                print "line " NR " does not add up"
            if ($(at["requested"]) > $(at["used"])) print "line " NR ": more asked for than used"
            if ($(at["allocations"]) - $(at["frees"]) != $(at["live_blocks"]))
                print "line " NR ": live blocks"
            if (n > 5 && $(at["allocations_per_second"]) + 0 > 0) busy++
        }
        END {
            if (n < 150) print n " looks of 200"
            if (status > 1) print "exit status " status
            if (busy < n / 4) print "hardly anything has been seen to happen"
        }' out >why
    [ ! -s why ] || head -n 5 err >>why
    check_empty "$name: 4 threads: what is seen adds up" why
done

# A heap that no mutex guards may be met in the middle of a call; not each time.
begin "$watched" alone
"$rmtool" top --csv --heap 0 --count 20 --interval 0.02 $pid >out 2>err
[ "$(wc -l <out)" -gt 10 ] || { wc -l out; head -n 3 err; } >why
check_empty 'one thread: looks without a mutex' why
kill $pid
exec 9>&-
wait $pid 2>/dev/null

# --- threads that end; heaps that come later ---

begin "$watched" churn
"$rmtool" top --csv --heap 0 --count 200 --interval 0.01 $pid >out 2>err
got=$?
{ [ $got -le 1 ] && [ "$(wc -l <out)" -gt 50 ] || { echo "exit status $got"; wc -l out; head -n 3 err; }; } >why
check_empty 'threads that end all the time' why
finish 0 'it does not mind'

begin "$watched" late region
"$rmtool" top --json --heap all --interval 0.05 $pid >out 2>err &
looker=$!
sleep 0.3
grep -c . out >before
echo >&9
tries=0
until grep -q '"limit":1048576,' out || [ $tries -gt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
finish 0 'a program that makes a heap in a file'
wait $looker
{ [ -s before ] && grep -q '"limit":1048576,' out || { tail -n 1 out; sort err | uniq -c; }; } >why
check_empty 'it is seen' why

# --- it ends, or becomes another program ---

begin "$watched" run 2
"$rmtool" top --csv --interval 0.05 $pid >out 2>err &
looker=$!
sleep 0.5
finish 0 'a program that ends while it is watched'
wait $looker
got=$?
{ [ $got -eq 0 ] && [ ! -s err ] || { echo "exit status $got"; cat err; }; } >why
check_empty 'so do the looks' why
expect 'it is not there any more' 3 'no such process' "$rmtool" top --once $pid

begin "$watched" exec "$(command -v sleep)"
"$rmtool" top --csv --interval 0.05 $pid >out 2>err &
looker=$!
sleep 0.5
echo >&9
exec 9>&-
wait $looker
got=$?
{ [ $got -eq 0 ] && [ ! -s err ] || { echo "exit status $got"; cat err; }; } >why
check_empty 'a program that becomes another' why
expect 'another program' 3 'no heaps of rmalloc' "$rmtool" top --once $pid
kill $pid 2>/dev/null
wait $pid 2>/dev/null

# --- what is refused ---

expect 'which process?' 2 'which process' "$rmtool" top
expect 'two processes' 2 "what is '2'" "$rmtool" top 1 2
expect 'no number' 2 'by its number' "$rmtool" top lua
expect 'JSON and CSV' 2 'one of --json and --csv' "$rmtool" top --json --csv 1
expect 'no interval' 2 '--interval' "$rmtool" top --interval 0 1
expect 'no heap number' 2 '--heap' "$rmtool" top --heap -3 1
expect 'no core file' 3 'No such file' "$rmtool" top --core nothing
echo 'what is this, which is no core file but has as many bytes as its header' >text
expect 'not a core file' 4 'not a core file' "$rmtool" top --core text
# A core file with two segments, each of its first bytes, at these addresses.
core() {
    printf '\177ELF\2\1\1'
    head -c 9 /dev/zero
    printf '\4\0\76\0\1\0\0\0'
    head -c 8 /dev/zero
    printf '\100\0\0\0\0\0\0\0' # e_phoff
    head -c 12 /dev/zero
    printf '\100\0\70\0\2\0\0\0\0\0\0\0'
    for base in "$@"; do
        printf '\1\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0' # PT_LOAD, writable, from the file's beginning
        printf "\0\\${base}\0\0\0\0\0\0"
        head -c 8 /dev/zero
        printf '\100\0\0\0\0\0\0\0\0\20\0\0\0\0\0\0' # 64 bytes of 4,096
        head -c 8 /dev/zero
    done
}
core 20 20 >text
expect 'a core file with two memories' 4 'overlap' "$rmtool" top --core text
core 20 40 >text
expect 'a core file without heaps' 3 'no heaps of rmalloc' "$rmtool" top --core text
core 20 40 | head -c 150 >text
expect 'a core file that is cut off' 3 'no heaps of rmalloc' "$rmtool" top --core text
expect 'a program is no core file' 4 'not a core file' "$rmtool" top --core "$rmtool"

if [ -n "$static" ]; then
    LC_ALL=C sed 's/\(rmalloc registry....\)0\.1/\10.9/' "$static" >foreign
    chmod +x foreign
    begin ./foreign stand
    if cmp -s foreign "$static"; then
        skip 'another version' 'its version is not where it was expected'
    else
        expect 'another version' 4 'is 0.9.0' "$rmtool" top --once $pid
    fi
    finish 0 'a program of another version'
else
    skip 'another version' 'no static program here'
fi

begin "$watched" alone
if command -v strace >/dev/null 2>&1; then
    strace -p $pid >strace.log 2>&1 &
    tracer=$!
    tries=0
    until grep -q attached strace.log || [ $tries -gt 100 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    expect 'a program that is being traced' 3 'being debugged by process' \
        "$rmtool" top --once $pid
    kill $tracer
    wait $tracer 2>/dev/null
else
    skip 'a program that is being traced' 'no strace here'
fi
kill $pid
exec 9>&-
wait $pid 2>/dev/null

begin "$watched" stand
if "$refused" "$rmtool" --version >out 2>&1; then
    expect 'who may not look' 3 'not permitted' "$refused" "$rmtool" top --once $pid
else
    skip 'who may not look' 'no seccomp here'
fi
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null 2>&1 &&
    setpriv --reuid=65534 --regid=65534 --clear-groups "$rmtool" --version >out 2>&1; then
    expect "another user's program" 3 'not permitted' \
        setpriv --reuid=65534 --regid=65534 --clear-groups "$rmtool" top --once $pid
else
    skip "another user's program" 'not root, or no setpriv'
fi
finish 0 'it does not mind'

# --- a core file ---

case $(cat /proc/sys/kernel/core_pattern 2>/dev/null) in
core | core.%p)
    (ulimit -c unlimited && exec "$watched" abort) >out 2>err
    core=$(find . -name 'core*' | head -n 1)
    ;;
esac
if [ -s "${core-}" ]; then
    expect 'a core file' 0 '' "$rmtool" top --json --heap all --core "$core"
    [ "$(wc -l <out)" -eq 5 ] || cp out why
    check_empty 'a core file has all heaps' why
    expect 'the list of a core file' 0 '' "$rmtool" top --list --core "$core"
    head -c 100000 "$core" >half
    "$rmtool" top --core half >out 2>err
    got=$?
    [ $got -eq 1 ] || [ $got -eq 3 ] || [ $got -eq 4 ] || echo "exit status $got" >why
    check_empty 'half a core file' why
else
    skip 'a core file' 'none is written here'
fi
plan
