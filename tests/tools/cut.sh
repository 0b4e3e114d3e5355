#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool cut: every part is a trace, of the same events, from the same state of the heap.
. "$(dirname "$0")/common.sh"
if ! command -v zstd >/dev/null 2>&1; then
    skip 'cut' 'no zstd here'
    plan
    exit 0
fi
generate all.rmt 6000 1 3
# Times, every hundred events a millisecond, and threads that take turns.
awk '/^#/ { print; next } { n++ } n % 100 == 1 { printf "# time: %d.%03d\n", n / 100000, (n / 100) % 1000 }
    n % 37 == 1 { t = t % 3 + 1; print "t " t } { print }' all.rmt >timed.rmt

# What of an event does not depend on what else is in the file; and the state at the end.
cat >gist.awk <<'AWK'
/^#/ { next } /^t/ { thread = $2; next }
{ n++ }
/^[azm]/ { blocks++; size[blocks] = $2; what = $1 " " $2 " " $3 }
/^[rflu]/ { b = blocks - $2; what = $1 " " size[b] " " $3 }
/^r/ { size[b] = $3 } /^f/ { delete size[b]; delete locked[b] } /^l/ { locked[b] = 1 } /^u/ { delete locked[b] }
n > from && n <= to { print what }
END { for (b in size) { live++; bytes += size[b] } for (b in locked) held++
    print "end", live + 0, bytes + 0, held + 0 }
AWK

# part NAME FROM TO OPTION...: those events, behind what is inherited.
part() {
    part_name=$1 from=$2 to=$3
    shift 3
    expect "$part_name" 0 '' "$rmtool" cut "$@" -o part.rmt.zst timed.rmt
    expect "$part_name: a trace" 0 '' "$rmtool" check --strict part.rmt.zst
    zstd -qdc part.rmt.zst >part.rmt
    events=$(sed -n 's/^# events: //p' part.rmt)
    # what is inherited comes first: all but as many events as were asked for
    skip=$((events - (to - from)))
    awk -v from="$from" -v to="$to" -f gist.awk timed.rmt | grep -v '^end' >want
    awk -v from="$skip" -v to="$events" -f gist.awk part.rmt | grep -v '^end' >got
    check "$part_name: the same events" cmp want got
    head -n "$(awk -v to="$to" '/^[^#t]/ { n++ } n == to { print NR; exit }' timed.rmt)" timed.rmt |
        awk -v from=0 -v to=0 -f gist.awk >want
    awk -v from=0 -v to=0 -f gist.awk part.rmt >got
    check "$part_name: the same blocks live and locked at the end" cmp want got
}
part 'the first events' 0 1000 --first 1000
holds 'the first events: kind' part.rmt '# kind: '
: >why
! grep -q '^# inherited' part.rmt || echo 'nothing is inherited' >why
check_empty 'the first events: nothing inherited' why
part 'a range' 1234 4321 --events 1234..4321
holds 'a range: its note' part.rmt '# note: cut: events 1234..4321'
part 'up to an event' 0 50 --events ..50
part 'from an event on' 5900 6000 --events 5900..
part 'one event' 3000 3001 --events 3000..3001
part 'more than there is' 0 6000 -n 1000000
part 'a time window' 1000 2000 --time 0.01..0.02
part 'from a time on' 5000 6000 --time 0.05..
part 'up to a time' 0 300 --time ..0.003
holds 'up to a time: times are kept' part.rmt '# time: 0.002000000'

expect 'a part of a part' 0 '' "$rmtool" cut -q --events 500..1500 -o one.rmt.zst timed.rmt
expect 'a part of a part: again' 0 '' "$rmtool" cut -q -n 300 -o two.rmt.zst one.rmt.zst
expect 'a part of a part: a trace' 0 '' "$rmtool" check --strict two.rmt.zst
expect 'it replays' 0 '' "$rmtool" replay -q --check one.rmt.zst
expect 'as JSON' 0 '' "$rmtool" cut --json --events 500..1500 -o one.rmt.zst timed.rmt
: >why
[ "$(number first_event out) $(number end_event out)" = '500 1500' ] || cat out >why
check_empty 'as JSON: the range' why
"$rmtool" cut -q -n 9 -o - - <timed.rmt >piped.rmt.zst
expect 'from and to standard streams' 0 '' "$rmtool" check --strict piped.rmt.zst

rm -f left*
expect 'no times' 4 'has no times' "$rmtool" cut --time 1..2 -o left.rmt.zst all.rmt
expect 'behind the end' 1 'none of its events' \
    "$rmtool" cut --events 6000.. -o left.rmt.zst all.rmt
expect 'an empty range' 1 'none of its' "$rmtool" cut --events 5..5 -o left.rmt.zst all.rmt
printf '# rmt 1\na 1\nf 1\n' >bad.rmt
expect 'a fault' 4 '^rmtool: bad.rmt:3: ' "$rmtool" cut -n 5 -o left.rmt.zst bad.rmt
expect 'a folder that is not there' 3 'gone/x' "$rmtool" cut -n 5 -o gone/x all.rmt
if [ -w /dev/full ]; then
    # shellcheck disable=SC2016 # the inner shell expands them
    expect 'a full disk' 3 'No space' sh -c '"$0" cut -n 6000 -o - all.rmt >/dev/full' "$rmtool"
fi
find . -name 'left*' -o -name '*.tmp' -o -name '*.body' >why
check_empty 'nothing left behind' why
for range in 5 .. a..b 5..4 1...2 '' 1..2..3 -1..2; do
    expect "--events '$range'" 2 '--events' "$rmtool" cut --events "$range" -o x all.rmt
done
for range in 5 .. 2..1.5 1.0000000001..2 .5..1 1e3..; do
    expect "--time '$range'" 2 '--time' "$rmtool" cut --time "$range" -o x timed.rmt
done
expect 'two parts' 2 'one part' "$rmtool" cut -n 5 --events 1..2 -o x all.rmt
expect 'no part' 2 'which part' "$rmtool" cut -o x all.rmt
expect 'no output' 2 'where to' "$rmtool" cut -n 5 all.rmt
expect 'no trace' 2 'which trace' "$rmtool" cut -n 5 -o x
plan
