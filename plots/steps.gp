# SPDX-License-Identifier: MIT
#
# How long the steps of compaction took: a distribution, with its percentiles, and what
# each step's time was spent on, the bytes that it moved.
#
# By hand, with the steps of one replay:
#   rmtool replay --heap 5MiB --step 50:64KiB --steps steps.csv TRACE
#   gnuplot -e "steps='steps.csv'; out='steps.png'" plots/steps.gp

figure = 'steps'
if (!exists("page")) page = 0 # 1: the upper panel alone, for a page with many pictures
height = page ? 460 : 800
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

if (!exists("trace")) trace = comment(steps, 'trace')

stats steps using (column('nanoseconds')):(column('moved')) name 'S' nooutput
if (!exists("S_records") || S_records == 0) {
    print sprintf('%s: %s: no steps', figure, steps)
    exit status 4
}

# The times in order, for the percentiles (nearest rank).
set datafile nocolumnheaders
sorted = '< awk -F, ''/^#/ { next } !n { for (i = 1; i <= NF; i++) if ($i == "nanoseconds") ' \
    .'n = i; next } { print $n }'' '.quoted(steps).' | sort -n'
array at_percent[4] = [50, 90, 99, 100]
array rank[4]
array value[4]
do for [i = 1:4] {
    rank[i] = ceil(at_percent[i] / 100.0 * S_records) - 1
    stats sorted every ::rank[i]::rank[i] using 1 name 'R' nooutput
    value[i] = R_max
}
percent_name(i) = i == 4 ? 'longest' : sprintf('%d %%', at_percent[i])

# Ten bins for each decade.
bins = 10
low = floor(log10(S_min_x > 1 ? S_min_x : 1))
high = ceil(log10(S_max_x > 10 ? S_max_x : 10) + 0.01)
if (log10(value[1] > 1 ? value[1] : 1) - low < 0.15 * (high - low)) { low = low - 1 }
bin(ns) = (floor(bins * log10(ns > 1 ? ns : 1)) + 0.5) / bins

set table $histogram
plot sorted using (bin($1)):(1) smooth frequency
unset table
set datafile separator whitespace
stats $histogram using 2 name 'H' nooutput
set datafile separator comma

set multiplot title sprintf('%s: time per compaction step (%.0f steps, %s moved)', \
    trace, S_records, bytes_text(S_sum_y)) font sheet_font
set lmargin at screen 0.105
set rmargin at screen 0.97
unset key

# Times are drawn as powers of ten, so that the boxes have one width.
set xrange [low:high]
set xtics ('' low)
do for [n = low:high] { set xtics add (duration_text(10.0**n) n) }

set tmargin at screen (page ? 0.80 : 0.875)
set bmargin at screen (page ? 0.16 : 0.53)
if (page) {
    set xlabel 'time of the step (log scale)'
}
set title sprintf('how many steps took how long (policy: %s)', comment(steps, 'policy')) \
    font panel_font offset 0,-0.4
set ylabel 'steps'
set yrange [0:H_max*1.5] # room for the names of the percentiles
set boxwidth 0.94/bins
# The names stand left of their lines, the longest time's highest: none is crossed.
do for [i = 1:4] {
    x = log10(value[i] > 1 ? value[i] : 1)
    y = 0.66 + 0.08 * i
    set arrow i from x,graph 0 to x,graph (y + 0.03) nohead lc rgb black lw 1.2 dt 2 front
    set label i sprintf('%s: %s', percent_name(i), duration_text(value[i])) \
        at x,graph y right offset -0.6,0 textcolor rgb black front
}
set datafile separator whitespace
plot $histogram using 1:2 with boxes fc rgb c_compacted
set datafile separator comma

do for [i = 1:4] { unset arrow i; unset label i }
if (page) {
    unset multiplot
    exit
}
set tmargin at screen 0.42
set bmargin at screen 0.095
set title 'what the time goes with: bytes moved by each step' font panel_font offset 0,-0.4
set xlabel 'time of the step (log scale)'
set ylabel 'bytes moved (log scale)' offset 0,0
byte_high = ceil(log(S_max_y > 2 ? S_max_y : 2) / log(2)) + 0.5
set yrange [4:(byte_high < 6 ? 6 : byte_high)]
set ytics ('' 4)
do for [n = 4:int(byte_high):2] { set ytics add (order_name(n) n) }
set datafile columnheaders
plot steps using (log10(column('nanoseconds') > 1 ? column('nanoseconds') : 1)): \
        (column('moved') > 0 ? log(column('moved')) / log(2) : NaN) \
        with points pt 7 ps 0.35 lc rgb c_compacted
unset multiplot
