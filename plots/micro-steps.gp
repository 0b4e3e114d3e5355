# SPDX-License-Identifier: MIT
#
# Pauses: how many of the steps of compaction take longer than some time, for several
# traces at once.
#
# By hand:
#   rmtool micro --csv steps.csv steps
#   gnuplot -e "csv='steps.csv'; out='steps.png'" plots/micro-steps.gp

figure = 'micro-steps'
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

set datafile nocolumnheaders
names = system("awk -F, '$1 == \"steps\" && sub(/^curve of /, \"\", $2) && !seen[$2]++ " \
    ."{ gsub(/ /, \"_\", $2); print $2 }' ".quoted(csv))
if (words(names) == 0) {
    print sprintf('%s: %s: no steps', figure, csv)
    exit status 4
}
curve(i) = sprintf("< awk -F, '$1 == \"steps\" && sub(/^curve of /, \"\", $2) && " \
    ."gsub(/ /, \"_\", $2) + 1 && $2 == \"%s\" { print $5 \",\" $3 }' %s", \
    word(names, i), quoted(csv))
array colour[7] = [blue, vermillion, green, orange, purple, sky, black]

set title 'steps of at most 64 KiB that take longer than some time'
set xlabel 'time of a step (µs)'
set ylabel 'share of the steps that take longer'
set logscale xy
set format x '%g'
set format y '%g'
set yrange [*:1]
set margins screen 0.1, screen 0.97, screen 0.12, screen 0.92
set key top right

# The goals: half within 12, 99 % within 25, all within 100.
set object 1 circle at 12,0.5 size graph 0.006 fc rgb black front
set object 2 circle at 25,0.01 size graph 0.006 fc rgb black front
set arrow 1 from 100,graph 0 to 100,graph 1 nohead lc rgb black dt 2 front
set label 1 'goals' at 12,0.5 right offset -1,0.4 front

plot for [i = 1:words(names)] curve(i) using 1:2 with steps lw 2.5 \
    lc rgb colour[(i - 1) % 7 + 1] title word(names, i)
