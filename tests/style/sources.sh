#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What every file of the tree keeps to: a licence line, a length, no tabs, no trailing
# blanks, no notes to oneself, no paths of one's own machine.
# Usage: sources.sh SOURCE_ROOT
. "$(dirname "$0")/tap.sh"
cd "$1" || exit 1

find lib include tools tests plots -type f \
    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.bash' -o -name '*.gp' -o -name '*.awk' \
    -o -name '*.pml' -o -name '*.js' -o -name '*.css' -o -name '*.html' \
    -o -name '*.py' -o -name meson.build \) >"$scratch/sources"
for file in meson.build meson_options.txt tools/demo tools/check .ci/run; do
    if [ -f "$file" ]; then echo "$file"; fi
done >>"$scratch/sources"
sort -o "$scratch/sources" "$scratch/sources"
{
    cat "$scratch/sources"
    find lib include tools tests plots -type f -name '*.rst'
    ls ./*.rst LICENSE lib/STOREYS 2>/dev/null
} >"$scratch/texts"

# each NAME LIST: the function `bad FILE` prints what is wrong with a file.
each() {
    while read -r file; do bad "$file"; done <"$2" >"$scratch/bad"
    check_empty "$1" "$scratch/bad"
}

bad() {
    head -n 3 "$1" | grep -q 'SPDX-License-Identifier: MIT' || echo "$1: no SPDX line at its top"
}
each 'a licence line in every source' "$scratch/sources"

bad() {
    lines=$(wc -l <"$1")
    [ "$lines" -le 500 ] || echo "$1: $lines lines"
}
each 'no source over 500 lines' "$scratch/sources"

tab=$(printf '\t')
bad() { grep -n "$tab" "$1" | sed "s|^|$1:|"; }
each 'no tabs' "$scratch/texts"

bad() { grep -n '[[:blank:]]$' "$1" | sed "s|^|$1:|"; }
each 'no trailing blanks' "$scratch/texts"

bad() {
    [ -s "$1" ] || echo "$1: empty"
    [ -z "$(tail -c 1 "$1")" ] || echo "$1: its last line has no end"
}
each 'every text ends with a line' "$scratch/texts"

# Spelt so that this file does not find itself.
notes='TO''DO\|FIX''ME\|XX''X'
bad() { grep -n "$notes" "$1" | sed "s|^|$1:|"; }
each 'no notes to oneself' "$scratch/texts"

bad() { grep -n '^ *#if  *0' "$1" | sed "s|^|$1:|"; }
each 'no code that is switched off' "$scratch/sources"

bad() { grep -n '"/ho''me/\|/wo''rk/' "$1" | sed "s|^|$1:|"; }
each 'no path of one machine' "$scratch/texts"

lines=$(wc -l <README.rst)
[ "$lines" -lt 400 ] || echo "README.rst: $lines lines" >"$scratch/readme"
: >>"$scratch/readme"
check_empty 'README.rst: under 400 lines' "$scratch/readme"
plan
