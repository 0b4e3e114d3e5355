#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What compactions of a replay met of locks: a made-up trace of which the answer is known.
. "$(dirname "$0")/common.sh"

# Blocks 1 to 4; 1 is freed, 2 locked: what block 1 left is held back by block 2 at the first
# compaction. Then it is unlocked, and at the second nobody holds anything back.
{
    echo '# rmt 1'
    for size in 100000 200 50000 300; do echo "a $size"; done
    printf 'l 2\nf 3\nf 1\n'   # operation 6: block 4 goes where 1 was; the rest stays
    printf 'a 10\nu 3\nf 0\n'  # operation 8
} >known.rmt
expect 'a known trace' 0 '' "$rmtool" replay --quiet --compact manual --step 6:0 \
    --blockers blockers.csv --steps steps.csv known.rmt
awk -F, '/^#/ || /^block,/ { next } { n++ }
    $1 != 2 || $2 != 200 || $3 != 1 || $4 < 99600 || $4 > 99999 || $5 != $4 || $6 != 4 { print }
    END { if (n != 1) print n + 0 " rows" }' blockers.csv >why
check_empty 'block 2 held back what block 1 left' why
holds 'how many compactions' blockers.csv '# compactions: 1 complete, 1 looked at, 1 with'
awk -F, '/^#/ || /^event/ { next }
    $1 != 7 || $6 != 2 || $7 != 500 || $8 != 1 || $9 != 200 || $10 < 99600 { print }' steps.csv >why
check_empty 'the step has the locks that it met' why

expect 'after the unlock' 0 '' "$rmtool" replay --json --compact manual --step 8:0 known.rmt
[ "$(number complete out)" = 1 ] && [ "$(number held_up out)" = 0 ] || cp out why
check_empty 'after the unlock nothing is held back' why

# More compactions than are looked at: each look counts for those that it stands for.
awk 'BEGIN {
    print "# rmt 1\na 4096\na 64\nl 0\nf 1"
    for (i = 0; i < 3000; i++) print "a 65536\nf 0"
    print "u 3000"
}' >many.rmt
expect 'many compactions' 0 '' "$rmtool" replay --json --compact manual --step 1:0 many.rmt
: >why
[ "$(number complete out)" = 6003 ] || echo "complete: $(number complete out)" >>why
looks=$(number looked_at out)
[ "$looks" -gt 2000 ] && [ "$looks" -lt 4000 ] || echo "looked at $looks" >>why
held=$(number compactions out)
[ "$held" -gt 5990 ] && [ "$held" -le 6003 ] || echo "held back at $held" >>why
check_empty 'many compactions: all are counted' why
expect 'a folder that is not there' 3 'gone/x.csv.tmp: No such file' \
    "$rmtool" replay --blockers gone/x.csv known.rmt
plan
