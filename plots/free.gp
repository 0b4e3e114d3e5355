# SPDX-License-Identifier: MIT
#
# The largest free block and the unusable-free-space index over time, without
# compaction (left) and with (right). The index of an order is the share of free
# memory that lies in spans of less than 2^order bytes, useless to a request of that
# size (after Linux's "unusable free space index").
#
# By hand, with the time series of two replays of one trace:
#   rmtool replay --heap 5MiB --compact manual --csv plain.csv TRACE
#   rmtool replay --heap 5MiB --compact demand --step 500:0 --csv compacted.csv TRACE
#   gnuplot -e "plain='plain.csv'; compacted='compacted.csv'; out='free.png'" plots/free.gp

figure = 'free'
height = 800
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

if (!exists("trace")) trace = comment(plain, 'trace')

stats plain using 'event':'free' name 'P' nooutput
stats compacted using 'event':'free' name 'C' nooutput
top = P_max_y > C_max_y ? P_max_y : C_max_y
events = P_max_x
xu = count_unit(events)
yu = byte_unit(top)

# Orders worth drawing: from blocks of 16 bytes to the most free memory there ever is.
order_low = 4
order_high = ceil(log(top > 64 ? top : 64) / log(2))

# Light is good, dark is bad; lightness alone orders it, so that it survives any eye
# and any printer (a one-hue ramp toward the palette's blue and black).
set palette defined (0 '#f7fbff', 0.25 '#b5d6ee', 0.5 '#56b4e9', 0.75 '#0072b2', \
    1 '#00213a')
set cbrange [0:1]
set cbtics 0.25 scale 0.4

set multiplot title sprintf('%s: the largest free block and what free memory is good for', \
    trace) font sheet_font
set xrange [0:events/xu]

left(panel) = panel == 0 ? 0.105 : 0.520
right(panel) = panel == 0 ? 0.475 : 0.890

do for [panel = 0:1] {
    file = panel == 0 ? plain : compacted
    colour = panel == 0 ? c_plain : c_compacted

    set lmargin at screen left(panel)
    set rmargin at screen right(panel)
    set tmargin at screen 0.885
    set bmargin at screen 0.60
    set title panel == 0 ? name_plain : name_compacted font panel_font offset 0,-0.4
    set yrange [0:top/yu*1.04]
    set ytics auto
    set xlabel ''
    unset colorbox
    if (panel == 0) {
        set ylabel sprintf('free memory (%s)', byte_name(top))
    } else {
        set ylabel ''
    }
    set format y (panel == 0 ? '% h' : '')
    set key at screen (left(panel)+right(panel))/2,0.525 center horizontal maxrows 1 width -4
    plot file using (column('event')/xu):(column('free')/yu) \
             with filledcurves y1=0 fc rgb c_live title 'free in all', \
         file using (column('event')/xu):(column('largest_free')/yu) \
             with lines lw 2 lc rgb colour title 'largest free block'

    set tmargin at screen 0.44
    set bmargin at screen 0.10
    set title 'share of free memory too small for a request of…' font panel_font offset 0,-0.4
    set yrange [order_low-0.5:order_high+0.5]
    set ytics ('' order_low)
    do for [n = order_low:order_high:2] {
        set ytics add ((panel == 0 ? order_name(n) : '') n)
    }
    set xlabel sprintf('events of the trace (%s)', count_name(events))
    if (panel == 0) { set ylabel 'size of the request' offset 0,0 }
    unset key
    if (panel == 1) {
        set colorbox user origin screen 0.905,0.10 size screen 0.015,0.34
        set cblabel 'unusable-free-space index' offset 0.5,0
    }
    plot '< awk -f '.quoted(here.'/unusable.awk').sprintf(' -v repeat=8 -v low=%d -v high=%d ', \
            order_low, order_high).quoted(file) \
        using (column('event')/xu):'order':'unusable' with image
}
unset multiplot
