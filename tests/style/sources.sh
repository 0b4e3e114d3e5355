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

# each NAME LIST COMMAND...: the command prints what is wrong with the files that the list names.
each() {
    each_name=$1 each_list=$2
    shift 2
    xargs -d '\n' "$@" <"$each_list" >"$scratch/bad"
    check_empty "$each_name" "$scratch/bad"
}

# shellcheck disable=SC2016
each 'a licence line in every source' "$scratch/sources" awk '
    function ended() { if (file != "" && !licensed) print file ": no SPDX line at its top" }
    FNR == 1 { ended(); file = FILENAME; licensed = 0 }
    FNR <= 3 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
    END { ended() }'

# shellcheck disable=SC2016
each 'no source over 500 lines' "$scratch/sources" awk 'FNR == 501 { print FILENAME ": over 500 lines" }'

each 'no tabs' "$scratch/texts" grep -Hn "$(printf '\t')"

each 'no trailing blanks' "$scratch/texts" grep -Hn '[[:blank:]]$'

while read -r file; do
    [ -s "$file" ] || echo "$file: empty"
    [ -z "$(tail -c 1 "$file")" ] || echo "$file: its last line has no end"
done <"$scratch/texts" >"$scratch/bad"
check_empty 'every text ends with a line' "$scratch/bad"

# Spelt so that this file does not find itself.
notes='TO''DO\|FIX''ME\|XX''X'
each 'no notes to oneself' "$scratch/texts" grep -Hn "$notes"

each 'no code that is switched off' "$scratch/sources" grep -Hn '^ *#if  *0'

each 'no path of one machine' "$scratch/texts" grep -Hn '"/ho''me/\|/wo''rk/'

lines=$(wc -l <README.rst)
[ "$lines" -lt 400 ] || echo "README.rst: $lines lines" >"$scratch/readme"
: >>"$scratch/readme"
check_empty 'README.rst: under 400 lines' "$scratch/readme"
plan
