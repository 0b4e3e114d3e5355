#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes what lies beside it anew: rmalloc beside other allocators on sets of traces, and what
# no trace shows.
# Usage: remake.sh RMTOOL TRACES [RUNS [SET...]]
#   RMTOOL  the program
#   TRACES  a folder of recorded traces, others' in its subfolder "imported"
#   RUNS    of each pair for the time (default: 5)
#   SET     ten, recorded, imported, generated, heaps, micro, scale, steps, threads, latency
#           (default: all of these), or report, or locks.
#           "ten" is what the goals are counted over: five recorded traces, six million events
#           at most, and five made up; "heaps" are the smallest heaps and largest requests, on
#           the three traces of Opera and the first half million events of the recorded ones;
#           "scale" goes up to 4 GiB and 10^8 handles, or to half of the memory that is free;
#           "steps" are the pauses on five traces; "threads" and "latency" want nothing else to
#           run on the machine; "report" is a page of the traces of "ten", report.html,
#           within a quarter of an hour; "locks" is what the locks of two programs would cost,
#           by model, from their accesses
# What is not there of the allocators is listed as absent; a set whose traces are not there
# is left out, and so is what does not fit into memory: both are said on standard error.
if [ $# -lt 2 ]; then
    sed -n '4,22s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
rmtool=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") || exit 3
traces=$(cd "$2" && pwd) || exit 3
runs=${3:-5}
if [ $# -gt 3 ]; then
    shift 3
else
    set -- ten recorded imported generated heaps micro scale steps threads latency
fi
all=time,small-pages,footprint,left
peers=rmalloc,rmalloc/single,glibc,jemalloc,mimalloc,tcmalloc
heaps=rmalloc,rmalloc/manual,glibc,jemalloc,mimalloc,tcmalloc
here=$(cd "$(dirname "$0")" && pwd) || exit 3
plots=$(dirname "$here")
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM
ln -s "$traces" "$work/traces"
cd "$work" || exit 3 # so that the commands that are noted hold no names of this machine

say() {
    echo "remake.sh: $*" >&2
}

# there SET TRACE...: whether all of them are; made-up ones always are.
there() {
    there_set=$1
    shift
    for trace; do
        case $trace in synth:*) continue ;; esac
        [ -r "$trace" ] && continue
        say "$there_set is left out: no ${trace#traces/} in the folder of traces"
        return 1
    done
}

# compare SET OPTION... TRACE...: the tables as SET.txt, the numbers as SET.csv
compare() {
    name=$1
    shift
    "$rmtool" compare --runs "$runs" --samples 100 --csv "$name.csv" --times "$name-times.csv" \
        "$@" >"$name.txt"
    status=$?
    [ $status -le 1 ] || exit $status # 1: an allocator failed, which the tables say
    mv "$name.csv" "$name-times.csv" "$name.txt" "$here" || exit 3
}

# micro SET OPTION... GROUP...: the table as SET.txt, all numbers as SET.csv
micro() {
    name=$1
    shift
    "$rmtool" micro --csv "$name.csv" "$@" >"$name.txt" || exit $?
    sed -n "s/^  \(.*[^ ]\) *skipped: /remake.sh: $name is without \1: /p" "$name.txt" >&2
    mv "$name.csv" "$name.txt" "$here" || exit 3
}

# draw SET: the picture of what micro has made of it
draw() {
    if ! command -v gnuplot >/dev/null 2>&1; then
        say "$1.png is left out: no gnuplot"
        return
    fi
    cp "$here/$1.csv" .
    gnuplot -e "csv='$1.csv'; out='$1.png'" "$plots/micro-$1.gp" || exit 3
    mv "$1.png" "$here" || exit 3
}

# locks COMMAND...: what the locks of a program would cost, as NAME-locks.txt, .csv and pictures
locks() {
    for program in valgrind "$1"; do
        command -v "$program" >/dev/null 2>&1 && continue
        say "locks of $1 is left out: no $program"
        return
    done
    cp "$here"/locks.lua "$here"/locks.sql .
    "$rmtool" locks --plot locks -- "$@" >locks.txt || exit $?
    sed -n '/^program  /,$p' locks.txt >"locks/$1-locks.txt" # less what it prints itself
    mv locks/*.txt locks/*.csv locks/*.png "$here" || exit 3
}

# run SET TRACE...
run() {
    set=$1
    shift
    there "$set" "$@" || return 0
    case $set in
    ten)
        compare ten -m $all --limit-events 6000000 --series ten-series.csv "$@"
        mv ten-series.csv "$here" || exit 3
        "$rmtool" plot -q -o "$here" --format png "$here/ten.csv"
        ;;
    report)
        "$rmtool" compare -q --runs "$runs" --samples 100 -m time,footprint,left \
            --limit-events 6000000 --csv ten.csv --series along.csv --times runs.csv "$@"
        status=$?
        [ $status -le 1 ] || exit $status
        "$rmtool" report -q -o report.html --limit-events 6000000 ten.csv along.csv runs.csv \
            "$@" || exit $?
        mv report.html "$here" || exit 3
        ;;
    recorded | generated) compare "$set" -m $all -a $peers --limit-events 10000000 "$@" ;;
    imported) compare imported -m $all -a $peers "$@" ;;
    heaps) compare heaps -m smallest,largest -a $heaps --limit-events 500000 "$@" ;;
    opera) compare opera -m smallest,largest -a $heaps "$@" ;;
    steps)
        for trace; do
            shift
            set -- "$@" --trace "$trace"
        done
        micro steps --limit-events 6000000 "$@" steps
        draw steps
        ;;
    esac
}

# All recorded ones but what is only the beginning of another.
recorded=
for trace in traces/*.rmt.zst; do
    case $trace in *-3m.rmt.zst) ;; *) recorded="$recorded $trace" ;; esac
done

for set; do
    case $set in
    ten | report)
        run "$set" traces/python3-htmlindex.rmt.zst traces/gnuplot-surface.rmt.zst \
            traces/webkit-session-a.rmt.zst traces/netsurf-gtk-docs.rmt.zst \
            synth:redis synth:churn synth:fragkill synth:browser synth:smallhot \
            traces/sqlite3-load.rmt.zst
        ;;
    recorded)
        # shellcheck disable=SC2086 # one word a name
        run recorded $recorded
        ;;
    imported) run imported traces/imported/*.rmt.zst ;;
    generated)
        # shellcheck disable=SC2046 # one word a name
        run generated $("$rmtool" generate --list | sed 's/^\([a-z0-9-]*\) .*/synth:\1/')
        ;;
    heaps)
        # shellcheck disable=SC2086 # one word a name
        run heaps $recorded
        run opera traces/imported/opera-*.rmt.zst
        ;;
    micro) micro micro lock alloc compact small ;;
    scale)
        micro scale scale
        draw scale
        ;;
    steps)
        run steps traces/python3-htmlindex.rmt.zst traces/gnuplot-surface.rmt.zst \
            traces/webkit-session-a-3m.rmt.zst traces/netsurf-gtk-docs.rmt.zst synth:browser
        ;;
    threads) micro threads parallel threads ;;
    latency)
        micro latency --milliseconds 500 latency
        draw latency
        ;;
    locks)
        locks sqlite3 :memory: '.read locks.sql'
        locks lua5.4 locks.lua
        ;;
    *)
        say "no set '$set'"
        exit 2
        ;;
    esac
done
