# SPDX-License-Identifier: MIT
#
# External and internal fragmentation, without and with compaction, on one sheet.
#
# By hand, with the time series of two replays of one trace:
#   rmtool replay --heap 5MiB --compact manual --csv plain.csv TRACE
#   rmtool replay --heap 5MiB --compact demand --step 500:0 --csv compacted.csv TRACE
#   gnuplot -e "plain='plain.csv'; compacted='compacted.csv'; out='fragmentation.png'" \
#           plots/fragmentation.gp

figure = 'fragmentation'
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

if (!exists("trace")) trace = comment(plain, 'trace')

stats plain using 'event':'external_fragmentation' name 'PE' nooutput
stats compacted using 'event':'external_fragmentation' name 'CE' nooutput
stats plain using 'event':'internal_fragmentation' name 'PI' nooutput
stats compacted using 'event':'internal_fragmentation' name 'CI' nooutput
events = PE_max_x
xu = count_unit(events)
means(p, c) = sprintf('mean %.1f %% %s, %.1f %% with', 100*p, name_plain, 100*c)

set multiplot layout 2,1 margins 0.08,0.97,0.15,0.86 spacing 0,0.15 \
    title sprintf('%s: fragmentation without and with compaction', trace) \
    font sheet_font
set xrange [0:events/xu]
unset key

set title sprintf('External: free memory outside the largest free block (%s)', \
    means(PE_mean_y, CE_mean_y)) font panel_font offset 0,-0.4
set ylabel 'share of free memory (%)'
set yrange [0:102]
set ytics 25
plot plain using (column('event')/xu):(100*column('external_fragmentation')) \
         with lines lw 3.5 lc rgb c_plain, \
     compacted using (column('event')/xu):(100*column('external_fragmentation')) \
         with lines lw 2 lc rgb c_compacted

set title sprintf('Internal: memory of blocks that nobody asked for (%s)', \
    means(PI_mean_y, CI_mean_y)) font panel_font offset 0,-0.4
set xlabel sprintf('events of the trace (%s)', count_name(events))
set ylabel 'share of used memory (%)'
top = 100 * (PI_max_y > CI_max_y ? PI_max_y : CI_max_y) * 1.08
set yrange [0:(top < 2 ? 2 : top)]
set ytics auto
set key at screen 0.52,0.035 center horizontal
plot plain using (column('event')/xu):(100*column('internal_fragmentation')) \
         with lines lw 3.5 lc rgb c_plain title name_plain, \
     compacted using (column('event')/xu):(100*column('internal_fragmentation')) \
         with lines lw 2 lc rgb c_compacted title name_compacted
unset multiplot
