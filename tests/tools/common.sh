# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# What the tests of rmtool share. To be sourced by a script that is called as
# SCRIPT RMTOOL TRACES, the program and the folder of the bundled traces.
. "$(dirname "$0")/../style/tap.sh"
rmtool=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") || exit 1
bundled=$(cd "$2" && pwd)/lua-wordfreq.rmt.zst || exit 1
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$scratch" || exit 1

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

# generate FILE EVENTS LOCKS SEED
generate() {
    awk -v events="$2" -v locks="$3" -v seed="$4" -f "$here/generate.awk" >"$1"
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
