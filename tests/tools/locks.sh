#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool locks: each model against what one works out by hand and against models too plain
# to be wrong; logs that are damaged; a program whose locks are known.
# Usage: locks.sh RMTOOL TRACES RMA WORDINDEX WORDINDEX_RMALLOC THREADS
rma=$(cd "$(dirname "$3")" && pwd)/rma || exit 1
wordindex=$(cd "$(dirname "$4")" && pwd)/wordindex || exit 1
wordindex_rmalloc=$wordindex-rmalloc
threads=$(cd "$(dirname "$6")" && pwd)/threads || exit 1
. "$(dirname "$0")/common.sh"
root=$(cd "$here/../.." && pwd)

# plain FILE: a trace as text, without its header; without zstd nothing is compared.
plain() { zstd -dcq "$1" | grep -v '^#'; }
if ! command -v zstd >/dev/null 2>&1; then
    skip 'models' 'no zstd here'
    plan
    exit 0
fi

# -------------------------------------------------------------------- by hand

# gives NAME MODEL EVENTS: the model makes these events of hand.rma.zst.
gives() {
    "$rmtool" locks -q -m "$2" -o hand.rmt.zst hand.rma.zst 2>err
    { plain hand.rmt.zst | tr '\n' ',' | sed 's/,$//'; } >got
    : >why
    [ "$(cat got)" = "$3" ] || { echo "$(cat got), not $3"; cat err; } >why
    check_empty "$1" why
}

# Two blocks; accesses to A B B A, at instructions 10 11 12 30.
"$rma" pack hand.rma.zst <<'TEXT'
a 16 0 1 0 0
a 32 0 2 0 0
l 0 0 10 0 0
s 1 0 11 0 0
b 1 0 12 0 0
l 0 0 30 0 0
f 1 0 31 0 0
f 0 0 32 0 0
TEXT
gives 'gap:2: unlocked after two others' gap:2 'a 16,a 32,l 1,l 0,u 1,l 1,u 0,f 0,u 1,f 1'
gives 'gap:1: after each other' gap:1 'a 16,a 32,l 1,l 0,u 1,l 1,u 0,f 0,u 1,f 1'
gives 'gap:3: not after two' gap:3 'a 16,a 32,l 1,l 0,u 0,f 0,u 1,f 1'
gives 'gap:0: one lock for each access' gap:0 \
    'a 16,a 32,l 1,u 1,l 0,u 0,l 0,u 0,l 1,u 1,f 0,f 1'
gives 'gap:17i: both have as many' gap:17i \
    'a 16,a 32,l 1,l 0,u 1,u 0,l 1,f 0,u 1,f 1'
gives 'gap:20i: nor has any at the end' gap:20i 'a 16,a 32,l 1,l 0,u 0,f 0,u 1,f 1'
gives 'gap:18i: A has 19 instructions without one, B 17' gap:18i \
    'a 16,a 32,l 1,l 0,u 1,l 1,u 0,f 0,u 1,f 1'
# A has 1, then 0.5, then 0; B 1, 2, then 1.5.
gives 'life: one more, a half less' life:9 'a 16,a 32,l 1,l 0,u 1,l 1,u 0,f 0,u 1,f 1'
gives 'life: capped' life:1:1:1 'a 16,a 32,l 1,l 0,u 1,l 1,u 0,f 0,u 1,f 1'
gives 'life: worth more' life:9:2:0.5 'a 16,a 32,l 1,l 0,u 0,f 0,u 1,f 1'
gives 'none: no locks' none 'a 16,a 32,f 0,f 1'
gives 'frame: nothing known, so to the end' frame 'a 16,a 32,l 1,l 0,u 0,f 0,u 1,f 1'

# main (1) calls f (2), which touches A and returns; then g (2) touches both, calls h (3).
"$rma" pack hand.rma.zst <<'TEXT'
a 16 0 1 0 1
a 32 0 2 1 1
l 0 0 10 1 2
l 0 0 12 1 2
l 1 0 13 2 3
r 0 64 14 2 2
s 0 0 15 2 2
k 1 0 16 0 0
l 1 0 17 0 1
k 0 0 18 0 0
l 1 0 19 0 1
TEXT
gives 'frame: until its frame ends' frame \
    'a 16,a 32,l 1,u 1,l 1,l 0,u 0,u 1,r 1 64,l 1,l 0,u 1'
gives 'frame:1: until its caller ends' frame:1 \
    'a 16,a 32,l 1,l 0,u 1,r 1 64,l 1,u 0,u 1,l 0'

# Thread 1 has the first item, though nothing says so.
printf 'a 1 0 1 0 0\nt 7 0 1 0 0\na 2 0 1 0 0\nt 1 0 1 0 0\nl 0 0 2 0 0\nf 0 0 3 0 0\n' |
    "$rma" pack hand.rma.zst
gives 'threads' gap:1 'a 1,t 2,a 2,t 1,l 1,u 1,f 1'

# The truth: A locked for one access of two, B for none of one, one lock within the other.
"$rma" pack hand.rma.zst <<'TEXT'
a 16 0 1 0 0
a 32 0 2 0 0
+ 0 0 3 0 0
+ 0 0 3 0 0
l 0 0 10 0 0
- 0 0 11 0 0
- 0 0 11 0 0
l 0 0 12 0 0
l 1 0 13 0 0
f 0 0 14 0 0
f 1 0 15 0 0
TEXT
gives 'truth: what it says itself, nested' truth 'a 16,a 32,l 1,u 1,f 1,f 0'
expect 'precision and recall' 0 '' "$rmtool" locks -q --truth -m gap:0 --csv got.csv hand.rma.zst
awk -F, '/^gap:0,/ { if ($13 != "0.333333" || $14 != 1) print "by time " $13 " " $14
    if ($15 != "0.333333" || $16 != 1) print "by locks " $15 " " $16
    if ($6 != 3) print $6 " locks" }' got.csv >why
check_empty 'precision 1/3, recall 1, by time and by locks' why
expect 'nothing to compare with' 1 'says nothing of its own locks' sh -c \
    "printf 'a 1 0 1 0 0\n' | $rma pack one.rma.zst && $rmtool locks -q --truth one.rma.zst"

# Frames as deep as they go, on many stacks, and as many that hold nothing.
awk 'BEGIN { print "a 16 0 1 0 0"
    for (i = 1; i < 60; i++) print "k " i " 0 1 0 0\ns 0 0 1 0 16000000\nf 0 0 1 16000000 16000000\na 16 0 1 16000000 16000000"
    for (i = 0; i < 60; i++) print "s 0 0 1 0 16000000\nl 0 0 1 0 0" }' | "$rma" pack deep.rma.zst
most_memory='ulimit -v 1000000;' # sanitizers map terabytes
if grep -q __asan_init "$rmtool"; then most_memory=; fi
expect 'frames: those that hold nothing cost nothing' 0 '' \
    sh -c "$most_memory exec timeout 20 '$rmtool' locks -q -m frame -m frame:5 deep.rma.zst"

# ------------------------------------------------------------ against plain models

seed=${RMTEST_SEED:-$(date +%s)}
echo "# seed $seed (RMTEST_SEED)"
"$rma" random "$seed" 20000 random.rma.zst
"$rma" dump random.rma.zst >random.txt
"$rma" pack again.rma.zst <random.txt
check 'a log, as text and back, is the same log' cmp random.rma.zst again.rma.zst
for model in gap:0 gap:5 gap:60 gap:0i gap:100i frame frame:1 frame:3 life:1 life:10 \
    life:50:7:0.25 truth none; do
    "$rma" naive $model random.rma.zst 2>agreed | "$rma" sort >naive
    "$rmtool" locks -q -m $model -o model.rmt.zst random.rma.zst
    plain model.rmt.zst | grep -v '^t' | "$rma" sort >events
    check "$model: the events are those of the plain model" cmp naive events
    expect "$model: its trace replays" 0 '' "$rmtool" replay -q --check model.rmt.zst
    [ $model != truth ] && [ $model != none ] || continue
    "$rmtool" locks -q --truth -m $model --csv got.csv random.rma.zst
    # Both have six digits: as they round they may differ by one of the last.
    awk -F, -v model=$model 'function differ(a, b) { return a - b > 2e-6 || b - a > 2e-6 }
        FNR == NR { split($0, a, " "); next }
        $1 == model { if (differ($13, a[1]) || differ($14, a[2]))
                print a[1], a[2] ", not", $13, $14
            seen = 1 }
        END { if (!seen) print "no row" }' agreed got.csv >why
    check_empty "$model: so are precision and recall" why
done
expect 'several models, several traces' 0 '' \
    "$rmtool" locks --json -m gap:5 -m frame:1 -o many.rmt.zst random.rma.zst
check 'each with its name' test -s many-gap-5.rmt.zst -a -s many-frame-1.rmt.zst
expect 'costs' 0 '' "$rmtool" locks --json -m gap:5 --cost random.rma.zst
holds 'costs: of no locks, too' out '"model": "none"'
awk 'BEGIN { for (i = 0; i < 20000; i++) print "a 4 0 1 0 0"
    for (i = 0; i < 20000; i += 7) print "l " i " 0 2 0 0" }' | "$rma" pack small.rma.zst
expect 'costs: of blocks of which most is not what was asked for' 0 '' \
    "$rmtool" locks --json -m gap:5 --cost small.rma.zst
check 'costs: in as much as they need' test "$(number region out)" -gt $((20000 * 4 * 2))
expect 'cut' 0 '' "$rmtool" locks --json -m gap:5 --limit-accesses 100 random.rma.zst
holds 'cut: so many' out '"accesses": 100,'

# ------------------------------------------------------------------ lackey's text

# main at 400000 calls f at 400100, which stores to its block; the record of slot 1 frees it.
"$rma" records made.rmlog <<'TEXT'
1 5000 16 0 1
4 5000 0 0 1
TEXT
cat >text <<'TEXT'
==7== Lackey, an example Valgrind tool
I  00400000,4
 S 20000000000,8
I  00400004,5
 S 1fff000100,8
I  00400100,3
 S 5000,8
I  00400103,3
 L 500f,4
I  00400106,3
 L 5010,4
I  00400109,1
 L 1fff000100,8
I  00400009,3
 M 5008,4
I  0040000c,3
 S 20000000010,8
I  0040000f,3
 S 5000,8
TEXT
expect 'lackey and the recorder, joined' 0 '' \
    "$rmtool" locks --json --join text --records made.rmlog -m frame --log joined.rma.zst
for value in 'accesses": 3' 'loads": 1' 'stores": 1' 'modifies": 1' 'instructions": 8' \
    'all_accesses": 9' 'locks": 2'; do
    holds "joined: $value" out "$value"
done
"$rma" dump joined.rma.zst | tr '\n' ',' >got
: >why
[ "$(cat got)" = 'a 16 0 1 0 0,s 0 0 3 0 1,l 0 0 4 1 1,b 0 0 7 0 0,f 0 0 8 0 0,' ] || cat got >why
check_empty 'joined: the frame is there between call and return' why
# Two calls; a jump out of both and a call in their place, as longjmp has it; "rep stos" onto the
# stack, and a jump through a table there, which are no calls and no returns; a return.
cat >text <<'TEXT'
I  00400000,4
 S 20000000000,8
I  00400004,5
 S 1fff000100,8
I  00400100,5
 S 1fff0000f0,8
I  00400200,3
 L 5000,4
I  00400203,2
I  00400300,5
 S 1fff000100,8
I  00400400,3
 L 5000,4
I  00400403,2
 S 1fff000050,8
I  00400403,2
 S 1fff000058,8
I  00400405,3
 L 1fff000058,8
I  00400500,3
 S 5000,4
I  00400503,1
 L 1fff000100,8
I  00400305,2
 L 5000,1
TEXT
"$rmtool" locks -q --join text --records made.rmlog --log joined.rma.zst
"$rma" dump joined.rma.zst | tr '\n' ',' >got
: >why
[ "$(cat got)" = 'a 16 0 1 0 0,l 0 0 4 0 2,l 0 0 7 0 1,s 0 0 11 1 1,l 0 0 13 0 0,' ] ||
    cat got >why
check_empty 'frames: left by a jump, and what only looks like a call or a return' why
# Thread 2 has slot 1 and writes it after thread 1 has written slot 2; nobody writes slot 3.
"$rma" records made.rmlog <<'TEXT'
1 5000 16 0 1
1 6000 16 0 2
4 5000 0 0 1
0 0 0 0 0
1 7000 16 0 1
TEXT
cat >text <<'TEXT'
I  00400000,4
 S 20000000000,8
 S 5000,8
 S 20000000020,8
 S 5000,8
 S 20000000010,8
 S 6000,8
 S 20000000040,8
 S 7000,8
TEXT
"$rmtool" locks --json --join text --records made.rmlog --log joined.rma.zst >joined.json
"$rma" dump joined.rma.zst | tr '\n' ',' >got
: >why
[ "$(cat got)" = 'a 16 0 1 0 0,s 0 0 1 0 0,f 0 0 1 0 0,t 2 0 1 0 0,a 16 0 1 0 0,s 0 0 1 0 0,'\
't 1 0 1 0 0,a 16 0 1 0 0,s 1 0 1 0 0,' ] || cat got >why
check_empty 'threads: each record at the moment it is written' why
holds 'threads: one is never written' joined.json 'lost_records": 1,'
# A block is where a realloc puts another: nobody has said that it was freed.
"$rma" records made.rmlog <<'TEXT'
1 5000 16 0 1
1 6000 16 0 1
5 5000 32 0 1
6 6000 32 0 1
TEXT
cat >text <<'TEXT'
I  00400000,4
 S 20000000000,8
 S 20000000010,8
 S 20000000020,8
 S 20000000030,8
 S 6010,8
TEXT
"$rmtool" locks -q --join text --records made.rmlog --log joined.rma.zst
"$rma" dump joined.rma.zst | tr '\n' ',' >got
: >why
[ "$(cat got)" = 'a 16 0 1 0 0,a 16 0 1 0 0,f 1 0 1 0 0,r 0 32 1 0 0,s 0 0 1 0 0,' ] || cat got >why
check_empty 'realloc: to where a block was' why
printf 'I  00400000,4\nnonsense\n' >bad
expect 'no text of lackey' 4 'bad:2: not a line of lackey' \
    "$rmtool" locks --join bad --records made.rmlog
printf '==7== Lackey\n### unhandled\n**7** the program says so\nI  00400000,4\n--7-- a warning\nI  00400004,4\n%s' \
    ' S 500' >cut
expect 'a text that is cut: what is there counts' 0 '' \
    "$rmtool" locks --json --join cut --records made.rmlog
holds 'a text that is cut: not the last line' out 'all_accesses": 0,'
printf '0,8\nvalgrind: m_mallocfree.c:303: failed\nhost stacktrace:\n==7== at 0x5\nsched status:' >>cut
expect 'valgrind itself fails: what is there counts' 0 'valgrind has failed here.*m_mallocfree.c:303' \
    "$rmtool" locks --json --join cut --records made.rmlog
holds 'valgrind itself fails: up to there' out 'all_accesses": 1,'
expect 'no log of the recorder' 4 'not a log of the recorder' \
    "$rmtool" locks --join text --records bad
expect '--join alone' 2 'go together' "$rmtool" locks --join text

# ---------------------------------------------------------------- what is damaged

expect 'no such log' 3 'No such file' "$rmtool" locks none.rma.zst
: >empty
expect 'an empty log' 4 'not an access log' "$rmtool" locks empty
expect 'a trace' 4 'not an access log' "$rmtool" locks "$bundled"
printf '# rma 1\n# name: ../e\033vil\n\n\003\000\000\000' | zstd -qc >evil.rma.zst
mkdir plots
expect 'a name that is a path, and no accesses' 1 ': no accesses' \
    "$rmtool" locks -q -m gap:5 --plot plots evil.rma.zst
check 'a name that is a path: nothing outside' sh -c 'ls -A plots | grep -q "^.._e_vil" && ! ls *locks.csv'
echo hello >text.txt
expect 'a text' 4 'not an access log' "$rmtool" locks text.txt
size=$(wc -c <random.rma.zst)
for cut in 10 60 100 $((size / 2)) $((size - 1)); do
    head -c "$cut" random.rma.zst >cut.rma.zst
    expect "cut after $cut bytes" 4 'rmtool: cut.rma.zst: ' "$rmtool" locks cut.rma.zst
done
# damaged NAME TEXT ITEMS: pack checks nothing, so it writes what no program does.
damaged() {
    printf '%b' "$3" | "$rma" pack bad.rma.zst
    expect "$1" 4 "item .*$2" "$rmtool" locks bad.rma.zst
}
damaged 'an access to nothing' '1: an access to no live block' 'l 0 0 1 0 0\n'
damaged 'an access behind the free' '4: an access to no live block' \
    'a 1 0 1 0 0\na 1 0 1 0 0\nf 0 0 1 0 0\nl 0 0 1 0 0\n'
damaged 'two frees' '3: an event of no live block' 'a 1 0 1 0 0\nf 0 0 1 0 0\nf 0 0 1 0 0\n'
damaged 'a realloc to nothing' '2: a realloc to size 0' 'a 1 0 1 0 0\nr 0 0 1 0 0\n'
damaged 'a huge block' '1: a number is too large' 'a 99999999999999999 0 1 0 0\n'
damaged 'a stack too many' '1: too many stacks' 'k 70000 0 1 0 0\n'
damaged 'frames too deep' '1: frames too deep' 'a 1 0 1 0 99999999\n'
printf '# rma 1\n\n\377\377\377\377' | zstd -qc >garbage.rma.zst
expect 'garbage' 4 'item 1: an unknown event' "$rmtool" locks garbage.rma.zst
for model in '' gap gap: gap:x gap:-1 frame:x life life:0 life:1:2 life:1:0:1 nonsense; do
    expect "the model '$model' is refused" 2 'is no model' "$rmtool" locks -m "$model" random.rma.zst
done
expect 'neither log nor command' 2 'which access log' "$rmtool" locks
expect 'two logs' 2 'one access log only' "$rmtool" locks a.rma.zst b.rma.zst
expect '--log of a log' 2 'for a program' "$rmtool" locks --log x random.rma.zst

# ------------------------------------------------------------- a program, and its truth

"$wordindex" "$root/README.rst" >on-malloc
check 'the program on the library' sh -c "$wordindex_rmalloc '$root/README.rst' | cmp - on-malloc"
mkdir nothing
expect 'no valgrind' 3 'valgrind cannot be run' \
    env PATH="$scratch/nothing" "$rmtool" locks -- "$wordindex" "$root/README.rst"
if ! command -v valgrind >/dev/null 2>&1 || [ -n "${RMTEST_UNTIMED:-}" ]; then
    skip 'a program under valgrind' 'no valgrind here, or within it'
    plan
    exit 0
fi
echo good >good.rma.zst
expect 'no such program' 3 'did not run' "$rmtool" locks -q --log good.rma.zst -- ./none
holds 'no such program: the log that was there still is' good.rma.zst good
expect 'a program that becomes another' 0 'sh became ls, which is not followed' \
    "$rmtool" locks -q -- sh -c 'exec ls'
mkfifo waits
expect 'a program that leaves another behind' 0 'goes on, and is not followed' \
    timeout 60 "$rmtool" locks -q -- sh -c '(: <waits) &'
: <>waits
expect 'a program' 0 'words; ' "$rmtool" locks --json --truth -m gap:30 -m none --log index.rma.zst \
    -o index.rmt.zst -- "$wordindex" "$root/CONTRIBUTING.rst"
cp out index.json
# A lock or unlock of its own for every use: more than ten for each allocation.
awk '/"own_locks"/ { locks = $2 + 0 } /"allocations"/ { made = $2 + 0 } /"lost_records"/ { lost = $2 + 0 }
    END { if (locks < 5 * made) print locks " locks, " made " blocks"
        if (lost) print lost " records lost" }' index.json >why
check_empty 'its own locks are seen' why
"$rmtool" locks --json --truth -m gap:30 -m none index.rma.zst >again.json
for key in accesses loads stores allocations reallocations frees own_locks locks precision; do
    : >why
    [ "$(number $key index.json)" = "$(number $key again.json)" ] ||
        echo "$(number $key index.json), then $(number $key again.json)" >why
    check_empty "from the log again: $key" why
done
for trace in index-gap-30 index-none index-truth; do
    expect "$trace replays" 0 '' "$rmtool" replay -q --check $trace.rmt.zst
done
plain index-none.rmt.zst | grep -c '^[am]' >got
: >why
[ "$(cat got)" -eq "$(number allocations index.json)" ] || cat got >why
check_empty 'as many allocations as there were' why
expect 'a program with threads' 0 '' \
    "$rmtool" locks -q --log threads.rma.zst -- "$threads" 8 500
"$rma" dump threads.rma.zst | awk '/^[az]/ { slot = n_free ? free[n_free--] : n++; ours[slot] = $2 == 57; made += $2 == 57 }
    /^f/ { free[++n_free] = $2 }
    /^[lsb]/ && ours[$2] { accesses++ }
    END { if (made != 4000 || accesses != 3 * made) print made " blocks, " accesses " accesses to them" }' >why
check_empty 'threads: exactly the accesses between malloc and free' why
find . -name '*.tmp' >why
check_empty 'no temporary file left' why
plan
