#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes what lies beside it anew: rmalloc and other allocators, on five sets of traces.
# Usage: remake.sh RMTOOL TRACES [RUNS [SET...]]
#   RMTOOL  the program
#   TRACES  a folder of recorded traces, others' in its subfolder "imported"
#   RUNS    of each pair for the time (default: 5)
#   SET     ten, recorded, imported, generated, heaps (default: all). "ten" is what the goals
#           are counted over: five recorded traces, six million events at most, and five made
#           up; "heaps" are the smallest heaps and largest requests, on the three traces of
#           Opera and the first half million events of the recorded ones
# What is not there of the allocators is listed as absent.
if [ $# -lt 2 ]; then
    sed -n '4,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
rmtool=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") || exit 3
traces=$(cd "$2" && pwd) || exit 3
runs=${3:-5}
if [ $# -gt 3 ]; then
    shift 3
else
    set -- ten recorded imported generated heaps
fi
all=time,small-pages,footprint,left
peers=rmalloc,rmalloc/single,glibc,jemalloc,mimalloc,tcmalloc
here=$(cd "$(dirname "$0")" && pwd) || exit 3
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
ln -s "$traces" "$work/traces"
cd "$work" || exit 3 # so that the commands that are noted hold no names of this machine

# compare SET OPTION... TRACE...: the tables as SET.txt, the numbers as SET.csv
compare() {
    name=$1
    shift
    "$rmtool" compare --runs "$runs" --samples 100 --csv "$name.csv" --times "$name-times.csv" \
        "$@" >"$name.txt"
    status=$?
    [ $status -le 1 ] || exit $status # 1: an allocator failed, which the tables say
    mv "$name.csv" "$name-times.csv" "$name.txt" "$here"
}

for set; do
    case $set in
    ten)
        compare ten -m $all --limit-events 6000000 --series ten-series.csv \
            traces/python3-htmlindex.rmt.zst traces/gnuplot-surface.rmt.zst \
            traces/webkit-session-a.rmt.zst traces/netsurf-gtk-docs.rmt.zst \
            synth:redis synth:churn synth:fragkill synth:browser synth:smallhot \
            traces/sqlite3-load.rmt.zst
        mv ten-series.csv "$here"
        "$rmtool" plot -q -o "$here" --format png "$here/ten.csv"
        ;;
    recorded) compare recorded -m $all -a $peers --limit-events 10000000 traces/*.rmt.zst ;;
    imported) compare imported -m $all -a $peers traces/imported/*.rmt.zst ;;
    generated)
        # shellcheck disable=SC2046 # one word a name
        compare generated -m $all -a $peers --limit-events 10000000 $("$rmtool" generate --list |
            sed 's/^\([a-z0-9-]*\) .*/synth:\1/')
        ;;
    heaps)
        compare heaps -m smallest,largest -a rmalloc,rmalloc/manual,glibc,jemalloc,mimalloc,tcmalloc \
            --limit-events 500000 traces/*.rmt.zst
        compare opera -m smallest,largest -a rmalloc,rmalloc/manual,glibc,jemalloc,mimalloc,tcmalloc \
            traces/imported/opera-*.rmt.zst
        ;;
    *)
        echo "remake.sh: no set '$set'" >&2
        exit 2
        ;;
    esac
done
