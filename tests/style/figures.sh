#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every script of plots/ draws, as PNG and as SVG, from numbers made up here, and says
# nothing while it does.
# Usage: figures.sh SOURCE_ROOT
. "$(dirname "$0")/tap.sh"
plots=$(cd "$1" && pwd)/plots
if ! command -v gnuplot >/dev/null 2>&1; then
    echo '1..0 # SKIP no gnuplot here'
    exit 0
fi
cd "$scratch" || exit 1

# make NAME PLAIN: three CSV files as `rmtool replay` writes them.
make() {
    awk -v name="$1" -v plain="$2" '
    function head(file) {
        printf "# command: rmtool replay\n# version: 0\n# machine: none\n" \
            "# trace: made_up\n# heap: grow\n# policy: none\n" >file
    }
    BEGIN {
        series = name ".csv"; map = name "-map.csv"; steps = name "-steps.csv"
        head(series); head(map); head(steps)
        printf "event,operations,requested,used,free,capacity,largest_free," >series
        printf "moved,internal_fragmentation,external_fragmentation" >series
        for (i = 0; i < 36; i++) printf ",unusable_%d", i >series
        print "" >series
        print "event,offset,cell,used,locked,free,metadata" >map
        print "event,moved,moved_blocks,nanoseconds,complete" >steps
        for (event = 1000; event <= 40000; event += 1000) {
            used = 20 * event
            free = 1000000 - used
            largest = plain ? free / 3 : free
            printf "%d,%d,%d,%d,%d,1000000,%d,0,0.1,%f", event, event, used * 0.9, used, \
                free, largest, 1 - largest / free >series
            for (i = 0; i < 36; i++) printf ",%f", (2 ^ i > largest ? 1 : 0.2 * plain) >series
            print "" >series
            for (offset = 0; offset < 1000000; offset += 10000)
                printf "%d,%d,10000,%d,%d,%d,%d\n", event, offset, 5000, \
                    offset == 50000 ? 200 : 0, 4000, 800 >map
            printf "%d,%d,%d,%d,1\n", event, event * 3, event / 10, event * event / 100 + 500 >steps
        }
    }'
}
make plain 1
make compacted 0

# What `rmtool micro --csv` writes.
awk 'BEGIN {
    print "# command: rmtool micro\ngroup,what,x,x_unit,value,unit,goal,verdict,note"
    n = split("free or alloc:lock + write + unlock:64 KiB step; half within:64 KiB step; 99 % within" \
        ":64 KiB step; longest:rm_heap_stats:rm_heap_stats_quick", what, ":")
    for (i = 1; i <= n; i++)
        for (x = 1000; x <= 1000000; x *= 10) {
            printf "scale,%s,%d,handles,%f,us,,,\n", what[i], x, i * log(x)
            printf "scale,%s,%d,MiB live,%f,us,,,\n", what[i], x, i * log(x)
        }
    print "scale,10000000 handles,,,,,,,skipped: takes 7 GiB; and no more than 1 GiB may be taken"
    for (i = 1; i <= 2; i++) {
        name = "of trace " i
        printf "steps,64 KiB steps %s; half within,,,%d,us,<= 12,met,\n", name, 2 * i
        printf "steps,64 KiB steps %s; 99 %% within,,,%d,us,<= 25,met,\n", name, 200 * i
        printf "steps,64 KiB steps %s; longest,,,%d,us,<= 100,missed,\n", name, 900 * i
        for (x = 1; x > 0.001; x /= 2) {
            printf "steps,curve %s,%f,share longer,%f,us,,,\n", name, x, i / x
            printf "steps,histogram %s,%f,us,%f,%%,,,\n", name, i / x, 50 * x
        }
    }
    split("no compaction:background compaction:nothing else runs", runs, ":")
    n = split("rmlock:rmalloc:two clock reads", calls, ":")
    for (r = 1; r <= 3; r++) for (i = r < 3 ? 1 : n; i <= n; i++) {
        name = "of " calls[i] "; " runs[r]
        printf "latency,%s; %s; 99.99 %% within,,,%f,us,,,\n", calls[i], runs[r], 10 * i * r
        printf "latency,%s; %s; longest,,,%f,us,,,\n", calls[i], runs[r], 100 * i * r
        for (x = 1; x > 0.000001; x /= 2) {
            printf "latency,curve %s,%f,share longer,%f,us,,,\n", name, x, i / sqrt(x) / 30
            printf "latency,histogram %s,%f,us,%f,%%,,,\n", name, i / sqrt(x) / 30, 50 * x
        }
    }
}' >micro.csv

# make_comparison: a summary and a series as `rmtool compare` writes them.
make_comparison() {
    awk '
    function value(i, j) { return 1 + (i * 7 + j * 3) % 10 }
    BEGIN {
        n = split("floor rmalloc glibc jemalloc other", allocators, " ")
        summary = "summary.csv"; series = "series.csv"
        print "# command: rmtool compare" >summary
        print "trace,allocator,net_ns,peak_over_live,mean_over_live" >summary
        print "trace,allocator,operations,live_bytes,live_blocks,footprint,largest" >series
        for (i = 1; i <= 3; i++) for (j = 1; j <= n; j++) {
            name = "made_up" i "," allocators[j]
            if (j == 1) print name ",0,," >summary
            else print name "," value(i, j) "," value(j, i) ",1.25" >summary
            for (k = 0; k < 20; k++) {
                footprint = j == 1 ? "" : k * 1000 * value(i, j)
                largest = j == 2 || j == 3 ? 30000 - k * 900 : ""
                print name "," k * 100 "," k * 1000 "," k "," footprint "," largest >series
            }
        }
    }'
}
make_comparison

for compaction in off idle; do
    awk -v compaction=$compaction -v frames=1500 -v lines=90 -f "$plots/../tests/tools/session.awk" >$compaction.csv
done
awk -v objects=malloc -v frames=180 -v lines=90 -f "$plots/../tests/tools/session.awk" >malloc.csv

for format in png svg; do
    for figure in time footprint along; do
        out=$figure.$format
        script=compare
        variables="summary='summary.csv'; measure='$figure'"
        if [ "$figure" = along ]; then
            script=along
            variables="series='series.csv'; trace='made_up2'"
        fi
        gnuplot -e "$variables; out='$out'" "$plots/$script.gp" >why 2>&1 ||
            echo 'gnuplot failed' >>why
        [ -s "$out" ] || echo 'no picture' >>why
        check_empty "$out" why
    done
    for figure in memory free fragmentation heapmap steps micro-scale micro-steps \
        micro-latency session session-alone; do
        suffix=
        if [ "$figure" = heapmap ]; then suffix=-map; fi
        variables="plain='plain$suffix.csv'; compacted='compacted$suffix.csv'"
        case $figure in
        steps) variables="steps='compacted-steps.csv'" ;;
        micro-*) variables="csv='micro.csv'" ;;
        session) variables="array sessions[4]=['off.csv','idle.csv','malloc.csv','off.csv']" ;;
        session-alone) variables="array sessions[1]=['malloc.csv']" ;;
        esac
        out=$figure.$format
        gnuplot -e "$variables; out='$out'" "$plots/${figure%-alone}.gp" >why 2>&1 ||
            echo 'gnuplot failed' >>why
        case $format in
        png) head -c 4 "$out" 2>/dev/null | grep -q PNG || echo 'not a PNG file' >>why ;;
        svg) tail -n 3 "$out" 2>/dev/null | grep -q '</svg>' || echo 'not a whole SVG file' >>why ;;
        esac
        check_empty "$out" why
    done
done

# The made-up series has no locks; what is written of these is of its own columns.
for name in plain compacted; do
    awk -F, '/^#/ { print; next } !n++ { print $0 ",locked"; next } { print $0 "," 64 }' \
        $name.csv >$name-locks.csv
done
gnuplot -e "plain='plain-locks.csv'; compacted='compacted-locks.csv'; plain_map='plain-map.csv'; \
    compacted_map='compacted-map.csv'; frames=5; out='heap.gif'" "$plots/animate.gp" >why 2>&1 ||
    echo 'gnuplot failed' >>why
sed -i '/frames in animation sequence/d' why # so that it does, whatever happens
head -c 6 heap.gif 2>/dev/null | grep -q GIF89a || echo 'not a GIF file' >>why
check_empty 'heap.gif' why
plan
