#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The storeys of lib/STOREYS hold: a file of lib/ includes its own header first, then
# libc, then rooms of lower storeys; rooms of one storey do not know each other. A tool
# includes its own folder, what tools share, and of the library its public headers alone;
# rmtool and rmbrowse have storeys of their own, tools/*/STOREYS.
# Usage: storeys.sh SOURCE_ROOT
. "$(dirname "$0")/tap.sh"
cd "$1" || exit 1

cat >"$scratch/storeys.awk" <<'AWK'
FILENAME == "lib/STOREYS" {
    if ($0 !~ /^#/ && NF > 1)
        for (i = 2; i <= NF; i++) storey[$i] = $1
    next
}
FNR == 1 {
    n = split(FILENAME, part, "/")
    room = part[n]
    ending = room
    sub(/\.[ch]$/, "", room)
    sub(/.*\./, "", ending)
    stage = 0 # 0 nothing, 1 own header, 2 libc, 3 ours
    if (!(room in storey)) print FILENAME ": not in lib/STOREYS"
}
/^[ \t]*#[ \t]*include/ {
    place = FILENAME ":" FNR ": "
    name = $0
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*/, "", name)
    ours = $0 ~ /"/
    if (ours && name == room ".h") {
        if (stage > 0) print place "its own header comes first"
        stage = 1
    } else if (!ours && name !~ /^rmalloc(_inline|_view)?\.h$/) {
        if (stage > 2) print place "libc comes before our own: " name
        if (stage == 0 && ending == "c" && (room ".h") in exists)
            print place "its own header comes first, not " name
        stage = 2
    } else {
        if (stage == 0 && ending == "c" && (room ".h") in exists)
            print place "its own header comes first, not " name
        stage = 3
        if (name ~ /^rmalloc(_inline|_view)?\.h$/) next # public: known to all
        other = name
        sub(/\.h$/, "", other)
        if (name !~ /\.h$/) print place "not a header: " name
        else if (!(other in storey)) print place "not in lib/STOREYS: " other
        else if (!(room in storey)) next
        else if (storey[other] + 0 == storey[room] + 0)
            print place room " and " other " are of one storey, " storey[room]
        else if (storey[other] + 0 > storey[room] + 0)
            print place room " (" storey[room] ") looks up to " other " (" storey[other] ")"
    }
}
AWK

if [ -f lib/STOREYS ]; then
    {
        echo 'BEGIN {'
        for header in lib/*.h; do echo "exists[\"${header#lib/}\"]"; done
        echo '}'
    } >"$scratch/exists.awk"
    awk -f "$scratch/exists.awk" -f "$scratch/storeys.awk" lib/STOREYS lib/*.[ch] \
        >"$scratch/storeys" 2>&1
    check_empty 'lib: every file looks down only' "$scratch/storeys"

    # Each room named is there.
    grep -v '^#' lib/STOREYS | tr ' ' '\n' | grep '^[a-z]' | while read -r room; do
        [ -f "lib/$room.c" ] || [ -f "lib/$room.h" ] || echo "lib/STOREYS: no such room: $room"
    done >"$scratch/rooms"
    check_empty 'lib/STOREYS: every room is there' "$scratch/rooms"
else
    echo 'lib/STOREYS is missing' >"$scratch/missing"
    not_ok 'lib/STOREYS' "$scratch/missing"
fi

# A file of tools/ knows the public headers and libraries only; and what lies in its folder or in tools/common, what
# tools share. In a program that has STOREYS a folder is a room, and they say which others it may look into; what
# lies beside them, main and the like, is above all.
storey() { awk -v room="$2" '!/^#/ { for (i = 2; i <= NF; i++) if ($i == room) print $1 }' "tools/$1/STOREYS"; }

# reaches PROGRAM ROOM NAME: may a file of that room include NAME, "OTHER/HEADER"?
reaches() {
    other=${3%/*}
    [ ! -f "tools/common/$3" ] || return 0
    [ -f "tools/$1/STOREYS" ] && [ -f "tools/$1/$3" ] || return 1
    [ "$other" != "$2" ] || return 0
    [ "$2" != "$1" ] || return 0
    [ "$(storey "$1" "$other")" -lt "$(storey "$1" "$2")" ]
}

find tools -name '*.[ch]' | sort | while read -r file; do
    folder=${file%/*}
    room=${folder##*/}
    program=${file#tools/}
    program=${program%%/*}
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" | while read -r name; do
        case $name in
        rmalloc.h | rmalloc_inline.h | rmalloc_view.h | verbs.h) ;;
        */*) reaches "$program" "$room" "$name" || echo "$file: includes $name" ;;
        *) [ -f "$folder/$name" ] || [ -f "tools/common/$name" ] || echo "$file: includes $name" ;;
        esac
    done
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*<\([^>]*\)>.*/\1/p' "$file" | while read -r name; do
        [ -f "lib/$name" ] && echo "$file: includes <$name>"
    done
done >"$scratch/tools" 2>&1
check_empty 'tools: public headers alone, and lower storeys' "$scratch/tools"

for storeys in tools/*/STOREYS; do
    program=$(basename "${storeys%/STOREYS}")
    for folder in "tools/$program"/*/; do
        room=$(basename "$folder")
        [ -n "$(storey "$program" "$room")" ] || echo "$storeys: $room is missing"
    done
done >"$scratch/folders"
check_empty 'tools: every room is in its STOREYS' "$scratch/folders"
plan
