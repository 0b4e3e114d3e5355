# SPDX-License-Identifier: MIT
#
# The heap's addresses over time: what is locked, used and free, without compaction
# (left) and with (right), on the same scale.
#
# By hand, with the heap maps of two replays of one trace:
#   rmtool replay --heap 5MiB --compact manual --heap-map plain-map.csv TRACE
#   rmtool replay --heap 5MiB --compact demand --step 500:0 --heap-map compacted-map.csv TRACE
#   gnuplot -e "plain='plain-map.csv'; compacted='compacted-map.csv'; out='heapmap.png'" \
#           plots/heapmap.gp

figure = 'heapmap'
height = 640
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

if (!exists("trace")) trace = comment(plain, 'trace')

# Pixels of one panel.
columns = 400
rows = 256

pixels = 'awk -f '.quoted(here.'/heapmap.awk').' '
plain_size = system(pixels.'-v measure=1 '.quoted(plain))
compacted_size = system(pixels.'-v measure=1 '.quoted(compacted))
events = real(word(plain_size, 1))
top = real(word(plain_size, 2))
if (real(word(compacted_size, 2)) > top) top = real(word(compacted_size, 2))
xu = count_unit(events)
yu = byte_unit(top)
settings = sprintf("-v events=%.0f -v top=%.0f -v columns=%d -v rows=%d -v colours='%d %d %d %d %d' ", \
    events, top, columns, rows, c_used, c_locked, c_free, c_metadata, c_outside)

set multiplot title sprintf('%s: what the heap holds, by address and time', \
    trace) font sheet_font
set xrange [0:events/xu]
set yrange [0:top/yu]
unset grid
set border 15
set xlabel sprintf('events of the trace (%s)', count_name(events))
set tmargin at screen 0.87
set bmargin at screen 0.22
set style fill solid 1.0 border rgb c_text

do for [panel = 0:1] {
    file = panel == 0 ? plain : compacted
    set lmargin at screen panel == 0 ? 0.085 : 0.535
    set rmargin at screen panel == 0 ? 0.510 : 0.965
    set title panel == 0 ? name_plain : name_compacted font panel_font offset 0,-0.4
    if (panel == 0) {
        set ylabel sprintf('address (%s from the low end of the heap)', byte_name(top))
    } else {
        unset ylabel
        set format y ''
    }
    unset key
    plot '< '.pixels.settings.quoted(file) \
        using (column('event')/xu):(column('offset')/yu):'red':'green':'blue' with rgbimage
}

# The legend has a panel of its own below.
set margins screen 0.085, screen 0.965, screen 0.02, screen 0.11
unset title
unset xlabel
unset border
unset tics
set key center center horizontal maxrows 1 width -2
set xrange [0:1]
set yrange [0:1]
plot -1 notitle, \
    keyentry with boxes fc rgb c_used title 'used', \
    keyentry with boxes fc rgb c_locked title 'a locked block', \
    keyentry with boxes fc rgb c_free title 'free', \
    keyentry with boxes fc rgb c_metadata title 'handle table', \
    keyentry with boxes fc rgb c_outside title 'outside the heap'
unset multiplot
