#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# requests.sh LIBRARY INJECTOR: whatever the objects of the library ask of libc is in requests.txt, nothing else
# is, and the injector stands for all that can be refused. So no request to the system is ever forgotten.
set -u
list=$(dirname "$0")/requests.txt
[ $# -eq 2 ] || { echo "usage: requests.sh LIBRARY.a INJECTOR.a" >&2; exit 2; }
echo 1..3

# What compilers, sanitizers and hardening put in by themselves.
own='^__(asan|tsan|ubsan|gcov|sanitizer|llvm|stack_chk|start_|stop_)|_chk$|^__(aeabi|mulodi)'

# say NUMBER WHAT NAMES: NAMES has nothing in it.
result=0
say() {
    local names
    names=$(echo $3)
    if [ -z "$names" ]; then echo "ok $1 - $2"; return; fi
    echo "not ok $1 - $2"
    echo "# these: $names"
    result=1
}

work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
nm "$1" 2>"$work/error" >"$work/all" || { cat "$work/error" >&2; exit 3; }
awk 'NF == 3 && $2 ~ /[A-TV-Zbcdrtv]/ { print $3 }' "$work/all" | sort -u >"$work/defined"
awk 'NF == 2 && ($1 == "U" || $1 == "w") { print $2 }' "$work/all" | grep -Ev "$own" | sort -u |
    comm -23 - "$work/defined" >"$work/asked"
awk '$1 !~ /^#/ && NF > 1 { print $1 }' "$list" | sort >"$work/listed"
awk '$2 == "refused" { print $1 }' "$list" | sort >"$work/refused"
nm "$2" | awk '$2 == "T" && sub(/^__wrap_/, "", $3) { print $3 }' | sort >"$work/wrapped"

say 1 'what the library asks of libc is known' "$(comm -23 "$work/asked" "$work/listed")"
say 2 'what is known of is asked for, where it could be refused' \
    "$(comm -23 "$work/refused" "$work/asked")"
say 3 'the injector stands for all that can be refused' "$(comm -3 "$work/refused" "$work/wrapped")"
exit $result
