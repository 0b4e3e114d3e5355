# SPDX-License-Identifier: MIT
#
# Whether a heap stays as fast when it gets large: times by live bytes and by the number
# of handles, of operations, of steps of compaction, and of looking at the heap.
#
# By hand:
#   rmtool micro --csv scale.csv scale
#   gnuplot -e "csv='scale.csv'; out='scale.png'" plots/micro-scale.gp

figure = 'micro-scale'
if (!exists("height")) height = 1060
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

set datafile nocolumnheaders
rows(what, unit) = sprintf("< awk -F, '$1 == \"scale\" && $2 == \"%s\" && $4 == \"%s\" " \
    ."{ print $3 \",\" $5 }' %s", what, unit, quoted(csv))
array sizes[2] = ['MiB live', 'handles']
array axis[2] = ['live bytes (MiB), in blocks of 16 to 496 bytes', 'handles, to blocks of 32 bytes']
array left[2] = [0.085, 0.585]
array n[2]
do for [i = 1:2] {
    n[i] = int(system(sprintf("awk -F, '$1 == \"scale\" && $4 == \"%s\" { n++ } " \
        ."END { print n + 0 }' %s", sizes[i], quoted(csv))))
}
if (n[1] + n[2] == 0) {
    print sprintf('%s: %s: no sizes', figure, csv)
    exit status 4
}
# What did not fit into memory: the first in full, the others by name.
left_out = system("awk -F, '$1 == \"scale\" && sub(/^skipped: /, \"\", $NF) { " \
    ."gsub(/;/, \",\", $NF); text = text ? text \", \" $2 : $2 \" (\" $NF \")\" } " \
    ."END { print text }' ".quoted(csv))

# A row of panels: from where to where on the sheet, and the legend above it.
array top[3] = [0.900, 0.605, 0.310]
array bottom[3] = [0.700, 0.405, 0.110]
array goal[3] = [12, 25, 100]
array goal_colour[3] = [green, orange, vermillion]
step_top = 200
do for [i = 1:2] {
    if (n[i] == 0) { continue }
    stats rows('64 KiB step; longest', sizes[i]) using 2 name 'S' nooutput
    if (1.3 * S_max > step_top) { step_top = 1.3 * S_max }
}

set multiplot title 'time by the size of the heap (dashed: goals)' font sheet_font
if (strlen(left_out) > 0) {
    set label 99 'left out: '.left_out at screen 0.02,screen 0.012 left
}
set logscale xy
set format x '%.0s%c'
set format y '%g'
do for [row = 1:3] {
    do for [i = 1:2] {
        if (n[i] == 0) { continue }
        set lmargin at screen left[i]
        set rmargin at screen left[i] + 0.39
        set tmargin at screen top[row]
        set bmargin at screen bottom[row]
        if (i == 1) {
            set xrange [0.3:8000]
            set xtics ('1' 1, '16' 16, '256' 256, '4096' 4096)
        } else {
            set xrange [250:2e8]
            set xtics auto
        }
        set ytics auto
        set xlabel row == 3 ? axis[i] : ''
        if (i == 1 || n[1] == 0) {
            set key at screen 0.5,screen top[row] + 0.026 center horizontal samplen 1.5 maxrows 1
        } else {
            unset key
            unset label 99
        }
        if (row == 1) {
            set ylabel 'time of an operation (ns)'
            set yrange [1:*]
            plot rows('free or alloc', sizes[i]) using 1:2 with linespoints lw 2 pt 7 \
                     lc rgb blue title 'free or allocation', \
                 rows('lock + write + unlock', sizes[i]) using 1:2 with linespoints lw 2 \
                     pt 5 lc rgb orange title 'lock, write, unlock'
        }
        if (row == 2) {
            set ylabel 'time of a 64 KiB step (µs)'
            set yrange [1:step_top]
            do for [g = 1:3] {
                set arrow g from graph 0,first goal[g] to graph 1,first goal[g] nohead \
                    lc rgb goal_colour[g] dt 2 lw 1.3 front
                set label g sprintf('%d µs', goal[g]) at graph 0.01,first goal[g] left \
                    offset 0,0.45 textcolor rgb goal_colour[g] front
            }
            plot rows('64 KiB step; longest', sizes[i]) using 1:2 with linespoints lw 2 \
                     pt 5 lc rgb vermillion title 'longest', \
                 rows('64 KiB step; 99 % within', sizes[i]) using 1:2 with linespoints lw 2 \
                     pt 9 lc rgb orange title '99 % within', \
                 rows('64 KiB step; half within', sizes[i]) using 1:2 with linespoints lw 2 \
                     pt 7 lc rgb green title 'half within'
            do for [g = 1:3] { unset arrow g; unset label g }
        }
        if (row == 3) {
            set ylabel 'time of a look at the heap'
            set yrange [0.01:1e6]
            set ytics ('10 ns' 0.01, '1 µs' 1, '100 µs' 100, '10 ms' 1e4, '1 s' 1e6)
            plot rows('rm_heap_stats', sizes[i]) using 1:2 with linespoints lw 2 pt 5 \
                     lc rgb purple title 'rm_heap_stats', \
                 rows('rm_heap_stats_quick', sizes[i]) using 1:2 with linespoints lw 2 pt 4 \
                     lc rgb sky title 'rm_heap_stats_quick'
        }
    }
}
unset multiplot
