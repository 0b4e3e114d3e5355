# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What the tests of `rmtool top` share: a program that runs until it is told. To be sourced,
# behind common.sh, by a script that is called as SCRIPT RMTOOL TRACES WATCHED REFUSED [STATIC].

# begin PROGRAM ARGUMENT...: starts it; it is $pid from when it says that it is ready.
begin() {
    rm -f pipe
    : >said
    mkfifo pipe
    # A sanitizer that looks for leaks at the end would be a debugger, too.
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" "$@" <pipe >said 2>said.err &
    pid=$!
    exec 9>pipe
    tries=0
    until grep -q '^ready' said || [ $tries -gt 200 ] || ! kill -0 $pid 2>/dev/null; do
        sleep 0.05
        tries=$((tries + 1))
    done
}

# finish STATUS NAME: lets it go to its end; it has ended with that status.
finish() {
    echo >&9
    exec 9>&-
    wait $pid
    got=$?
    { [ $got -eq "$1" ] || { echo "exit status $got, not $1"; tail -n 3 said said.err; }; } >why
    check_empty "$2" why
}

# The programs are in no other folder: this one's is left for the scratch folder.
watched=$3
refused=$4
static=${5-}

# What a sanitizer says at a program's end is no matter here.
may_look() {
    begin "$watched" empty
    "$rmtool" top --list $pid >out 2>err
    if grep -q 'not permitted' err; then
        echo >&9
        echo '1..0 # SKIP programs may not be stopped here (ptrace)'
        exit 0
    fi
}
