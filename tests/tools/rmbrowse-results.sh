#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plots/results/rmbrowse.sh, in a copy of its folder, with programs in place of the browsers that
# write made-up sessions: what it says of them, what it finds wrong, the budgets it finds.
. "$(dirname "$0")/common.sh"
if ! command -v gnuplot >/dev/null 2>&1; then
    echo '1..0 # SKIP no gnuplot here'
    exit 0
fi
root=$(cd "$here/../.." && pwd)
mkdir -p plots/results build/tools/rmbrowse build/tools/rmtool
cp "$root"/plots/*.gp "$root"/plots/*.awk plots
cp "$root/plots/results/rmbrowse.sh" plots/results
ln -s "$rmtool" build/tools/rmtool/rmtool
printf 'open a.html\nopen b.html\nscreenshot a.png\nclose 1\n' >session.txt

# A browser that needs LEAST KiB, a little more where nothing is compacted.
cat >build/tools/rmbrowse/rmbrowse <<END
#!/bin/sh
objects=rmalloc compaction=idle heaps=tab budget=
case \$0 in *-malloc) objects=malloc compaction=off ;; esac
while [ \$# -gt 0 ]; do
    case \$1 in
    --version) echo 'rmbrowse 7.0'; exit ;;
    --json) printf '{\n    "loads": 62,\n    "failures": %d\n}\n' \${BAD:-0} ;;
    --compact) compaction=\$2 ;;
    --heap) heaps=\$2 ;;
    --csv) csv=\$2 ;;
    --budget) budget=\${2%KiB} ;;
    --screenshots) pictures=\$2 ;;
    esac
    shift
done
printf picture >"\$pictures/a.png"
if [ "\$objects\$compaction" = "\$DIFFERS" ]; then printf another >"\$pictures/a.png"; fi
least=\${LEAST:-9000}
if [ \$compaction = off ]; then least=\$((least + 2000)); fi
if [ -n "\$budget" ] && [ "\$budget" -lt "\$least" ]; then
    echo 'rmbrowse: session.txt:2: no memory for one more tab' >&2
    exit 1
fi
if [ -n "\$csv" ]; then
    awk -v objects=\$objects -v compaction=\$compaction -v heaps=\$heaps -v frames=60 \\
        -v slow=\$SLOW -v waste=\$WASTE \\
        -f '$here/session.awk' >"\$csv"
fi
exit \${FAILS:-0}
END
chmod +x build/tools/rmbrowse/rmbrowse
cp build/tools/rmbrowse/rmbrowse build/tools/rmbrowse/rmbrowse-malloc
results=plots/results/rmbrowse

expect 'all is well' 0 '' $results.sh build session.txt
check 'the sheet' test -s $results.png
holds 'its version and machine' $results.txt 'rmbrowse 7.0, made up'
holds 'how much is opened' $results.txt '2 tabs, 62 pages;'
holds 'the table' $results.txt 'rmalloc, idle, one heap '
[ "$(grep -c ', met$' $results.txt)" -eq 8 ] || cat $results.txt >why
check_empty 'eight verdicts' why
# What a session takes is made up and no matter of the budget: 9,000 KiB are 35.2 units of 256 KiB, 11,000 are 43.0: the smallest that do.
for line in '^off  *10.75 MiB ' '^idle  *9.00 MiB ' '^steady  *9.00 MiB ' '^malloc  *10.75 MiB ' \
    '^shared  *9.00 MiB .*session.txt:2: no memory for one more tab$'; do
    grep -q "$line" $results.txt || { echo "$line"; tail -n 5 $results.txt; }
done >why
check_empty 'the smallest budgets' why
grep -n "$scratch" $results.txt >why
check_empty 'no names of this machine' why

expect 'a budget larger than any without one' 0 '' env LEAST=60000 $results.sh build session.txt
grep -q '^idle  *58.75 MiB ' $results.txt || tail -n 5 $results.txt >why
check_empty 'a budget larger than any without one: it is found' why
expect 'no budget is enough' 0 '' env LEAST=9000000 $results.sh build session.txt
grep -q '^idle  *none ' $results.txt || tail -n 5 $results.txt >why
check_empty 'no budget is enough: so it says' why

expect 'another screenshot' 1 '' env DIFFERS=rmallocsteady $results.sh build session.txt
holds 'another screenshot: which' $results.txt 'Files off/a.png and steady/a.png differ'
holds 'another screenshot: missed' $results.txt 'the same in all, missed'
expect 'an error page' 1 '' env BAD=2 $results.sh build session.txt
holds 'an error page: missed' $results.txt 'error pages: 2 '
expect 'steps that take long' 1 '' env SLOW=4 $results.sh build session.txt
[ "$(grep -c '^longest step.*<= 2000, missed$' $results.txt)" -eq 3 ] || cat $results.txt >why
check_empty 'steps that take long: missed' why
expect 'much is held at the end' 1 '' env WASTE=0.2 $results.sh build session.txt
[ "$(grep -c '^own footprint.*: 1.200 .*<= 1.100, missed$' $results.txt)" -eq 3 ] || cat $results.txt >why
check_empty 'much is held at the end: missed' why
expect 'a browser that fails' 3 'rmbrowse.sh: off' env FAILS=1 $results.sh build session.txt
expect 'no session' 3 'none.txt' $results.sh build none.txt
expect 'no build' 3 'nothing' $results.sh nothing session.txt
expect 'no arguments' 2 'Usage: rmbrowse.sh' $results.sh
rm build/tools/rmbrowse/rmbrowse-malloc
expect 'no browser' 3 'no rmbrowse-malloc in build' $results.sh build session.txt
plan
