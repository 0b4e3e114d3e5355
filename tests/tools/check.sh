#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rmtool check: traces that are well-formed, headers that say what is not there, and where
# the first fault of a file is. The faults themselves are in malformed.sh.
. "$(dirname "$0")/common.sh"

for trace in "$(dirname "$bundled")"/*.rmt.zst; do
    expect "$(basename "$trace"): fine" 0 '' "$rmtool" check --strict "$trace"
done
holds 'what is in it' out 'fine; '
expect 'standard input' 0 '' "$rmtool" check - <"$bundled"
expect 'made up on the spot' 0 '' "$rmtool" check --strict synth:churn,scale=0.01
expect 'quiet' 0 '' "$rmtool" check -q "$bundled"
: >empty
check 'quiet: nothing is said' cmp out empty

# doubt NAME LINE TEXT TRACE: a warning, which --strict counts.
doubt() {
    # shellcheck disable=SC2059
    printf "# rmt 1\n$4" >doubt.rmt
    expect "$1: a warning" 0 "^rmtool: doubt.rmt:$2: warning: .*$3" "$rmtool" check doubt.rmt
    expect "$1: with --strict" 1 "^rmtool: doubt.rmt:$2: warning: " \
        "$rmtool" check --strict doubt.rmt
}
doubt 'events' 2 'events: 3, the events add up to 1' '# events: 3\na 1\n'
doubt 'threads' 2 'threads: 2, the events add up to 1' '# threads: 2\na 1\n'
doubt 'allocs' 3 'allocs: 2,' '# note: x\n# allocs: 2\na 1\n'
doubt 'reallocs' 2 'reallocs: 1,' '# reallocs: 1\na 1\n'
doubt 'frees' 2 'frees: 1,' '# frees: 1\na 1\n'
doubt 'locks' 2 'locks: 0,' '# locks: 0\na 1\nl 0\n'
doubt 'unlocks' 2 'unlocks: 1,' '# unlocks: 1\na 1\nl 0\n'
doubt 'locked blocks' 2 'max-locked-blocks: 2,' '# max-locked-blocks: 2\na 1\nl 0\nu 0\n'
doubt 'locked bytes' 2 'max-locked-bytes: 2,' '# max-locked-bytes: 2\na 1\nl 0\nu 0\n'
doubt 'peak bytes' 2 'peak-live-bytes: 2,' '# peak-live-bytes: 2\na 3\n'
doubt 'peak blocks' 2 'peak-live-blocks: 2,' '# peak-live-blocks: 2\na 3\n'
doubt 'bytes at the end' 2 'end-live-bytes: 2,' '# end-live-bytes: 2\na 3\n'
doubt 'blocks at the end' 2 'end-live-blocks: 2,' '# end-live-blocks: 2\na 3\n'
doubt 'the largest' 2 'max-size: 9, the events add up to 5' '# max-size: 9\na 3\nr 0 5\n'
doubt 'threads out of order' 3 'lower number' 't 2\na 1\nt 1\na 1\n'
doubt 'time backwards' 4 'time runs backwards' '# time: 2.5\na 1\n# time: 2.25\na 1\n'
doubt 'too few inherited blocks' 5 'inherited' '# inherited: 2\na 1\nl 0\nu 0\na 1\n'
doubt 'no inherited blocks' 0 'inherited' '# inherited: 2\na 1\n'
printf '# rmt 1\n# inherited: 2\n# time: 0.5\na 1\nl 0\na 1\nu 1\n# time: 0.500000001\nf 1\n' >good.rmt
expect 'inherited blocks, some locked; time' 0 '' "$rmtool" check --strict good.rmt

zstd -qdc "$bundled" 2>/dev/null | head -n 5000 >cut.rmt
if [ -s cut.rmt ]; then
    expect 'cut, the header left as it was' 0 'warning: the header says events' \
        "$rmtool" check cut.rmt
else
    skip 'cut, the header left as it was' 'no zstd here'
fi

printf '# rmt 1\na 1\nf 0\nf 0\n' >bad.rmt
expect 'a fault' 4 '^rmtool: bad.rmt:4: ' "$rmtool" check bad.rmt
expect 'a fault, and others without' 4 '^rmtool: bad.rmt:4: ' \
    "$rmtool" check "$bundled" bad.rmt good.rmt
holds 'those behind it are looked at' out 'good.rmt: fine'
expect 'one that is not there' 3 'gone.rmt: No such file' "$rmtool" check gone.rmt good.rmt
expect 'JSON' 4 'bad.rmt:4' "$rmtool" check --json good.rmt bad.rmt doubt.rmt gone.rmt
for text in '"result": "fine"' '"result": "malformed"' '"result": "warned"' \
    '"result": "unreadable"'; do
    holds "JSON: $text" out "$text"
done
expect 'no trace' 2 'which traces' "$rmtool" check
expect 'an unknown option' 2 "'--frob'" "$rmtool" check --frob x
expect 'help' 0 '' "$rmtool" check --help
holds 'help: an example' out 'Example: rmtool check'
plan
