#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Programs as they are installed, recorded: each trace is well-formed, replays, and has as
# many events as another library has counted. A program that is not here is skipped, aloud. By
# hand; it takes minutes:
#
#     tests/record/real.sh BUILD/tools/rmtool/rmtool tests/traces BUILD/tests/record \
#         BUILD/tools/record/librmrecord.so [NAME]...
#
# On Debian: sqlite3 gcc python3 git xz-utils redis-server redis-tools xvfb netsurf-gtk
# webkit2gtk-driver libwebkit2gtk-4.1-0.
. "$(dirname "$0")/../tools/common.sh"
. "$here/../tools/recording.sh"
shift 4
wanted=$*
mkdir site

# want NAME PROGRAM...: whether it is asked for, and can be.
want() {
    want_name=$1
    case " ${wanted:-$1} " in *" $1 "*) ;; *) return 1 ;; esac
    shift
    for want_program; do
        if ! command -v "$want_program" >/dev/null 2>&1; then
            skip "$want_name" "no $want_program here"
            return 1
        fi
    done
}

# row NAME: of what was just recorded, for people.
row() {
    awk -v name="$1" '
        /^ *"/ { key = $1; gsub(/[":]/, "", key); value[key] = $2 + 0 }
        /"unwritten":/ {
            n++
            events += value["events"]; usable += value["usable_sizes"]
            inherited += value["inherited"]; unknown += value["unknown_frees"]
            if (value["threads"] > threads) threads = value["threads"]
            if (value["peak_live_bytes"] > peak) peak = value["peak_live_bytes"]
            if (value["seconds"] > seconds) seconds = value["seconds"]
        }
        END {
            printf "# %-10s processes %d, events %d, most threads %d, highest peak %.1f MiB, " \
                "longest %.1f s, inherited %d, usable sizes %d, unknown frees %d\n", name, n,
                events, threads, peak / 1048576, seconds, inherited, usable, unknown
        }' report
}

# real NAME STATUS COMMAND...
real() {
    counted "$@"
    row "$1"
}

# ------------------------------------------------------------------ on their own

if want sqlite3 sqlite3; then
    cat >load.sql <<'SQL'
PRAGMA journal_mode = MEMORY;
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO t SELECT i, hex(randomblob(20)), i * 0.5 FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*), max(length(b)) FROM (SELECT b FROM t ORDER BY b DESC);
SELECT group_concat(substr(b, 1, 2)) FROM (SELECT b FROM t LIMIT 2000);
SQL
    real sqlite3 0 sqlite3 data.db '.read load.sql'
fi

if want gcc gcc; then
    awk 'BEGIN {
        print "#include <stdio.h>"
        for (i = 0; i < 400; i++)
            printf "int f%d(int x) { int s = 0; for (int i = 0; i < x; i++) s += i %% %d ? i : printf(\"%%d\", s); return s; }\n", i, i + 2
        print "int main(void) { return f1(3); }" }' >source.c
    only='gcc cc1 as collect2 ld' real gcc 0 gcc -O2 source.c -o source
fi

if want python3 /usr/bin/python3; then
    cat >words.py <<'PY'
import json, re, collections
text = json.dumps([{"key %d" % i: [i, str(i) * 3]} for i in range(20000)])
words = collections.Counter(re.findall(r"\w+", text))
print(len(json.loads(text)), words.most_common(3))
PY
    PYTHONMALLOC=malloc only=python3 real python3 0 /usr/bin/python3 words.py
fi

if want git git; then
    git init -q tree
    (
        cd tree && git config user.email a@b && git config user.name a
        for i in 1 2 3 4 5 6 7 8; do
            for j in 1 2 3 4 5 6 7 8 9; do seq "$i" "$((i * j * 100))" >"file $j"; done
            git add . && git commit -qm "$i"
        done
    )
    real git 0 git -C tree log --stat -p
    only=git real git-gc 0 git -C tree gc -q
fi

if want xz xz; then
    seq 1 4000000 >numbers
    real xz 0 xz -T4 -2 -k -f --block-size=2MiB numbers
fi

# ------------------------------------------------------------------------ a server

if want redis redis-server redis-benchmark redis-cli; then
    cat >serve.sh <<'SH'
redis-server --port 16379 --save '' --appendonly no >redis.log 2>&1 &
until redis-cli -p 16379 ping >/dev/null 2>&1; do sleep 0.1; done
redis-benchmark -p 16379 -n 20000 -r 5000 -q -t set,get,lpush,lpop,sadd,hset,mset >bench.log
redis-cli -p 16379 shutdown nosave
wait
SH
    only=redis-server real redis 0 sh serve.sh
fi

# ------------------------------------------------------------------------ browsers

# A site of pages with tables, pictures and styles; served, so that it is fetched as from
# elsewhere.
make_site() {
    awk 'BEGIN {
        for (p = 1; p <= 5; p++) {
            file = "site/page" p ".html"
            print "<!DOCTYPE html><html><head><title>" p "</title><style>td { border: 1px solid #888; padding: 2px } p:nth-child(odd) { color: #336 }</style></head><body><h1>Page " p "</h1>" >file
            for (i = 1; i <= 300; i++)
                print "<p>Paragraph " i " with <b>bold</b>, <i>slanted</i> and <a href=\"page" (p % 5 + 1) ".html\">linked</a> words, and " i * p " more.</p>" >file
            print "<table>" >file
            for (r = 1; r <= 200; r++) print "<tr><td>" r "<td>" r * p "<td>" r * r "</tr>" >file
            print "</table><script>var n = 0; function go() { var d = document.createElement(\"div\"); for (var i = 0; i < 200; i++) { var s = document.createElement(\"span\"); s.textContent = i; d.appendChild(s); } document.body.appendChild(d); if (++n < 20) setTimeout(go, 50); else if (" p " < 5) location = \"page" p + 1 ".html\"; } setTimeout(go, 100);</script></body></html>" >file
        } }'
    (cd site && exec /usr/bin/python3 -m http.server -b 127.0.0.1 18080 >../http.log 2>&1) &
    server=$!
    Xvfb :97 -screen 0 1280x1024x24 >xvfb.log 2>&1 &
    display=$!
    sleep 2
}

# browse SECONDS COMMAND...: then it is asked to end.
cat >browse.sh <<'SH'
seconds=$1
shift
"$@" >browser.log 2>&1 &
sleep "$seconds"
kill $!
wait
exit 0
SH

browser() {
    browser_name=$1
    shift
    : >http.log
    DISPLAY=:97 slack=8 real "$browser_name" 0 sh browse.sh "$@"
    : >why
    grep -q 'GET /page1.html' http.log || { echo 'no page was fetched'; head -n 5 browser.log; } >why
    check_empty "$browser_name: it has fetched pages" why
}

minibrowser=$(ls /usr/lib/*/webkit2gtk-4.1/MiniBrowser 2>/dev/null | head -n 1)
site=http://127.0.0.1:18080/page1.html
case " ${wanted:-netsurf} " in
*' netsurf '* | *' webkit '*)
    if command -v Xvfb >/dev/null 2>&1; then make_site; fi ;;
esac
if want netsurf netsurf-gtk Xvfb; then
    only=netsurf-gtk browser netsurf 20 netsurf-gtk "$site"
fi
if want webkit "${minibrowser:-MiniBrowser}" Xvfb; then
    Malloc=1 WEBKIT_DISABLE_COMPOSITING_MODE=1 WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1 \
        NO_AT_BRIDGE=1 only='MiniBrowser WebKitWebProcess WebKitNetworkProcess' \
        browser webkit 30 "$minibrowser" "$site"
fi
[ -z "${server:-}" ] || kill "$server" "$display"
plan
