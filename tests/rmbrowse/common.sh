# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# What the tests of the whole program share. To be sourced by a script that is called as SCRIPT RMBROWSE.
. "$(dirname "$0")/../style/tap.sh"
rmbrowse=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") || exit 1
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$scratch" || exit 1
. "$here/../style/expect.sh"
export LSAN_OPTIONS="suppressions=$here/leaks.supp:print_suppressions=0"
case $rmbrowse in
*-malloc) kind=malloc policy=off ;;
*) kind=rmalloc policy=idle ;;
esac

# script LINE...: writes a script, which `browse` runs; without lines it is standard input.
script() {
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; else cat; fi >script
}

# browse NAME STATUS TEXT OPTION...: runs the script, and expects as `expect` does.
browse() {
    browse_name=$1 browse_status=$2 browse_text=$3
    shift 3
    expect "$browse_name" "$browse_status" "$browse_text" "$rmbrowse" "$@" --script script
}

# page NAME TITLE BODY: writes a page.
page() {
    printf '<!DOCTYPE html><meta charset=utf-8><title>%s</title><h1>%s</h1>\n%s\n' "$2" "$2" "$3" >"$1"
}

# equal NAME EXPECTED GOT
equal() {
    : >why
    [ "$2" = "$3" ] || echo "'$3', not '$2'" >why
    check_empty "$1" why
}
