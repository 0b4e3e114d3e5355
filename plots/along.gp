# SPDX-License-Identifier: MIT
#
# Allocators along one trace: live bytes and each one's footprint; the share of the footprint
# that is not live, which is fragmentation as it is seen from outside; and below them, where
# that was measured, the largest request that would succeed.
#
# By hand, with what was measured along the traces of a comparison:
#   rmtool compare --series series.csv TRACE...
#   gnuplot -e "series='series.csv'; trace='lua-wordfreq'; out='along.png'" plots/along.gp
# Without `trace` it is the file's first.

figure = 'along'
here = system("dirname '".ARG0."'")
reader(arguments) = sprintf("awk -f '%s/compare.awk' %s '%s'", here, arguments, series)
traces = system(reader("-v want=names -v column=trace"))
if (words(traces) == 0) {
    print sprintf('%s: %s: nothing to draw', figure, series)
    exit status 4
}
if (!exists("trace")) trace = word(traces, 1)
allocators = system(reader("-v want=names -v column=allocator -v none=floor"))
n_allocators = words(allocators)

# One allocator's rows of this trace, without comments.
rows(allocator) = sprintf("< awk -F, '!/^#/ && (!n++ || ($1 == \"%s\" && $2 == \"%s\"))' '%s'", \
        trace, allocator, series)
has_largest = system(sprintf("awk -F, '!/^#/ && n++ && $1 == \"%s\" && $7 != \"\" { print 1; " \
        ."exit }' '%s'", trace, series)) eq '1'
panels = has_largest ? 3 : 2
if (!exists("height")) height = 105 + 390*panels
load here.'/palette.gp'

first = rows(word(allocators, 1))
stats first using (column('operations')):(column('live_bytes')) name 'L' nooutput
top = L_max_y
do for [i=1:n_allocators] {
    stats rows(word(allocators, i)) using (column('footprint')) name 'F' nooutput
    if (exists("F_records") && F_records > 0 && F_max > top && F_max < 4*L_max_y) {
        top = F_max
    }
}
xu = count_unit(L_max_x)
yu = byte_unit(top)

# The panels from top to bottom; each has room for its title, the last one for the x axis.
low(panel) = (120.0 + 390*(panels - panel)) / height
high(panel) = low(panel) + 325.0/height

set multiplot
set xrange [0:L_max_x/xu]
set format x ''
set key at screen 0.5,0.004 center bottom horizontal samplen 1.5
set margins screen 0.08, screen 0.97, screen low(1), screen high(1)
set ylabel sprintf('memory (%s)', byte_name(top))
set yrange [0:top/yu*1.04]
set title sprintf('%s: live bytes and the footprint of each allocator', trace)
plot first using (column('operations')/xu):(column('live_bytes')/yu) \
         with filledcurves y1=0 fc rgb c_live title 'live bytes', \
     for [i=n_allocators:1:-1] rows(word(allocators, i)) \
         using (column('operations')/xu):(column('footprint')/yu) with lines \
         lw (word(allocators, i) eq 'rmalloc' ? 3 : 1.6) \
         lc rgb allocator_colour(word(allocators, i)) title word(allocators, i)

unset key
do for [panel=2:panels] {
    if (panel == panels) {
        set format x '%h'
        set xlabel sprintf('operations of the trace (%s)', count_name(L_max_x))
    }
    set margins screen 0.08, screen 0.97, screen low(panel), screen high(panel)
    if (panel == 2) {
        set title sprintf('%s: the share of each footprint that is not live', trace)
        set ylabel 'share of the footprint (%)'
        set yrange [0:100]
        plot for [i=n_allocators:1:-1] rows(word(allocators, i)) \
            using (column('operations')/xu):(column('footprint') > 0 ? \
                100*(1 - column('live_bytes')/column('footprint')) : NaN) with lines \
            lw (word(allocators, i) eq 'rmalloc' ? 3 : 1.6) \
            lc rgb allocator_colour(word(allocators, i)) notitle
    } else {
        set title sprintf('%s: the largest request that would succeed, in a heap of 1.3 ' \
            .'times the peak', trace)
        set ylabel sprintf('memory (%s)', byte_name(top))
        set yrange [0:*]
        plot for [i=n_allocators:1:-1] rows(word(allocators, i)) \
            using (column('operations')/xu):(column('largest')/yu) with lines \
            lw (word(allocators, i) eq 'rmalloc' ? 3 : 1.6) \
            lc rgb allocator_colour(word(allocators, i)) notitle
    }
}
unset multiplot
