#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# sites.sh LIBRARY: the conditional jumps of a library of x86-64, one a line: where it is in the file, how
# many bytes it has, the function it is in, and the line of source it comes from, with tabs between.
set -eu -o pipefail
library=$1

# From addresses to places in the file: .text is the only section that jumps are mutated in.
read -r address offset < <(readelf -SW "$library" |
    sed -n 's/^ *\[ *[0-9]*\] \.text  *PROGBITS  *\([0-9a-f]*\) \([0-9a-f]*\) .*/\1 \2/p')
jumps=$(mktemp)
trap 'rm -f "$jumps"' EXIT

objdump -d -j .text "$library" | awk -F '\t' '
    /^[0-9a-f]+ <.*>:$/ { name = $0; sub(/^[^<]*</, "", name); sub(/>:$/, "", name) }
    $3 ~ /^j[a-z]+ / && $3 !~ /^(jmp|jr?cxz|jecxz) / {
        address = $1; gsub(/[ :]/, "", address)
        print address "\t" split($2, bytes, " ") "\t" name
    }' >"$jumps"

cut -f 1 "$jumps" | addr2line -e "$library" | sed 's/ (discriminator [0-9]*)$//; s/:/\t/' |
    paste "$jumps" - | while IFS=$'\t' read -r at bytes name file line; do
    line=${line%%[^0-9]*}
    [ -n "$line" ] || continue # the compiler's own
    printf '%d\t%d\t%s\t%s\t%s\n' $((16#$at - 16#$address + 16#$offset)) "$bytes" "$name" \
        "${file##*/}" "$line"
done
