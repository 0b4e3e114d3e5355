#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every rule of the trace format, broken: exit status 4 and a message that names file and
# line, from replay, minheap and check, and no file left behind.
. "$(dirname "$0")/common.sh"

leave_nothing() {
    find . -name 'left*' >why
    check_empty "$1: nothing left behind" why
}

# bad NAME LINE TEXT: the trace bad.rmt is malformed at that line, and TEXT says how.
bad() {
    expect "$1" 4 "^rmtool: bad.rmt:$2: .*$3" "$rmtool" replay --csv left.csv \
        --heap-map left-map.csv --steps left-steps.csv bad.rmt
    leave_nothing "$1"
    expect "$1 (minheap)" 4 "^rmtool: bad.rmt:$2: .*$3" "$rmtool" minheap bad.rmt
    expect "$1 (check)" 4 "^rmtool: bad.rmt:$2: .*$3" "$rmtool" check bad.rmt
}

# broken NAME LINE TEXT EVENTS: behind a good first line, events that end with a bad one.
broken() {
    # shellcheck disable=SC2059
    printf "# rmt 1\n$4" >bad.rmt
    bad "$1" "$2" "$3"
}

: >bad.rmt
bad 'an empty file' 1 'empty'
printf 'PK\003\004 something else' >bad.rmt
bad 'another kind of file' 1 'truncated'
printf 'hello, world\n' >bad.rmt
bad 'another kind of text' 1 'not a trace'
printf '# rmt 2\na 1\n' >bad.rmt
bad 'another version' 1 'a version'
printf '# rmt 10\na 1\n' >bad.rmt
bad 'another version that begins alike' 1 'a version'
awk 'BEGIN { printf "# rmt 1\n#"; for (i = 0; i < 70000; i++) printf "x"; print "" }' >bad.rmt
bad 'an endless line' 2 'a line of more than 64 KiB'

broken 'an unknown event' 3 'unknown event "x"' 'a 1\nx 1\n'
broken 'an empty line' 3 'an empty line' 'a 1\n\na 2\n'
broken 'a line that begins with a space' 2 'not an event' ' a 1\n'
broken 'a NUL' 2 'not an event' '\000a 1\n'
broken 'a carriage return' 2 'trailing garbage' 'a 1\r\n'
broken 'no number' 2 'a number is missing' 'a\n'
broken 'a number that is none' 2 'not a decimal number' 'a x\n'
broken 'a negative number' 2 'not a decimal number' 'a -1\n'
broken 'two spaces' 2 'not a decimal number' 'a  1\n'
broken 'no second number' 2 'a number is missing' 'm 16\n'
broken 'a number too many' 2 'trailing garbage' 'a 16 16\n'
broken 'a trailing space' 2 'trailing garbage' 'a 16 \n'
broken 'a number beyond 64 bits' 2 'too large' 'a 18446744073709551617\n'
broken 'a number beyond 56 bits' 2 'too large' 'a 72057594037927936\n'
broken 'the last line cut off' 3 'truncated' 'a 1\na 1'
broken 'an alignment of no power of two' 2 'a power of two' 'm 16 24\n'
broken 'an alignment of 0' 2 'a power of two' 'm 16 0\n'
broken 'BACK where there is no block' 2 'BACK is 0' 'f 0\n'
broken 'BACK before the first block' 3 'BACK is 1 where only 1' 'a 1\nf 1\n'
broken 'freed twice' 4 'freed already' 'a 1\nf 0\nf 0\n'
broken 'a realloc after the free' 4 'has been freed' 'a 1\nf 0\nr 0 1\n'
broken 'a lock after the free' 4 'has been freed' 'a 1\nf 0\nl 0\n'
broken 'an unlock after the free' 4 'has been freed' 'a 1\nf 0\nu 0\n'
broken 'a realloc to 0' 3 'size 0' 'a 1\nr 0 0\n'
broken 'locked twice' 4 'locks a block that is locked' 'a 1\nl 0\nl 0\n'
broken 'a free while locked' 4 'frees a block that is locked' 'a 1\nl 0\nf 0\n'
broken 'a realloc while locked' 4 'reallocates a block that is locked' 'a 1\nl 0\nr 0 2\n'
broken 'an unlock without a lock' 3 'not locked' 'a 1\nu 0\n'
broken 'two unlocks' 5 'not locked' 'a 1\nl 0\nu 0\nu 0\n'
broken 'thread 0' 2 'threads are numbered' 't 0\n'
broken 'a gap in the threads' 3 'threads are numbered' 't 2\nt 4\n'
broken 'lines are counted with comments' 6 'unknown event' '# a: b\na 1\n# c\nt 2\ny 1\n'

size=$(wc -c <"$bundled")
for bytes in 4 5 20 1000 $((size / 2)) $((size - 1)); do
    head -c "$bytes" "$bundled" >bad.rmt
    bad "compressed, only $bytes bytes" '[0-9]*' 'truncated'
done
{ head -c 2000 "$bundled"; printf 'garbage'; tail -c +2008 "$bundled"; } >bad.rmt
bad 'compressed, seven bytes damaged' '[0-9]*' ''
{ cat "$bundled"; printf 'garbage'; } >bad.rmt
bad 'compressed, garbage behind the end' '[0-9]*' 'damaged'

if command -v zstd >/dev/null 2>&1; then
    head -c 20000000 /dev/zero | zstd -q >bad.rmt
    bad 'compressed, 20 MB in one line' 1 'a line of more than 64 KiB'
    { echo '# rmt 1'; head -c 1000000 /dev/zero; } | zstd -q --long=30 >bad.rmt
    bad 'compressed with a window of 1 GiB' 1 'damaged'
fi
if printf '# rmt 1\na 1\n' | gzip >good.gz && "$rmtool" check -q good.gz; then
    { echo '# rmt 1'; echo 'a 1'; head -c 20000000 /dev/zero | tr '\0' '\n'; } | gzip -1 >bad.rmt
    bad 'gzip, 20 million lines' 3 'an empty line'
    { echo '# rmt 1'; yes 'a 1' | head -n 20000; } | gzip -n >whole.gz
    head -c 70 whole.gz >bad.rmt
    bad 'gzip, cut' '[0-9]*' 'truncated'
    { head -c 40 whole.gz; printf 'garbage'; tail -c +48 whole.gz; } >bad.rmt
    bad 'gzip, seven bytes damaged' '[0-9]*' ''
fi

expect 'a file that is not there' 3 'gone.rmt: No such file' "$rmtool" replay gone.rmt
expect 'a directory' 3 'Is a directory' "$rmtool" replay .
printf '# rmt 1\nf 0\n' >bad.rmt
expect 'standard input has a name too' 4 '-:2: BACK' "$rmtool" replay - <bad.rmt
plan
