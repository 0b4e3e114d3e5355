#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool convert: what each log becomes, event by event; logs of the tools themselves where
# they are there, counted by them too; logs that are cut, damaged or of another kind.
. "$(dirname "$0")/common.sh"
if ! command -v zstd >/dev/null 2>&1; then
    skip 'convert' 'no zstd here'
    plan
    exit 0
fi

# becomes NAME EVENTS OPTION...: the log in `log` becomes these events, one after the other.
becomes() {
    becomes_name=$1
    printf '%s\n' "$2" | tr ';' '\n' >want
    shift 2
    rm -f got.rmt.zst
    expect "$becomes_name" 0 '' "$rmtool" convert "$@" -o got.rmt.zst log
    cp out said
    zstd -qdc got.rmt.zst | grep -v '^# [^t]\|^# threads' >got
    diff want got >why
    check_empty "$becomes_name: the events" why
    expect "$becomes_name: a trace" 0 '' "$rmtool" check --strict got.rmt.zst
}
# bad NAME LINE TEXT OPTION...: the log is refused there, and nothing is left behind.
bad() {
    bad_name=$1 bad_line=$2 bad_text=$3
    shift 3
    expect "$bad_name" 4 "^rmtool: log:$bad_line: .*$bad_text" \
        "$rmtool" convert "$@" -o left.rmt.zst log
    find . -name 'left*' >why
    check_empty "$bad_name: nothing left behind" why
}

# --- opera
cat >log <<'LOG'
Could not open debug settings file: debug.txt
MEM: 0x0804d1e7 malloc(53) => 0x095a91f0
MEM: 0x0804d29c calloc(36) => 0x095a9308
MEM: 0x0804d29c calloc(3,12) => 0x095a9408

MEM: 0x0903b36c realloc(0x095a91f0,8) => 0x095e90e0
MEM: 0x0903b36c realloc(0x00000000,9) => 0x095a91f0
MEM: 0x08df6c31 free(0x095a9308)
MEM: 0x08df6c31 free(0x12345678)
MEM: 0x08df6c31 free((nil))
MEM: 0x0804d1e7 malloc(99) => (nil)
MEM: 0x0804d1e7 malloc(7) => 0x095a91f0
MEM: 0x0903b36c realloc(0x77777777,5) => 0x77777778
MEM: 0x0903b36c realloc(0x77777778,0) => 0x00000000
MEM: Live allocation: 8 bytes
LOG
becomes 'opera' 'a 53;z 36;z 36;r 2 8;a 9;f 2;f 0;a 7;a 5;f 0'
holds 'opera: what was left out' said \
    '1 frees and 1 reallocs of addresses that the log has not given away; 1 blocks whose address'
holds 'opera: what was left out, too' said '1 calls that failed, 1 frees of NULL, 3 other lines'
expect 'opera: as JSON' 0 '' "$rmtool" convert --json -o got.rmt.zst log
holds 'opera: as JSON: the format' out '"format": "opera"'
holds 'opera: as JSON: unknown frees' out '"unknown_frees": 1'
gzip -k <log >log.gz 2>/dev/null && zstd -qf log -o log.zst
expect 'zstd' 0 '' "$rmtool" convert -q -o other.rmt.zst log.zst
check 'zstd: the same' cmp got.rmt.zst other.rmt.zst
"$rmtool" convert -q -o other.rmt.zst log.gz >out 2>err
if grep -q 'built without' err; then
    skip 'gzip' 'no zlib'
else
    check 'gzip: the same' cmp got.rmt.zst other.rmt.zst
fi
expect 'from standard input' 0 '' sh -c '"$0" convert -q --name log -o other.rmt.zst - <log' "$rmtool"
check 'from standard input: the same' cmp got.rmt.zst other.rmt.zst
printf 'MEM: 0x1 malloc(5) => 0x10\nMEM: 0x1 malloc(5) => 0x' >log
becomes 'opera, cut within a line' 'a 5'
printf 'MEM: 0x1 malloc(5) => 0x10\r\nMEM: 0x1 free(0x10)\r\n' >log
becomes 'opera, with carriage returns' 'a 5;f 0'
for line in 'malloc(5)' 'malloc() => 0x1' 'malloc(5,6) => 0x1' 'realloc(0x10) => 0x1' 'free(0x10) x' \
    'valloc(5) => 0x1' 'malloc(-5) => 0x1' 'malloc(99999999999999999999) => 0x1' \
    'malloc(72057594037927936) => 0x1' 'calloc(4294967296,4294967296) => 0x1' 'malloc(5) => 0xx'; do
    printf 'MEM: 0x1 malloc(5) => 0x10\nMEM: 0x1 %s\nMEM: 0x1 free(0x10)\n' "$line" >log
    bad "opera: $line" 2 ''
done

# --- CS:APP
printf '20000\n3\n8\n1\na 0 512\na\t1  128\nr 0 640\na 2 128\nf 1\nr 0 768\nf 0\nf 2\n' >log
becomes 'rep' 'a 512;a 128;r 1 640;a 128;f 1;r 2 768;f 2;f 0'
printf '1\n1\n9\n1\n\na 7 0\nr 7 0\na 7 1\nf 7\nf 7\nf -1\nr 9 5\nr -1 6\n' >log
becomes 'rep: a number used again, frees of none' 'a 0;f 0;a 1;f 0;a 5'
holds 'rep: unknown' said '1 frees and 1 reallocs of addresses'
zstd -qdc got.rmt.zst >got
holds 'rep: fewer calls than promised' got 'promises more calls than there are'
printf '1\n1\n3\n1\na 0 5\na 0 5\n' >log
bad 'rep: a number in use' 6 'in use'
for line in 'a 0' 'a x 5' 'f' 'f 0 5' 'a 0 -1' 'q 0 1' 'a 0 5 6' 'a 0 '; do
    printf '1\n1\n3\n1\n%s\n' "$line" >log
    bad "rep: $line" 5 '' --from rep
done
printf '1\n1\n3\nx\na 0 1\n' >log
bad 'rep: a header that is none' 4 'four lines' --from rep

# --- mtrace
cat >log <<'LOG'
= Start
@ ./a b:(main+0x1f)[0x12a6] + 0x5601c3a0 0x18
@ ./a:[0x12a6] + 0x5601c3c0 0
@ ./a:[0x12a6] < 0x5601c3a0
@ ./a:[0x12a6] > 0x5601c3e0 0x40
@ ./a:[0x12a6] - 0x5601c3c0
- 0x99
@ ./a:[0x12a6] ! 0x5601c3e0 0x4000000000000000
@ ./a:[0x12a6] < 0x5601c3e0
= End
LOG
becomes 'mtrace' 'a 24;a 0;r 1 64;f 0;f 1'
holds 'mtrace: unknown' said '1 frees and 0 reallocs of addresses'
for line in '@ ./a:[0x1] * 0x10' '@ ./a:[0x1] + 0x10' '+ 0x10 0x1g' 'hello' '0x10'; do
    printf '= Start\n+ 0x10 0x8\n%s\n= End\n' "$line" >log
    bad "mtrace: $line" 3 ''
done
cat >traced.c <<'C'
#include <mcheck.h>
#include <stdlib.h>
int main(void) {
    void *kept[100] = {0};
    unsigned seed = 7;
    mtrace();
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned at = (seed >> 16) % 100, size = (seed >> 8) % 3000;
        if ((seed >> 4) % 4 == 0) {
            kept[at] = realloc(kept[at], size + 1);
        } else {
            free(kept[at]);
            kept[at] = (seed >> 4) % 4 == 1 ? NULL : malloc(size);
        }
    }
    muntrace();
    return 0;
}
C
if ${CC:-cc} -O0 -o traced traced.c 2>/dev/null &&
    MALLOC_TRACE=log LD_PRELOAD=libc_malloc_debug.so.0 ./traced 2>/dev/null &&
    grep -q '^= End' log; then
    expect 'mtrace of a program' 0 '' "$rmtool" convert --json -o got.rmt.zst log
    awk '/\] \+/ { made++ } /\] >/ { resized++ } /\] -/ { freed++ }
        END { print made, resized, freed }' log >want
    echo "$(number allocations out) $(number reallocations out) $(number frees out)" >got
    check 'mtrace of a program: each call' cmp want got
    expect 'mtrace of a program: a trace' 0 '' "$rmtool" check --strict got.rmt.zst
else
    skip 'mtrace of a program' 'no compiler, or no libc_malloc_debug.so'
fi

# --- heaptrack
cat >log <<'LOG'
v 10400 3
x b /usr/bin/ls
X ls -l /usr
I 1000 5e298f
t 7f1f6e8b6b9f 0
c 5
+ 1d8 1 5000
+ 10 1 6000
- 5000
c 7d0
- 7000
+ 20 1 6000
R 100
LOG
becomes 'heaptrack, raw' '# time: 0.005000000;a 472;a 16;f 1;# time: 2.000000000;f 0;a 32'
holds 'heaptrack, raw: unknown, and anew' said '1 frees and 0 reallocs of addresses that the log'
zstd -qdc got.rmt.zst >got
holds 'heaptrack: its command' got '# command: ls -l /usr'
holds 'heaptrack: its program' got '# program: ls'
printf 'v 10400 3\na 10 1\n+ 0\na 20 2\n+ 1\n+ 0\n- 0\n- 1\n- 0\n- 0\n' >log
becomes 'heaptrack, interpreted' 'a 16;a 32;a 16;f 0;f 1;f 2'
for line in '+ 5' '+ 1 2' '- ' '+ g' 'c x' 'a 1' 'Z' '- 10000000000000000' 'v'; do
    printf 'v 10400 3\na 10 1\n+ 0\n%s\n+ 0\n' "$line" >log
    bad "heaptrack: $line" 4 ''
done
printf 'v 10400 3\na 10 1\n+ 0\n+ 1a 20 5\n- 0\n' >log
bad 'heaptrack: an address among kinds' 4 'interpreted'
printf 'v 10400 3\n+ 1a 20 5\na 10 1\n+ 0\n- 0\n' >log
bad 'heaptrack: a kind among addresses' 3 'raw'
printf 'v 20000 4\n+ 1 1 1\n' >log
bad 'heaptrack: a version to come' 1 'version 4'
if command -v heaptrack >/dev/null 2>&1 && command -v heaptrack_print >/dev/null 2>&1 &&
    heaptrack -o recorded ls -l /usr >heaptrack.log 2>&1 &&
    recorded=$(find . -name 'recorded.*' | head -n 1) && [ -n "$recorded" ]; then
    expect 'a recording of heaptrack' 0 '' "$rmtool" convert --json -o got.rmt.zst "$recorded"
    : >why
    heaptrack_print "$recorded" 2>/dev/null >printed
    want=$(sed -n 's/^calls to allocation functions: \([0-9]*\).*/\1/p' printed)
    [ "$(number allocations out)" = "$want" ] || echo "$(number allocations out), not $want" >why
    check_empty 'a recording of heaptrack: as many allocations as it counts' why
    expect 'a recording of heaptrack: a trace' 0 '' "$rmtool" check --strict got.rmt.zst
else
    skip 'a recording of heaptrack' 'heaptrack is not here, or cannot record'
fi

# --- traces
generate trace.rmt 3000 1 3
awk '{ print } NR == 100 { print "# time: 1.5" }' trace.rmt >log
expect 'CSV' 0 '' "$rmtool" convert --to csv -o got.csv log
awk 'function row(op, b, al) { print ++n "," op "," b "," size[b] "," al ",1," time "," live }
    BEGIN { print "event,op,block,size,alignment,thread,time,live_bytes" }
    /^# time/ { time = "1.500000000" } /^#/ { next }
    /^a/ { size[++k] = $2; live += $2; row("malloc", k) } /^z/ { size[++k] = $2; live += $2; row("calloc", k) }
    /^m/ { size[++k] = $2; live += $2; row("memalign", k, $3) }
    /^r/ { b = k - $2; live += $3 - size[b]; size[b] = $3; row("realloc", b) }
    /^f/ { b = k - $2; live -= size[b]; row("free", b) }
    /^l/ { row("lock", k - $2) } /^u/ { row("unlock", k - $2) }' log >want
check 'CSV: each event' cmp want got.csv
expect 'a trace anew' 0 '' "$rmtool" convert -o got.rmt.zst log
expect 'a trace anew: fine' 0 '' "$rmtool" check --strict got.rmt.zst
zstd -qdc got.rmt.zst | grep -v '^# [^t]\|^# threads' >got
grep -v '^# [^t]\|^# threads' log | sed 's/^# time: 1.5/&00000000/' >want
check 'a trace anew: the same events' cmp want got
expect 'one that is made up' 0 '' "$rmtool" convert --to csv -o got.csv synth:churn,scale=0.01

# --- what is none of these
: >log
bad 'an empty file' 1 'empty'
printf 'hello\n' >log
bad 'another kind of text' 1 'not of a format'
for from in heaptrack mtrace opera rep rmt; do bad "another kind of text, $from" '[0-9]*' '' --from $from; done
head -c 300 /dev/zero >log
bad 'zeros' 1 'not of a format'
printf 'MEM: 0x1 free(0x10)\n' >log
bad 'a log without an allocation' '[0-9]*' 'no allocation'
head -c 100 "$bundled" >log
bad 'compressed and cut' 1 'truncated' --from opera
awk 'BEGIN { printf "MEM: 0x1 malloc(5) => 0x10\nMEM: 0x1 malloc("; for (i = 0; i < 300000; i++) printf "1"
    print ") => 0x20" }' >log
bad 'an endless line of a call' 2 ''
awk 'BEGIN { printf "MEM: 0x1 malloc(5) => 0x10\n"; for (i = 0; i < 300000; i++) printf "x"
    print ""; print "MEM: 0x1 free(0x10)" }' >log
becomes 'an endless line of something else' 'a 5;f 0'
expect 'gone' 3 'gone: No such file' "$rmtool" convert -o left.rmt.zst gone
if [ -w /dev/full ]; then
    # shellcheck disable=SC2016 # the inner shell expands them
    expect 'a full disk' 3 'No space' \
        sh -c '"$0" convert --to csv -o - trace.rmt >/dev/full' "$rmtool"
fi
find . -name 'left*' -o -name '*.tmp' -o -name '*.body' >why
check_empty 'nothing left behind' why
expect 'a list' 0 '' "$rmtool" convert --list
holds 'a list: heaptrack' out 'heaptrack'
expect 'an unknown format' 2 "'dtrace'" "$rmtool" convert --from dtrace -o x log
expect 'an unknown goal' 2 '--to is' "$rmtool" convert --to xml -o x log
expect 'a log to CSV' 2 'first make it' "$rmtool" convert --to csv -o x log
expect 'no output' 2 'where to' "$rmtool" convert log
expect 'no input' 2 'of what' "$rmtool" convert -o x
plan
