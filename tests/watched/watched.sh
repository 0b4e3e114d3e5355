#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Programs with one mistake each, watched by AddressSanitizer or by valgrind's memcheck: the
# report names the guilty line, the block, the line where it was allocated and, where somebody
# has had it, where it was unlocked for the last time, or freed. The comments GUILTY, MADE and
# LAST in the program's source say which lines those are.
# Usage: watched.sh asan|memcheck PROGRAM SOURCE [ARGUMENT]
. "$(dirname "$0")/../style/tap.sh"
tool=$1
program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") || exit 1
source=$(cd "$(dirname "$3")" && pwd)/$(basename "$3") || exit 1
argument=${4:-}
file=$(basename "$source")
if [ "$tool" = memcheck ] && ! command -v valgrind >/dev/null 2>&1; then
    skip memcheck 'no valgrind here (on Debian: apt-get install valgrind)'
    plan
    exit 0
fi
RMALLOC_TOOLS=yes
export RMALLOC_TOOLS

# line TAG NAME: where that comment stands; nothing, where there is none.
line() {
    grep -nE "/\* $1( [a-z_]+)* $2( [a-z_]+)* \*/" "$source" | cut -d: -f1
}

# says WHAT TAG NAME PATTERN: the report has the pattern, with LINE for the tag's line.
says() {
    at=$(line "$2" "$3")
    [ -n "$at" ] || return 0
    pattern=$(echo "$4" | sed "s/LINE/$file:$at/g")
    tr '\n' '~' <report | grep -qE "$pattern" || echo "the report has not $1, line $at"
}

watch_asan() {
    "$program" "$1" $argument >out 2>report
    says 'the guilty line' GUILTY "$1" 'ERROR: AddressSanitizer: use-after-poison[^~]*~[^~]*~([^~]*~){0,2} *#[01] [^~]*LINE'
    says 'where the block was allocated' MADE "$1" \
        'rmalloc: 0x[0-9a-f]* is [0-9]* bytes (into|behind|below) a block of [0-9]* bytes, handle 0x[0-9a-f]*, [^~]*~(  (unlocked|freed) here:~(    #[^~]*~)*)?  allocated here:~    #0 [^~]*LINE'
    says 'what was done last' LAST "$1" '(unlocked|freed) here:~    #0 [^~]*LINE'
    says 'that nobody had it' NOBODYS "$1" \
        'rmalloc: 0x[0-9a-f]* is in a heap, in no block that was locked there~'
}

watch_memcheck() {
    valgrind -q --error-exitcode=99 "$program" "$1" $argument >out 2>report
    echo $? >status
    if [ -n "$(line UNDEFINED "$1")" ]; then
        says 'the guilty line' UNDEFINED "$1" 'Conditional jump or move depends on uninitialised value\(s\)~==[0-9]*==    at [^~]*LINE'
        return
    fi
    says 'the guilty line' GUILTY "$1" 'Invalid (read|write) of size [0-9]*~==[0-9]*==    at [^~]*(~==[0-9]*==    by [^~]*)?LINE'
    says 'where the block was allocated' MADE "$1" \
        'Address 0x[0-9a-f]* is [0-9,]* bytes (inside|after|before) a (block that is (not locked|freed) \(handle 0x[0-9a-f]*, allocated at LINE\) of size|block of size .*LINE)'
    says 'what was done last' LAST "$1" 'client-defined~.*LINE'
}

clean() {
    grep -q 'so far so good' out || echo 'it has not come so far'
    [ "$1" -eq 0 ] || echo "exit status $1"
    grep -vE 'WARNING: unhandled .* syscall|You may be able to write|README_MISSING_SYSCALL|nevertheless we consider|it at http' -i report
}

cd "$scratch" || exit 1
for name in $(sed -n 's/^    {"\([a-z_]*\)", \1},$/\1/p' "$source"); do
    case $name-$tool in
    fine*-asan | undefined*-asan)
        "$program" "$name" $argument >out 2>report
        status=$?
        case $name in undefined*) echo 'so far so good' >>out ;; esac
        clean $status >why
        ;;
    fine*-memcheck)
        watch_memcheck "$name" >/dev/null
        clean "$(cat status)" >why
        ;;
    undefined*-memcheck)
        watch_memcheck "$name" >why
        [ "$name" = undefined ] || grep -q 'so far so good' out ||
            echo 'what has been written counts as undefined' >>why
        ;;
    *) "watch_$tool" "$name" >why ;;
    esac
    [ ! -s why ] || sed 's/^/    /' report >>why
    check_empty "$name${argument:+ $argument}" why
done
plan
