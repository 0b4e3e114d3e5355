#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool report: one page that holds all it shows, is well-formed, and works in a browser;
# nothing of it where an input is not whole.
. "$(dirname "$0")/common.sh"

expect 'help' 0 '' "$rmtool" report --help
expect 'no input: usage' 2 'of which files' "$rmtool" report
expect 'an unknown policy: usage' 2 'policy' "$rmtool" report --compact never x.csv
expect '--reuse alone: usage' 2 '--keep' "$rmtool" report --reuse x.csv
expect 'standard input: usage' 2 'save it first' "$rmtool" report -
expect 'no such file' 3 'none.csv' "$rmtool" report none.csv
expect 'a folder' 3 'directory' "$rmtool" report .

# What is compared, and what is replayed.
"$rmtool" compare -q -n 2 -m time,footprint --samples 20 --limit-events 4000 \
    -a rmalloc,glibc --csv some.csv --series along.csv --times runs.csv "$bundled" 2>err ||
    { echo "Bail out! compare failed: $(head -n 1 err)"; exit 1; }
"$rmtool" compare --json -n 2 -m time,footprint --samples 20 --limit-events 4000 \
    -a rmalloc,glibc "$bundled" >both.json 2>err
awk 'BEGIN {
    print "# command: rmtool micro\ngroup,what,x,x_unit,value,unit,goal,verdict,note"
    print "steps,64 KiB steps of one; half within,,,2,us,<= 12,met,"
    print "steps,64 KiB steps of one; 99 % within,,,20,us,<= 25,met,"
    print "steps,64 KiB steps of one; longest,,,90,us,<= 100,met,"
    for (x = 1; x > 0.001; x /= 2) {
        printf "steps,curve of one,%f,share longer,%f,us,,,\n", x, 1 / x
        printf "steps,histogram of one,%f,us,%f,%%,,,\n", 1 / x, 50 * x
    }
}' >micro.csv
locked=$(dirname "$bundled")/lock-lua.rmt.zst

# ------------------------------------------------------------------ hostile files

# refused NAME TEXT FILE...: exit status 4, that text, and no page.
refused() {
    refused_name=$1
    refused_text=$2
    shift 2
    rm -f page.html
    expect "$refused_name" 4 "$refused_text" "$rmtool" report -q -o page.html "$@"
    find . -name 'page.html*' >why
    check_empty "$refused_name: no page" why
}
: >bad.csv
refused 'an empty file' 'bad.csv: empty' bad.csv
head -n 3 some.csv | head -c -5 >bad.csv
refused 'a CSV file cut in its comments' 'truncated' bad.csv
head -c $(($(wc -c <some.csv) - 20)) some.csv >bad.csv
refused 'a CSV file cut in a row' 'bad.csv:[0-9]*: truncated' bad.csv
sed '$s/,[^,]*$//' some.csv >bad.csv
refused 'a row with a field too few' 'bad.csv:[0-9]*: .* fields where there are' bad.csv
printf 'a,b\n1,2\n' >bad.csv
refused 'the CSV file of another tool' 'no CSV file of' bad.csv
printf 'trace,allocator\0,net_ns\n' >bad.csv
refused 'a NUL' 'NUL' bad.csv
grep '^#' some.csv >bad.csv
refused 'comments alone' 'no row of column names' bad.csv
grep -v '^lua' some.csv >bad.csv
refused 'no rows' 'no rows' bad.csv
sed '$s/,rmalloc,[^,]*/,rmalloc,1e999/;$s/,glibc,[^,]*/,glibc,1e999/' some.csv >bad.csv
refused 'a number beyond all' 'not a number that can be' bad.csv
sed '$s/,[^,]*,\([^,]*\)$/,0x10,\1/' along.csv >bad.csv
refused 'no decimal number' 'not a number that can be' bad.csv
head -c 200 both.json >bad.json
refused 'JSON cut off' 'bad.json:[0-9]*:' bad.json
echo '{"allocators": [], "traces": {}}' >bad.json
refused 'JSON of another tool' 'not what' bad.json
echo '{"allocators": [{"name": 7}], "traces": []}' >bad.json
refused 'JSON that makes no sense' 'makes no sense' bad.json
head -c 700 "$bundled" >bad.rmt.zst
refused 'a trace cut off' 'truncated' bad.rmt.zst
printf '# rmt 1\nf 0\n' >bad.rmt
refused 'a trace that breaks a rule' 'bad.rmt:2:' bad.rmt
expect 'two comparisons: usage' 2 'one comparison' "$rmtool" report some.csv both.json
cp some.csv some.json
expect 'two files of one name: usage' 2 'are called' "$rmtool" report some.csv some.json

if ! command -v gnuplot >/dev/null 2>&1; then
    skip 'pages' 'no gnuplot here'
    plan
    exit 0
fi

# ------------------------------------------------------------------ pages

# whole NAME FILE: it is well-formed, and loads nothing from anywhere.
whole() {
    if command -v xmllint >/dev/null 2>&1; then
        xmllint --noout "$2" 2>why
        check_empty "$1: well-formed" why
    else
        skip "$1: well-formed" 'no xmllint here'
    fi
    grep -noE '(src|href|action|poster|data|srcset)="[^"]{0,60}' "$2" |
        grep -vE '"(#|data:|image/)' | head -n 5 >why
    grep -noE '@import|url\([^#)][^)]{0,40}' "$2" | head -n 5 >>why
    check_empty "$1: loads nothing" why
}

mkdir temporary
expect 'a page of all' 0 '' env TMPDIR="$PWD/temporary" "$rmtool" report -q -o page.html \
    --limit-events 60000 --samples 60 some.csv along.csv runs.csv micro.csv "$locked" "$bundled"
whole 'a page of all' page.html
ls temporary >why
check_empty 'nothing left in the folder for temporary files' why
for text in 'id="comparison"' 'id="latency"' 'id="trace-lua-wordfreq"' 'id="trace-lock-lua"' \
    'id="map-lock-lua"' 'Who blocks what' '2 timed runs each' 'download="along.csv"' \
    '×'; do
    holds "the page has $text" page.html "$text"
done
expect 'a page of JSON' 0 '' "$rmtool" report -q -o json.html both.json
whole 'a page of JSON' json.html
expect 'a page that is kept' 0 '' "$rmtool" report -q -o kept.html --keep kept \
    --limit-events 20000 --samples 40 along.csv "$locked"
for file in along.csv lock-lua-plain.csv lock-lua-compacted-blockers.csv \
    lock-lua-heapmap.svg lock-lua-heapmap.png along-lua-wordfreq.svg commands.txt; do
    [ -s "kept/$file" ] || echo "$file"
done >why
check_empty 'what is kept' why
grep 'along-lua-wordfreq.svg' kept/commands.txt >command
rm -f kept/along-lua-wordfreq.svg
check 'the command of a picture draws it' sh -c "cd kept && sh ../command"
check 'and there it is' test -s kept/along-lua-wordfreq.svg
expect 'a page of what was kept' 0 '' "$rmtool" report -q -o kept.html --keep kept --reuse \
    along.csv "$locked"

# Names are text, whatever is in them.
sed 's/^lua-wordfreq,/<script>alert(1)<\/script>,/;s/,glibc,/,"><img src=x>\&amp;,/' some.csv |
    sed 's/^# machine: .*/# machine: <b onload="x">\&lt;\x01\xff/' >hostile.csv
expect 'hostile names' 0 '' "$rmtool" report -q -o hostile.html --title '</title><i>' hostile.csv
whole 'hostile names' hostile.html
grep -n '<script>alert\|<img\|<b onload\|<i>' hostile.html >why
check_empty 'hostile names are escaped' why
echo old >stays.html
expect 'a page that cannot be made' 3 'none.csv' "$rmtool" report -q -o stays.html some.csv none.csv
holds 'a page that was there stays' stays.html old

# ------------------------------------------------------------------ a browser

browser=
for name in chromium chromium-browser google-chrome; do
    if command -v $name >/dev/null 2>&1; then browser=$name; fi
done
if [ -z "$browser" ]; then
    skip 'in a browser' 'no Chromium here'
    plan
    exit 0
fi

# browse FILE ARGUMENT...: what Chromium writes goes to out and err.
browse() {
    page=$1
    shift
    rm -rf profile
    timeout 100 $browser --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --disable-dev-shm-usage --user-data-dir="$PWD/profile" --window-size=1200,900 \
        --virtual-time-budget=20000 --enable-logging=stderr --v=0 "$@" "file://$PWD/$page" \
        >out 2>err
}
sed '/<\/body>/,$d' page.html >driven.html
cat "$here/report-driver.html" >>driven.html
echo '</body></html>' >>driven.html
# The map is made when a frame has shown its place; a busy machine may have none in time.
for try in 1 2 3; do
    browse driven.html --dump-dom
    ran=$?
    if [ $try = 3 ] || ! grep -q 'the map is made: never' out; then break; fi
done
if [ $ran -ne 0 ] || ! grep -q '</html>' out; then
    skip 'in a browser' "Chromium does not run here: $(tail -n 1 err)"
    plan
    exit 0
fi
grep 'CONSOLE' err >why
check_empty 'no message on the console' why
sed -n 's/.*data-results="\([^"]*\)".*/\1/p' out | tr '|' '\n' >results
if ! grep -q '^end$' results; then echo 'the page was not used to its end' >>results; fi
grep -v '^ok \|^end$' results >why
check_empty 'the map moves, zooms and plays; tables sort' why
: >why
[ "$(grep -c '^ok ' results)" -ge 13 ] || cp results why
check_empty 'all of that was tried' why
browse page.html --screenshot="$PWD/page.png"
: >why
[ "$(wc -c <page.png 2>/dev/null || echo 0)" -gt 20000 ] || echo 'the screenshot is empty' >why
check_empty 'a screenshot has something on it' why
plan
