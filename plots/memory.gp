# SPDX-License-Identifier: MIT
#
# Live bytes and footprint over time, without and with compaction.
#
# By hand, with the time series of two replays of one trace:
#   rmtool replay --compact manual --csv plain.csv TRACE
#   rmtool replay --compact demand --step 500:0 --trim --csv compacted.csv TRACE
#   gnuplot -e "plain='plain.csv'; compacted='compacted.csv'; out='memory.png'" plots/memory.gp

figure = 'memory'
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

if (!exists("trace")) trace = comment(plain, 'trace')

stats plain using 'event':'capacity' name 'P' nooutput
stats compacted using 'event':'capacity' name 'C' nooutput
top = P_max_y > C_max_y ? P_max_y : C_max_y
xu = count_unit(P_max_x)
yu = byte_unit(top)

set title sprintf("%s: live bytes and the heap's footprint", trace)
set xlabel sprintf('events of the trace (%s)', count_name(P_max_x))
set ylabel sprintf('memory (%s)', byte_name(top))
set xrange [0:P_max_x/xu]
set yrange [0:top/yu*1.04]
set margins screen 0.08, screen 0.97, screen 0.19, screen 0.92
set key at screen 0.52,0.055 center horizontal maxrows 1 width -4

plot plain using (column('event')/xu):(column('requested')/yu) \
         with filledcurves y1=0 fc rgb c_live title 'live bytes', \
     plain using (column('event')/xu):(column('capacity')/yu) \
         with lines lw 3.5 lc rgb c_plain title sprintf('%s, peak %s', \
         name_plain, bytes_text(P_max_y)), \
     compacted using (column('event')/xu):(column('capacity')/yu) \
         with lines lw 2 lc rgb c_compacted title sprintf('%s, peak %s', \
         name_compacted, bytes_text(C_max_y))
