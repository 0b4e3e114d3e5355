# SPDX-License-Identifier: MIT
#
# Allocators along one trace: live bytes and each one's footprint; below it, where that was
# measured, the largest request that would succeed.
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
if (!exists("height")) height = has_largest ? 1000 : 640
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

set xrange [0:L_max_x/xu]
set xlabel sprintf('operations of the trace (%s)', count_name(L_max_x))
set ylabel sprintf('memory (%s)', byte_name(top))
set key at screen 0.5,0.01 center bottom horizontal samplen 1.5
if (has_largest) {
    set multiplot
    unset xlabel
    set margins screen 0.08, screen 0.97, screen 0.58, screen 0.95
} else {
    set margins screen 0.08, screen 0.97, screen 0.22, screen 0.92
}
set yrange [0:top/yu*1.04]
set title sprintf('%s: live bytes and the footprint of each allocator', trace)
plot first using (column('operations')/xu):(column('live_bytes')/yu) \
         with filledcurves y1=0 fc rgb c_live title 'live bytes', \
     for [i=n_allocators:1:-1] rows(word(allocators, i)) \
         using (column('operations')/xu):(column('footprint')/yu) with lines \
         lw (word(allocators, i) eq 'rmalloc' ? 3 : 1.6) \
         lc rgb allocator_colour(word(allocators, i)) title word(allocators, i)
if (has_largest) {
    unset key
    set xlabel sprintf('operations of the trace (%s)', count_name(L_max_x))
    set margins screen 0.08, screen 0.97, screen 0.14, screen 0.49
    set yrange [0:*]
    set title sprintf('%s: the largest request that would succeed, in a heap of 1.3 times ' \
            .'the peak', trace)
    plot for [i=n_allocators:1:-1] rows(word(allocators, i)) \
         using (column('operations')/xu):(column('largest')/yu) with lines \
         lw (word(allocators, i) eq 'rmalloc' ? 3 : 1.6) \
         lc rgb allocator_colour(word(allocators, i)) notitle
    unset multiplot
}
