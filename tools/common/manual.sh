#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The man page of a program, or of one of its verbs, from what --help says.
# Usage: manual.sh HELP2MAN PROGRAM VERB OUTPUT [SUMMARY [PAGE...]]; VERB is '-' for the whole, of which the summary is
# given. Other pages to see are its verbs', and those named.
help2man=$1
program=$2
verb=$3
output=$4
main=$(basename "$program")
shift 4
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

version=$("$program" --version) || exit 1
if [ "$verb" = - ]; then
    name=$main
    summary=$1
    shift
    arguments=
else
    name=$main-$verb
    summary=$("$program" --help | sed -n "s/^  $verb  *//p")
    arguments=$verb
fi
[ -n "$summary" ] || { echo "manual.sh: $main --help has no verb $verb" >&2; exit 1; }

# A program of that name, for help2man to ask.
{
    echo '#!/bin/sh'
    # shellcheck disable=SC2016
    printf 'if [ "$1" = --version ]; then exec "%s" --version; fi\n' "$program"
    printf 'exec "%s" %s "$@"\n' "$program" "$arguments"
} >"$scratch/$name"
chmod +x "$scratch/$name"

# The name, and the other pages.
{
    printf '[NAME]\n%s \\- %s\n\n[SEE ALSO]\n' "$name" "$summary"
    {
        [ "$verb" = - ] || echo "$main"
        [ $# -eq 0 ] || printf '%s\n' "$@"
        "$program" --help | sed -n "/^Usage:.* VERB/,\$ s/^  \([a-z][a-z]*\)  .*/$main-\1/p"
    } | awk -v name="$name" '
        $0 != name { printf "%s.BR %s (1)", (n++ ? ",\n" : ""), $0 } END { print "" }'
} >"$scratch/more"

LC_ALL=C "$help2man" --no-info --section 1 --source "${version#* }" --manual rmalloc \
    --include "$scratch/more" "$scratch/$name" >"$scratch/page" || exit 1

# The title is the page's; its date can be read by all programs; examples are a section.
title=$(echo "$name" | tr 'a-z-' 'A-Z-')
date=$(date -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"} +%Y-%m-%d)
awk -v title="$title" -v date="$date" -v version="$version" '
    $1 == ".TH" { printf ".TH %s 1 %s \"%s\" rmalloc\n", title, date, version; next }
    held != "" && !/^Example: / { if (open) print ".fi"; open = 0; print held }
    { held = "" }
    $0 == ".PP" { held = $0; next }
    open && /^\./ { print ".fi"; open = 0 }
    sub(/^Example: +/, "") { if (!open) print ".SH EXAMPLE\n.nf"; open = 1 }
    open { sub(/^ +/, "") }
    { print }
    END { if (open) print ".fi" }' "$scratch/page" >"$output"
