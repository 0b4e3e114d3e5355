#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What recording costs the program that is recorded: pairs of runs, without and with, one
# after the other. A table of medians on standard output, and all runs as CSV on request.
#
#     tests/record/overhead.sh BUILD/tools/rmtool/rmtool BUILD/tests/record [PAIRS [CSV]]
#
# Time is the program's own: rmtool converts the log meanwhile, on another processor if there
# is one, and goes on for a while when the program has ended: that is the last column.
set -u
rmtool=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") || exit 2
programs=$(cd "$2" && pwd) || exit 2
pairs=${3:-7}
csv=${4:-}
case $csv in '' | /*) ;; *) csv=$PWD/$csv ;; esac
scratch=$(mktemp -d) || exit 3
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 3

cat >load.sql <<'SQL'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
    INSERT INTO t SELECT i, hex(i * 7919), i * 0.5 FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*), max(length(b)) FROM (SELECT b || c AS b FROM t ORDER BY b DESC);
SQL
cat >words.py <<'PY'
import json, re, collections
text = json.dumps([{"key %d" % i: [i, str(i) * 3]} for i in range(60000)])
words = collections.Counter(re.findall(r"\w+", text))
print(len(json.loads(text)), words.most_common(3))
PY
awk 'BEGIN { for (i = 0; i < 300; i++)
    printf "int f%d(int x) { int s = 0; for (int i = 0; i < x; i++) s += i %% %d ? i : x; return s; }\n", i, i + 2 }' >source.c

echo 'program,pair,recorded,wall_s,user_s,system_s,whole_s' >runs.csv

# pair NAME ONLY NUMBER COMMAND...
pair() {
    name=$1 only=$2 number=$3
    shift 3
    rm -f plain with
    began=$(date +%s%N)
    "$programs/timed" plain "$@" >out 2>&1 || { cat out; return 1; }
    between=$(date +%s%N)
    rm -rf t
    "$rmtool" record -q -d t --only "$only" -- "$programs/timed" with "$@" >out 2>&1 ||
        { cat out; return 1; }
    ended=$(date +%s%N)
    awk -v name="$name" -v number="$number" -v whole=$((between - began)) \
        '{ printf "%s,%d,0,%s,%s,%s,%.6f\n", name, number, $1, $2, $3, whole / 1e9 }' plain
    awk -v name="$name" -v number="$number" -v whole=$((ended - between)) \
        '{ printf "%s,%d,1,%s,%s,%s,%.6f\n", name, number, $1, $2, $3, whole / 1e9 }' with
}

i=0
while [ $i -lt "$pairs" ]; do
    i=$((i + 1))
    pair heavy heavy $i "$programs/heavy" 10000000
    if command -v sqlite3 >/dev/null; then pair sqlite3 sqlite3 $i sqlite3 :memory: '.read load.sql'; fi
    if [ -x /usr/bin/python3 ]; then
        PYTHONMALLOC=malloc pair python3 python3 $i /usr/bin/python3 words.py
    fi
    if command -v gcc >/dev/null; then pair cc1 cc1 $i gcc -O2 -S -o source.s source.c; fi
done >>runs.csv
[ -z "$csv" ] || cp runs.csv "$csv"

awk -F, '
    function median(list, n,    i, j, t) {
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
                t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
            }
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    NR > 1 {
        if (!($1 in n)) order[++m] = $1
        if ($3 == 0) { n[$1]++; wall[$1, n[$1]] = $4; cpu[$1, n[$1]] = $5 + $6 }
        else {
            with_wall[$1, n[$1]] = $4; with_cpu[$1, n[$1]] = $5 + $6; whole[$1, n[$1]] = $7
        }
    }
    function of(values, name,    i, list) {
        for (i = 1; i <= n[name]; i++) list[i] = values[name, i]
        return median(list, n[name])
    }
    function ratio(values, by, name,    i, list) {
        for (i = 1; i <= n[name]; i++) list[i] = values[name, i] / by[name, i]
        return median(list, n[name])
    }
    END {
        print "program    wall, s  recorded  times   CPU, s  recorded  times   until converted, s"
        for (k = 1; k <= m; k++) {
            p = order[k]
            printf "%-9s %8.3f %9.3f %6.2f %8.3f %9.3f %6.2f %9.3f\n", p, of(wall, p),
                of(with_wall, p), ratio(with_wall, wall, p), of(cpu, p), of(with_cpu, p),
                ratio(with_cpu, cpu, p), of(whole, p)
        }
    }' runs.csv
