# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What programs answer, for tests that are in a folder of their own, with tap.sh. To be sourced.

# expect NAME STATUS TEXT COMMAND...: the command's exit status is that, and TEXT, a basic
# regular expression, matches what it writes to standard error, which is empty where TEXT is.
expect() {
    expect_name=$1
    expect_status=$2
    expect_text=$3
    shift 3
    "$@" >out 2>err
    got=$?
    {
        [ "$got" -eq "$expect_status" ] || echo "exit status $got, not $expect_status"
        if [ -z "$expect_text" ]; then
            [ ! -s err ] || echo 'something on standard error:'
        else
            grep -q -- "$expect_text" err || echo "not on standard error: $expect_text"
        fi
    } >why
    if [ -s why ]; then
        { echo "$*"; head -n 8 err; } >>why
    fi
    check_empty "$expect_name" why
}

# holds NAME FILE TEXT: a line of the file is, or contains, TEXT.
holds() {
    : >why
    grep -qF -- "$3" "$2" || { echo "not in $2: $3"; head -n 5 "$2"; } >why
    check_empty "$1" why
}

# number KEY FILE: the first value of a key in a JSON report.
number() {
    sed -n "s/^ *\"$1\": \\([0-9.]*\\),*\$/\\1/p" "$2" | head -n 1
}
