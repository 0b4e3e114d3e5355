#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The micro-benchmarks run, in little memory and few rounds, and say what they are to say.
# No figure is held against anything here: this machine may be busy.
. "$(dirname "$0")/common.sh"
generate plain.rmt 5000 0 1

# group NAME TEXT OPTION...: runs one, and its table has TEXT in it.
group() {
    group_name=$1
    group_text=$2
    shift 2
    expect "$group_name" 0 '' "$rmtool" micro --rounds 1 --memory 16MiB "$@" "$group_name"
    holds "$group_name: its table" out "$group_text"
}
group lock 'lock + read + unlock, calls, unsynchronised'
# What a library keeps for itself to the end is no leak of ours.
asan=${ASAN_OPTIONS-}
export ASAN_OPTIONS="$asan:detect_leaks=0"
group alloc 'batches of 1024: glibc'
group threads 'pairs: rmalloc, safe for threads'
holds 'threads: beside bare counts' out 'lock + unlock, calls, safe for threads / atomics'
expect 'parallel' 0 '' "$rmtool" micro --rounds 2 --milliseconds 1 --threads 4 --csv - parallel
ASAN_OPTIONS=$asan
# Each shape with one thread alone, one, two and four, and all that is a number is one.
awk -F, '$1 != "parallel" || $9 ~ /^skipped/ { next }
    !($5 > 0) { print "no value: " $0 }
    $2 ~ /: rmalloc(; alone in its process)?$/ && $6 == "M/s" { ours++ }
    $2 ~ /: glibc; times one thread$/ { theirs++ }
    $2 ~ /^own blocks: rmalloc; times one thread$/ && $7 != "" { goals = goals " " $3 }
    END { if (ours != 28) print ours + 0 " figures of rmalloc"
          if (theirs != 8) print theirs + 0 " ratios of glibc"
          if (goals != " 2") print "goals for" goals " threads" }' out >why
check_empty 'parallel: its figures' why
group compact "memcpy's time / ours, entries in random order, 256 B"
holds 'compact: what does not fit' out 'skipped: too few'
expect 'compact, of large blocks' 0 '' "$rmtool" micro --rounds 1 --memory 64MiB compact
holds 'compact: gaps given back' out "memcpy's time / ours, gaps given back, 262144 B"
holds 'compact: without huge pages' out 'gaps given back, no huge pages, 262144 B'
group steps '64 KiB steps of generated, longest' --trace plain.rmt
expect 'latency' 0 '' "$rmtool" micro --rounds 2 --milliseconds 40 --csv - latency
# Each distribution comes to 100 %, and no quantile is below one of fewer calls.
awk -F, '$2 ~ /^histogram of / { share[$2] += $5; if ($3 <= at[$2]) print "order: " $0; at[$2] = $3 }
    $2 ~ /^curve of / { if ($5 < time[$2]) print "time: " $0; time[$2] = $5 }
    $2 ~ /^rm(lock|alloc); no compaction; .*(within|longest)$/ { quantiles++ }
    $2 ~ /background compaction; 99.99 % within$/ && $7 != "" { goals = goals " " $7 }
    $2 == "background compaction" && $9 ~ /^skipped/ { goals = " <= 10 <= 50" }
    END { for (what in share) {
              n++
              if (share[what] < 99.9 || share[what] > 100.1) print share[what] " %: " what
          }
          if (n != 4 && n != 7) print n + 0 " histograms"
          if (quantiles != 10) print quantiles + 0 " quantiles"
          if (goals != " <= 10 <= 50") print "goals:" goals }' out >why
check_empty 'latency: the distributions' why
group scale 'lock + write + unlock, 1000 handles'
holds 'scale: what does not fit' out 'skipped: takes'
holds 'where the table comes from' out 'rmtool micro --rounds 1 --memory 16MiB scale'
group small 'payload of a region, filled, 64 KiB'
holds 'a goal' out '%'

# The distribution of the steps: shares that come to 100, as many steps as the cut trace gives.
expect 'steps, of a cut trace' 0 '' "$rmtool" micro --rounds 3 --limit-events 1500 \
    --trace plain.rmt --csv - steps
awk -F, '$2 == "number of steps of generated" { n = $5; if (n < 700 || n > 1500) print n " steps" }
    $2 == "histogram of generated" { share += $5; if ($3 <= last) print "order: " $0; last = $3 }
    $2 == "curve of generated" { curve++; if ($5 < 0) print "time: " $0 }
    $2 ~ /^64 KiB steps of generated; / { percentiles++ }
    END { if (share < 99.9 || share > 100.1) print share " % in all"
          if (!n || curve < 10 || percentiles != 4) print "too few rows" }' out >why
check_empty 'steps: the distribution' why

expect 'two groups, as files' 0 '' "$rmtool" micro --quiet --rounds 2 --memory 4MiB \
    --csv micro.csv scale lock
holds 'where it comes from' micro.csv '# command: rmtool micro --quiet'
awk -F, '/^#/ { next }
    !fields { if ($0 != "group,what,x,x_unit,value,unit,goal,verdict,note") print $0
        fields = NF; next }
    NF != fields { print "fields: " $0 }
    $1 != "scale" && $1 != "lock" { print "group: " $0 }
    $5 == "" && $9 !~ /^skipped/ { print "no value, and no reason: " $0 }
    $8 !~ /^(met|missed|)$/ { print "verdict: " $0 }
    { n++ } END { if (n < 20) print n " rows" }' micro.csv >why
check_empty 'the rows of the file' why
expect 'JSON' 0 '' "$rmtool" micro --json --rounds 1 lock
holds 'JSON: a goal' out '"at_most": 2.8'
expect 'CSV on standard output' 0 '' "$rmtool" micro --rounds 1 --csv - lock
holds 'CSV on standard output: rows' out 'lock,a pointer; read,'

expect 'an unknown group' 2 "'frobnicate'" "$rmtool" micro lock frobnicate
for rounds in 0 -1 x 1001; do
    expect "--rounds $rounds is refused" 2 '--rounds' "$rmtool" micro --rounds $rounds lock
done
expect '--threads 0 is refused' 2 '--threads' "$rmtool" micro --threads 0 parallel
expect '--milliseconds 0 is refused' 2 '--milliseconds' "$rmtool" micro --milliseconds 0 parallel
expect '--limit-events is refused' 2 '--limit-events' "$rmtool" micro --limit-events -1 steps
expect '--memory is refused' 2 '--memory' "$rmtool" micro --memory much lock
expect 'two things on standard output' 2 'standard output' \
    "$rmtool" micro --json --csv - lock
expect 'a trace that is not there' 3 'gone.rmt' "$rmtool" micro --trace gone.rmt steps
expect 'a folder that is not there' 3 'gone/x.tmp' \
    "$rmtool" micro -q --rounds 1 --csv gone/x lock
plan
