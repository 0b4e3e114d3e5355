#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Sessions of rmbrowse: a sheet and a table of one or several, a section of a report; and each
# rule of their files broken, with exit status 4, file and line, and no picture.
. "$(dirname "$0")/common.sh"
session() {
    awk "$@" -f "$here/session.awk"
}
session -v compaction=off -v frames=300 >off.csv
session -v compaction=idle -v frames=330 >idle.csv
session -v compaction=steady -v heaps=shared >steady.csv
session -v objects=malloc -v frames=290 >malloc.csv

if ! command -v gnuplot >/dev/null 2>&1; then
    echo '1..0 # SKIP no gnuplot here'
    exit 0
fi

# ------------------------------------------------------------------ what is refused

# refused NAME PLACE TEXT FILE...: exit status 4 from plot and report, and nothing drawn.
refused() {
    refused_name=$1
    refused_text="^rmtool: $2: .*$3"
    shift 3
    expect "$refused_name" 4 "$refused_text" "$rmtool" plot -o left "$@"
    expect "$refused_name (report)" 4 "$refused_text" "$rmtool" report -o left/page.html "$@"
    ls left/* >why 2>/dev/null
    check_empty "$refused_name: nothing left behind" why
}

# change NAME LINE TEXT COLUMN VALUE: bad.csv has that value in its 100th line.
change() {
    awk -F, -v OFS=, -v column="$4" -v value="$5" '
        /^#/ { print; next }
        !at { for (i = 1; i <= NF; i++) if ($i == column) at = i }
        NR == 100 { $at = value }
        { print }' idle.csv >bad.csv
    refused "$1" "bad.csv:$2" "$3" bad.csv
}

sed '1s/1$/2/' idle.csv >bad.csv
refused 'a version that is not known' bad.csv:1 "not '# rmbrowse session 1'" bad.csv
grep '^#' idle.csv >bad.csv
refused 'comments alone' bad.csv 'no row of column names' bad.csv
sed '/^[0-9]/d' idle.csv >bad.csv
refused 'no frames' bad.csv:8 'no frames' bad.csv
head -c 5000 idle.csv >bad.csv
refused 'cut in a row' 'bad.csv:[0-9]*' 'truncated' bad.csv
sed '50s/,[^,]*$//' idle.csv >bad.csv
refused 'a field too few' bad.csv:50 '20 fields where there are 21' bad.csv
sed 's/own_largest/largest/' idle.csv >bad.csv
refused 'a column that is missing' bad.csv:8 "no column 'own_largest'" bad.csv
for key in objects compaction heaps; do
    sed "/^# $key:/d" idle.csv >bad.csv
    refused "no comment $key" bad.csv:7 "no comment '# $key" bad.csv
done
sed 's/^# compaction: .*/# compaction: often/' idle.csv >bad.csv
refused 'a word that is not known' bad.csv:4 "compaction: 'often'" bad.csv
change 'no number' 100 "'many' cannot stand in column 'tabs'" tabs many
change 'an empty field' 100 "'' cannot stand in column 'live'" live ''
change 'a negative number' 100 "'-1' cannot stand" footprint -1
change 'a number beyond all' 100 "'1e300' cannot stand" moved 1e300
change 'more than all of it' 100 "'1.5' cannot stand in column 'fragmentation'" fragmentation 1.5
change 'neither busy nor not' 100 "'2' cannot stand in column 'busy'" busy 2
change 'a frame twice' 100 'does not come after' frame 91
change 'a time that goes back' 100 'before that of the frame before' time_ns 16000000
sed '/^[0-9]/s/,0$/,7/; 100s/,7$/,6/' idle.csv >bad.csv
refused 'a line of the script that goes back' bad.csv:100 'a line of the script before' bad.csv
change 'a piece larger than what is free' 100 'the largest free piece is more' own_largest 999999999
printf '# rmbrowse session 1\n# objects: rm\0alloc\n' >bad.csv
refused 'a NUL' bad.csv:3 'a NUL byte' bad.csv
change 'a good one beside a bad one' 100 'cannot stand' busy -1
refused 'a good one before a bad one' bad.csv:100 'cannot stand' idle.csv bad.csv
cp idle.csv "it's.csv"
expect 'a quote in the name of a file' 3 'must not hold a quote' "$rmtool" plot -o left "it's.csv"

# ------------------------------------------------------------------ sheets and tables

# drawn NAME: the sheet is there, and is named behind the table.
drawn() {
    for format in png svg; do
        [ -s "sheet/session.$format" ] || echo "no session.$format"
        grep -qx "sheet/session.$format" out || echo "session.$format is not named"
    done >why
    check_empty "$1: the sheet" why
}
expect 'four sessions' 0 '' "$rmtool" plot -o sheet off.csv idle.csv steady.csv malloc.csv
drawn 'four sessions'
for name in 'rmalloc, no compaction, a heap a tab ' 'rmalloc, idle, a heap a tab ' \
    'rmalloc, steady, one heap ' 'malloc '; do
    grep -q "^$name" out || echo "not in the table: $name"
    grep -qF "${name% }<" sheet/session.svg || echo "not on the sheet: $name"
done >why
check_empty 'four sessions: their names' why
rm -r sheet
expect 'one session' 0 '' "$rmtool" plot -o sheet malloc.csv
drawn 'one session'
rm -r sheet
mkdir other
cp idle.csv other
expect 'two of one name, in quiet' 0 '' "$rmtool" plot -q --format svg -o sheet idle.csv other/idle.csv
check 'quiet: nothing is said' test ! -s out
check 'one format: no other' test ! -e sheet/session.png
expect 'two of one name' 0 '' "$rmtool" plot --format svg -o sheet idle.csv other/idle.csv
holds 'two of one name are told apart' out 'a heap a tab (other/idle.csv)'
expect 'a session beside a trace' 0 '' "$rmtool" plot -o sheet --limit-events 2000 --samples 20 \
    --format svg idle.csv "$bundled"
check 'a session beside a trace: both' test -s sheet/session.svg -a -s sheet/lua-wordfreq-memory.svg

# A session of 100 frames that can be reckoned by hand: half of the frames take 1 ms, of the
# others one 9 ms and the rest 2 ms; what is live is 1,000,000 bytes, then 2,000,000.
awk -F, -v OFS=, '
    /^#/ { print; next }
    !n { for (i = 1; i <= NF; i++) at[$i] = i; n = 1; print; next }
    n++ <= 100 {
        second = n > 51
        $at["live"] = second ? 2000000 : 1000000
        $at["own_footprint"] = second ? 3000000 : 1500000
        $at["footprint"] = 4194304 + (n == 60) * 1048576
        $at["fragmentation"] = second ? 0.25 : 0.75
        $at["own_free"] = 600000
        $at["own_largest"] = 300000
        $at["work_ns"] = n == 70 ? 9000000 : second ? 2000000 : 1000000
        $at["steps"] = n == 80
        $at["longest_step_ns"] = n == 80 ? 1500000 : 0
        $at["longest_alloc_ns"] = n == 81 ? 70000 : 500
        $at["moved"] = n == 80 ? 2097152 : 0
        print
    }' idle.csv >reckoned.csv
expect 'a table' 0 '' "$rmtool" plot --format svg -o sheet reckoned.csv
sed -n 's/^rmalloc, idle, a heap a tab *//p' out | tr -s ' ' >table
echo '100 5.00 MiB 2.86 MiB 1.50 1.50 50.0 % 13.3 % 1.00 ms 2.00 ms 9.00 ms 1.50 ms 70.00 us 2.00 MiB' >wanted
diff table wanted >why
check_empty 'a table: its figures' why

# ------------------------------------------------------------------ a page

expect 'a page' 0 '' "$rmtool" report -q -o page.html --keep kept idle.csv malloc.csv
for text in 'id="sessions"' 'href="#sessions"' 'A browser’s sessions' 'download="idle.csv"' \
    '>rmalloc, idle, a heap a tab</th>' '>malloc</th>' "array sessions[2]=[&#39;idle.csv&#39;"; do
    holds "the page has $text" page.html "$text"
done
if command -v xmllint >/dev/null 2>&1; then
    xmllint --noout page.html 2>why
    check_empty 'the page is well-formed' why
else
    skip 'the page is well-formed' 'no xmllint here'
fi
grep 'session.svg' kept/commands.txt >command
rm -f kept/session.svg
check 'the command of the sheet draws it' sh -c "cd kept && sh ../command"
check 'and there it is' test -s kept/session.svg
sed 's/^# machine: .*/# machine: <b onload="x">\&amp;/' idle.csv >hostile.csv
expect 'a hostile machine' 0 '' "$rmtool" report -q -o page.html hostile.csv
grep -n '<b onload' page.html >why
check_empty 'a hostile machine is escaped' why
plan
