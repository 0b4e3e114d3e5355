#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Proves the protocol of threads (protocol.pml) with spin, configuration by configuration,
# and that each of its BROKEN variants is caught. One TAP line each, with the number of
# states, or with the assertion that has caught it. Where an error is found that should not
# be there, the way to it is printed.
# Usage: protocol.sh [--may-skip] NAME...    NAME as in the table below, or NAME/VARIANT
# Exit status: 0; 1 where a search went wrong; 2 for no such configuration; 77 without
# spin, which with --may-skip is a skipped test.
. "$(dirname "$0")/../style/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)

# configuration NAME: sets `options` and `variants`. What the names mean is said in the
# model. Generations, places and blocks freed are what keeps a search short.
configuration() {
    search='-DSAFETY' flags=''
    case $1 in
    copy) # a block at a time, to a disjoint place; lockers and frees make that void
        options='-DCOPY -DFREED=1'
        variants='PUBLISH_STORES NO_COPYING SAME_GENERATION VOID_LEAKS' ;;
    retry) # the same, load and compare-and-swap taken apart
        options='-DCOPY -DFREED=1 -DGENERATIONS=2 -DPLACES=3 -DSPLIT'
        variants='FREE_STORES UNLOCK_STORES OLD_POINTER OLD_LOOK' ;;
    run) # two objects at once, both or neither: copied and sealed, or slid
        options='-DRUN -DFREED=1 -DGENERATIONS=2'
        variants='NO_SEAL KEEPS_SEALED SLIDE_COPIES' ;;
    half) # a block left half moved, which whoever wants it finishes
        options='-DHALF -DSHAPE_A=1 -DPLACES=5 -DFREED=1 -DGENERATIONS=2 -DSPLIT'
        variants='HALF_UNLOCKED FINISH_BLINDLY' ;;
    resize) # in place, while others lock; or by a copy
        options='-DCOPY -DRESIZING -DFREED=1 -DGENERATIONS=2'
        variants='SHAPE_STORES RESIZE_STORES' ;;
    many) # more locks than there are states for
        options='-DCOPY -DSHAPE_A=1 -DNESTED=2 -DFREED=1 -DGENERATIONS=2'
        variants='MANY_ENTERS MANY_LEAVES' ;;
    section) # read sections
        options='-DCOPY -DSECTION'
        variants='HOLD_BLIND HOLD_EARLY MOVER_BLIND NO_MEMBARRIER' ;;
    section-half) # read sections that meet a half-moved block
        options='-DHALF -DSHAPE_A=1 -DPLACES=5 -DSECTION'
        variants='HOLD_BLIND' ;;
    cache) # what rests with a thread, and is taken from it
        options='-DCOPY -DCACHE -DFREED=1 -DGENERATIONS=2 -DPLACES=3'
        variants='NO_STOP NO_BUSY NO_MEMBARRIER MOVES_RESTING' ;;
    stall) # the mover stops for ever in a copy, and nobody waits for it
        options='-DCOPY -DSTALL -DFREED=1 -DBOUND=2'
        variants='COPYING_WAITS' ;;
    stall-run)
        options='-DRUN -DSTALL -DFREED=1 -DBOUND=2'
        variants='COPYING_WAITS' ;;
    circles) # nor does anybody try again and again: a search for cycles
        options='-DCOPY -DSTALL -DFREED=1 -DBOUND=2' search='-DNP' flags='-l'
        variants='COPYING_SPINS' ;;
    circles-run)
        options='-DRUN -DSTALL -DFREED=1 -DBOUND=2' search='-DNP' flags='-l'
        variants='COPYING_SPINS' ;;
    large-copy)
        options='-DCOPY -DFREED=2' variants='' ;;
    large-callers)
        options='-DCOPY -DCALLERS=3 -DPLACES=3' variants='' ;;
    large-retry)
        options='-DCOPY -DFREED=1 -DGENERATIONS=2 -DSPLIT' variants='' ;;
    large-run)
        options='-DRUN -DFREED=2 -DGENERATIONS=2' variants='' ;;
    large-resize)
        options='-DCOPY -DRESIZING -DSPLIT' variants='' ;;
    large-many)
        options='-DCOPY -DSHAPE_A=1 -DNESTED=2 -DPLACES=5' variants='' ;;
    large-section)
        options='-DCOPY -DHALF -DSHAPE_A=1 -DPLACES=5 -DSECTION' variants='' ;;
    large-cache)
        options='-DCOPY -DCACHE -DFREED=1 -DGENERATIONS=2' variants='' ;;
    *)
        echo "Bail out! protocol.sh: no configuration '$1'"
        exit 2 ;;
    esac
}

# run LOG OPTIMIZE OPTION...: the search. At most 6 GB.
run() {
    log=$1 optimize=$2
    shift 2
    rm -f ./*.trail
    {
        spin -a "$@" protocol.pml &&
            gcc "$optimize" -w $search -DNOFAIR -DCOLLAPSE -DMEMLIM=6000 -o pan pan.c &&
            ./pan $flags -m12000000
    } >"$log" 2>&1
}

# What it said, but for the lines of the model that it had no use for.
said() {
    sed '/^unreached in/,/^$/d' "$1"
}

# What a search has found first, in one word: NONE; INCOMPLETE where it was none at all.
found() {
    if grep -q 'errors: 0$' "$1" && [ "$(states "$1")" -gt 1000 ] &&
        ! grep -q 'Search not completed\|depth too small\|out of memory' "$1"; then
        echo NONE
    elif grep -q '^pan:1: assertion violated (' "$1"; then
        assertion
    elif grep -q '^pan:1: invalid end state' "$1"; then
        echo WAITS
    elif grep -q '^pan:1: non-progress cycle' "$1"; then
        echo CIRCLES
    else
        echo INCOMPLETE
    fi
}

states() {
    sed -n 's/^ *\([0-9][0-9]*\) states, stored.*/\1/p' "$1" | grep . || echo 0
}

# The name that stands at the assertion which the last trail leads to.
assertion() {
    spin -t $options protocol.pml 2>&1 |
        sed -n 's/^spin: \([^ ]*\.pml\):\([0-9]*\), Error: assertion violated.*/\1 \2/p' |
        while read -r file line; do
            sed -n "${line}s/.*\/\* \([A-Z_]*\).*/\1/p" "$file"
        done | head -n 1 | grep . || echo ASSERTION
}

prove() {
    configuration "$1"
    case $1 in large-*) optimize=-O2 ;; *) optimize=-O1 ;; esac # -O2 takes longer than it saves
    run "$1.log" $optimize $options
    what=$(found "$1.log")
    if [ "$what" = NONE ]; then
        ok "$1: $(states "$1.log") states"
        return
    fi
    {
        echo "$what, with $options"
        said "$1.log"
        if [ -f protocol.pml.trail ]; then
            echo 'the last steps of the way there (spin -t -p -g):'
            spin -t -p -g $options protocol.pml 2>&1 | tail -n 300
        fi
    } >"$1.why"
    not_ok "$1" "$1.why"
    status=1
}

# catch NAME VARIANT: where all is taken apart, so that it has its chance.
catch() {
    configuration "$1"
    options="$options -DSPLIT -DBROKEN=$2"
    run "$1.log" -O0 $options
    what=$(found "$1.log")
    case $what in
    NONE | INCOMPLETE)
        { echo "$what, with $options"; said "$1.log"; } >"$1.why"
        not_ok "$1: $2 is not caught" "$1.why"
        status=1 ;;
    *)
        ok "$1: $2 is caught: $what" ;;
    esac
}

may_skip=no status=0
if [ "${1-}" = --may-skip ]; then
    may_skip=yes
    shift
fi
[ $# -gt 0 ] || { echo 'Bail out! protocol.sh: which configuration?'; exit 2; }
for command in spin gcc; do
    command -v "$command" >/dev/null 2>&1 && continue
    echo "protocol.sh: no $command here: NOTHING IS PROVED" \
        "(on Debian: apt-get install $command)" >&2
    [ "$may_skip" = yes ] || exit 77
    echo "1..0 # SKIP no $command here (on Debian: apt-get install $command)"
    exit 0
done
cp "$here"/protocol*.pml "$scratch" && cd "$scratch" || exit 1

for argument; do
    case $argument in
    */*) catch "${argument%%/*}" "${argument#*/}" ;;
    *)
        prove "$argument"
        for variant in $variants; do catch "$argument" "$variant"; done ;;
    esac
done
plan
exit "$status"
