# SPDX-License-Identifier: MIT
#
# Allocators side by side, a group of bars for each trace: time, or footprint.
#
# By hand, with the summary of a comparison:
#   rmtool compare --csv summary.csv TRACE...
#   gnuplot -e "summary='summary.csv'; measure='time'; out='time.png'" plots/compare.gp
#   gnuplot -e "summary='summary.csv'; measure='footprint'; out='footprint.png'" \
#           plots/compare.gp

figure = 'compare'
here = system("dirname '".ARG0."'")
if (!exists("measure")) measure = 'time'
reader(arguments) = sprintf("awk -f '%s/compare.awk' %s '%s'", here, arguments, summary)
traces = system(reader("-v want=names -v column=trace"))
allocators = system(reader("-v want=names -v column=allocator -v none=floor"))
n_traces = words(traces)
n_allocators = words(allocators)
if (n_traces == 0 || n_allocators == 0) {
    print sprintf('%s: %s: nothing to draw', figure, summary)
    exit status 4
}
if (!exists("width")) width = n_traces > 12 ? 260 + 80*n_traces : 1200
if (!exists("height")) height = measure eq 'time' ? 720 : 1000
load here.'/palette.gp'

values(allocator, column) = sprintf("< %s", reader(sprintf("-v want=values " \
        ."-v allocator='%s' -v column=%s", allocator, column)))
bar = 0.86 / n_allocators
place(i) = (i - (n_allocators + 1)/2.0) * bar

set datafile nocolumnheaders
set xrange [-0.6:n_traces-0.4]
set for [i=1:n_traces] xtics (word(traces, i) i-1)
if (n_traces > 6) {
    set xtics rotate by 30 right
}
set grid noxtics
set logscale y
set boxwidth bar*0.92
set style fill solid 1.0 noborder
set key at screen 0.5,0.015 center bottom horizontal samplen 1

if (measure eq 'time') {
    set margins screen 0.09, screen 0.985, screen 0.24, screen 0.92
    set title 'Time per allocation, reallocation or free, without that of the replay'
    set ylabel 'ns CPU, median of the runs (logarithmic)'
    plot [][1:] for [i=1:n_allocators] values(word(allocators, i), 'net_ns') \
         using ($1 + place(i)):2 with boxes fc rgb allocator_colour(word(allocators, i)) \
         title word(allocators, i)
} else {
    set multiplot
    set ylabel 'times live bytes (logarithmic)'
    set margins screen 0.07, screen 0.985, screen 0.57, screen 0.95
    set title 'Peak footprint over peak live bytes'
    unset key
    set for [i=1:n_traces] xtics ('' i-1)
    set ytics (1, 1.2, 1.5, 2, 3, 4, 5, 7, 10, 20, 50, 100)
    plot [][1:] for [i=1:n_allocators] values(word(allocators, i), 'peak_over_live') \
         using ($1 + place(i)):2 with boxes fc rgb allocator_colour(word(allocators, i)) \
         notitle
    set margins screen 0.07, screen 0.985, screen 0.17, screen 0.51
    set title 'Mean footprint over mean live bytes'
    set key at screen 0.5,0.01 center bottom horizontal samplen 1
    set for [i=1:n_traces] xtics (word(traces, i) i-1)
    plot [][1:] for [i=1:n_allocators] values(word(allocators, i), 'mean_over_live') \
         using ($1 + place(i)):2 with boxes fc rgb allocator_colour(word(allocators, i)) \
         title word(allocators, i)
    unset multiplot
}
