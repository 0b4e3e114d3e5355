#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plots/results/remake.sh, in a copy of its folder: what it makes of the micro-benchmarks, what
# it leaves out and says so, and what it refuses. rmtool is called with little to do.
. "$(dirname "$0")/common.sh"
root=$(cd "$here/../.." && pwd)
mkdir -p plots/results traces/imported
cp "$root"/plots/*.gp "$root"/plots/*.awk plots
cp "$root/plots/results/remake.sh" plots/results
for name in python3-htmlindex gnuplot-surface webkit-session-a-3m netsurf-gtk-docs; do
    generate traces/$name.rmt 4000 0 1
    cp traces/$name.rmt traces/$name.rmt.zst # plain is as good
done

# The program as remake.sh calls it, but in a hurry.
cat >rmtool-quick <<END
#!/bin/sh
verb=\$1
shift
case \$verb in
micro) exec '$rmtool' micro --rounds 1 --memory 8MiB --milliseconds 1 "\$@" ;;
compare) exec '$rmtool' compare "\$@" --limit-events 1500 ;;
*) exec '$rmtool' "\$verb" "\$@" ;;
esac
END
chmod +x rmtool-quick
remake() {
    plots/results/remake.sh ./rmtool-quick traces 1 "$@"
}

pictures=
if command -v gnuplot >/dev/null 2>&1; then pictures='scale.png steps.png'; fi
expect 'scale and steps' 0 'scale is without 4096 MiB live: takes' remake scale steps
# shellcheck disable=SC2086 # one word a name
for file in scale.txt scale.csv steps.txt steps.csv $pictures; do
    check "$file is there" test -s "plots/results/$file"
done
holds 'steps.csv: its command' plots/results/steps.csv '--trace traces/webkit-session-a-3m.rmt.zst'
holds 'steps.txt: a goal' plots/results/steps.txt '<= 12'
# What a library keeps for itself to the end is no leak of ours.
asan=${ASAN_OPTIONS-}
export ASAN_OPTIONS="$asan:detect_leaks=0"
check 'threads and latency' remake threads latency
ASAN_OPTIONS=$asan
for file in threads.txt threads.csv latency.txt latency.csv; do
    check "$file is there" test -s "plots/results/$file"
done
if [ -n "$pictures" ]; then check 'latency.png is there' test -s plots/results/latency.png; fi
holds 'threads.txt: a goal' plots/results/threads.txt '>= 1.8'
grep -n "$scratch" plots/results/*.txt plots/results/*.csv >why
check_empty 'no names of this machine' why

expect 'heaps' 0 'opera is left out: no imported/' remake heaps
for file in heaps.txt heaps.csv heaps-times.csv; do
    check "$file is there" test -s "plots/results/$file"
done
check 'opera.txt is not there' test ! -e plots/results/opera.txt
expect 'ten, without its traces' 0 'ten is left out: no webkit-session-a' remake ten
check 'ten.csv is not there' test ! -e plots/results/ten.csv

expect 'too few arguments' 2 'Usage: remake.sh' plots/results/remake.sh ./rmtool-quick
expect 'an unknown set' 2 "no set 'eleven'" remake eleven
expect 'a folder that is not there' 3 'gone' plots/results/remake.sh ./rmtool-quick gone
expect 'a program that fails' 1 '' plots/results/remake.sh /bin/false traces 1 scale
plan
