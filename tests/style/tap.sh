# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# TAP for shell scripts. To be sourced.

n_tests=0
scratch=$(mktemp -d) || { echo 'Bail out! no temporary directory'; exit 1; }
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# ok NAME, not_ok NAME [FILE]: FILE says why; skip NAME REASON.
ok() {
    n_tests=$((n_tests + 1))
    echo "ok $n_tests - $1"
}

not_ok() {
    n_tests=$((n_tests + 1))
    echo "not ok $n_tests - $1"
    if [ $# -gt 1 ]; then sed 's/^/# /' "$2"; fi
}

skip() {
    n_tests=$((n_tests + 1))
    echo "ok $n_tests - $1 # SKIP $2"
}

# check NAME COMMAND...: ok where the command succeeds; else with all it printed.
check() {
    check_name=$1
    shift
    if "$@" >"$scratch/check.log" 2>&1; then
        ok "$check_name"
    else
        { echo "$*"; cat "$scratch/check.log"; } >"$scratch/check.why"
        not_ok "$check_name" "$scratch/check.why"
    fi
}

# check_empty NAME FILE: ok where the file is empty; it holds what is wrong.
check_empty() {
    if [ -s "$2" ]; then not_ok "$1" "$2"; else ok "$1"; fi
}

plan() {
    echo "1..$n_tests"
}
