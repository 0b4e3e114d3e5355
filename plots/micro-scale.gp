# SPDX-License-Identifier: MIT
#
# Whether a heap stays as fast when it gets large: times by live bytes and by the number
# of handles.
#
# By hand:
#   rmtool micro --csv scale.csv scale
#   gnuplot -e "csv='scale.csv'; out='scale.png'" plots/micro-scale.gp

figure = 'micro-scale'
height = 800
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

set datafile nocolumnheaders
rows(what, unit) = sprintf("< awk -F, '$1 == \"scale\" && $2 == \"%s\" && $4 == \"%s\" " \
    ."{ print $3 \",\" $5 }' %s", what, unit, quoted(csv))

set multiplot title 'time by size of the heap' font sheet_font
set logscale xy
set key top left
set tmargin 0
set bmargin 0

array unit[2] = ['MiB live', 'handles']
array axis[2] = ['live (MiB), blocks of 16 to 496 bytes', 'handles, blocks of 32 bytes']
array left[2] = [0.09, 0.58]
do for [i = 1:2] {
    set lmargin at screen left[i]
    set rmargin at screen left[i] + 0.39
    unset xlabel
    set format x ''
    set tmargin at screen 0.92
    set bmargin at screen 0.54
    set ylabel i == 1 ? 'ns, processor' : ''
    set format y '%.0s%c'
    set yrange [10:*]
    plot rows('free or alloc', unit[i]) using 1:2 with linespoints lw 2 pt 7 \
             lc rgb blue title 'free or allocation', \
         rows('lock + write + unlock', unit[i]) using 1:2 with linespoints lw 2 pt 5 \
             lc rgb orange title 'lock, write, unlock'
    set tmargin at screen 0.48
    set bmargin at screen 0.10
    set format x '%.0s%c'
    set format y '%g'
    set xlabel axis[i]
    set ylabel i == 1 ? 'µs' : ''
    set yrange [0.01:*]
    plot rows('64 KiB step; half within', unit[i]) using 1:2 with linespoints lw 2 pt 7 \
             lc rgb green title '64 KiB step, half within', \
         rows('64 KiB step; 99 % within', unit[i]) using 1:2 with linespoints lw 2 pt 9 \
             lc rgb vermillion title '64 KiB step, 99 % within', \
         rows('rm_heap_stats', unit[i]) using 1:2 with linespoints lw 2 pt 5 \
             lc rgb purple title 'rm_heap_stats', \
         rows('rm_heap_stats_quick', unit[i]) using 1:2 with linespoints lw 2 pt 4 \
             lc rgb sky title 'rm_heap_stats_quick'
}
unset multiplot
