#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# sites.sh LIBRARY: the conditional jumps of the library that `instrument` has been at, one a line, with tabs
# between: where it is in the file, where it notes that it has not been taken (from the beginning of the section
# `jumps`; the byte after it: that it has), the function it is in, and the line of source it comes from.
set -eu -o pipefail
library=$1

section() {
    readelf -SW "$library" | sed -n "s/^ *\[ *[0-9]*\] $1  *PROGBITS  *\([0-9a-f]*\) \([0-9a-f]*\) .*/\1 \2/p"
}
# From addresses to places in the file: .text is the only section that jumps are mutated in.
read -r address offset < <(section '\.text')
read -r notes _ < <(section jumps)
jumps=$(mktemp)
trap 'rm -f "$jumps"' EXIT

objdump -d -j .text --no-show-raw-insn "$library" | awk -F '\t' '
    /^[0-9a-f]+ <.*>:$/ { name = $0; sub(/^[^<]*</, "", name); sub(/>:$/, "", name) }
    at != "" && $2 ~ /^movb   \$0x1,/ {
        note = $2; sub(/.*# /, "", note); sub(/ .*/, "", note)
        print at "\t" note "\t" name
    }
    { at = "" }
    $2 ~ /^j[a-z]+ / && $2 !~ /^(jmp|jr?cxz|jecxz)/ { at = $1; gsub(/[ :]/, "", at) }' >"$jumps"

cut -f 1 "$jumps" | addr2line -e "$library" | sed 's/ (discriminator [0-9]*)$//; s/:/\t/' |
    paste "$jumps" - | while IFS=$'\t' read -r at note name file line; do
    line=${line%%[^0-9]*}
    case $file in
    */lib/* | */include/*) ;;
    *) continue ;; # the compiler's own, and ours
    esac
    [ -n "$line" ] && [ "$line" != 0 ] || continue
    printf '%d\t%d\t%s\t%s\t%s\n' $((16#$at - 16#$address + 16#$offset)) $((16#$note - 16#$notes)) "$name" \
        "${file##*/}" "$line"
done
