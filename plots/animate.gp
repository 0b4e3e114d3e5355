# SPDX-License-Identifier: MIT
#
# The heap over time as an animation: what each of its cells holds, without compaction (left)
# and with (right), and below them external fragmentation with a mark at the moment.
#
# By hand, with the heap maps and series of two replays of one trace:
#   rmtool replay --heap 5MiB --compact manual --csv plain.csv --map-cells 1024 \
#           --heap-map plain-map.csv TRACE
#   rmtool replay --heap 5MiB --compact demand --step 500:0 --csv compacted.csv \
#           --map-cells 1024 --heap-map compacted-map.csv TRACE
#   gnuplot -e "plain='plain.csv'; compacted='compacted.csv'; plain_map='plain-map.csv'; \
#           compacted_map='compacted-map.csv'; out='heap.gif'" plots/animate.gp
#
# `frames=…` is how many frames there are, `delay=…` how long one stays, in 1/100 s.

figure = 'animation'
here = system("dirname '".ARG0."'")
if (!exists("frames")) frames = 150
if (!exists("delay")) delay = 8
if (!exists("width")) width = 960
if (!exists("height")) height = 640
animation = 1
load here.'/palette.gp'

if (!exists("trace")) trace = comment(plain, 'trace')

pixels = 'awk -f '.quoted(here.'/heapmap.awk').' -v measure=1 '
plain_size = system(pixels.quoted(plain_map))
compacted_size = system(pixels.quoted(compacted_map))
events = real(word(plain_size, 1))
top = real(word(plain_size, 2))
if (real(word(compacted_size, 2)) > top) top = real(word(compacted_size, 2))
cell_size(file) = real(system("awk -F, '/^[0-9]/ { print $3; exit }' ".quoted(file)))
array cells[2]
cells[1] = ceil(top / cell_size(plain_map))
cells[2] = ceil(top / cell_size(compacted_map))

# Squares of whole pixels, as large as a panel has room for.
room_x = 0.45*width
room_y = 0.52*height
fits(n, p) = ceil(1.0 * n / floor(room_x/p)) * p <= room_y
side(n, p) = p <= 2 || fits(n, p) ? p : side(n, p - 1)
array sides[2]
array columns[2]
do for [run = 1:2] {
    sides[run] = side(cells[run], 24)
    columns[run] = floor(room_x / sides[run])
}
moments = sprintf("awk -f '%s/animate.awk' -v frames=%d -v events=%.0f -v top=%.0f ", here, \
    frames, events, top)
painted(run, file) = moments.sprintf("-v want=cells -v columns=%d %s", columns[run], quoted(file))
array values[2*frames]
do for [run = 0:1] {
    lines = system(moments."-v want=values ".quoted(run == 0 ? plain : compacted)." | tr '\\n' ';'")
    do for [frame = 1:frames] {
        stop = strstrt(lines, ';')
        values[run*frames + frame] = lines[1:stop-1]
        lines = lines[stop+1:*]
    }
}
set datafile nocolumnheaders
set table $plain separator comma
plot '< '.painted(1, plain_map) using 1:2:3 with table
unset table
set table $compacted separator comma
plot '< '.painted(2, compacted_map) using 1:2:3 with table
unset table

# The kinds of animate.awk.
mixed(share) = sprintf('#%02x%02x%02x', int(255 - 255*share), int(255 - 141*share), int(255 - 77*share))
set palette model RGB maxcolors 8 defined (0 '#d4d4d4', 1 '#ffffff', 2 mixed(0.25), \
    3 mixed(0.5), 4 mixed(0.75), 5 '#0072b2', 6 '#e69f00', 7 '#cc79a7')
set cbrange [-0.5:7.5]
unset colorbox

xu = count_unit(events)
do for [frame = 0:frames-1] {
    set multiplot title sprintf('%s: the heap at event %s of %.0f', trace, \
        word(values[frame + 1], 1), events) font sheet_font offset 0,-0.2
    do for [run = 0:1] {
        value = values[run*frames + frame + 1]
        n = cells[run + 1]
        p = sides[run + 1]
        across = columns[run + 1]
        rows = ceil(1.0 * n / across)
        left = run == 0 ? int(0.03*width) : int(0.52*width)
        bottom = int(0.875*height) - rows*p
        set margins screen 1.0*left/width, screen 1.0*(left + across*p)/width, \
            screen 1.0*bottom/height, screen 1.0*(bottom + rows*p)/height
        half = p > 5 ? 0.5 - 1.0/p : 0.5
        set title sprintf('%s: %.0f %% fragmentation%s', run == 0 ? name_plain : name_compacted, \
            real(word(value, 2)), word(value, 4) eq '0' ? '' : \
            sprintf(', %s locked', bytes_text(real(word(value, 4))))) font panel_font offset 0,-0.6
        set border 15 lc rgb c_grid
        unset tics
        unset key
        unset xlabel
        unset ylabel
        unset grid
        set xrange [0:across]
        set yrange [0:rows]
        set style fill solid 1.0 noborder
        if (run == 0) {
            plot $plain every ::frame*n::(frame + 1)*n-1 \
                using ($1+0.5):($2+0.5):(half):(half):3 with boxxyerror lc palette
        } else {
            plot $compacted every ::frame*n::(frame + 1)*n-1 \
                using ($1+0.5):($2+0.5):(half):(half):3 with boxxyerror lc palette
        }
    }
    set margins screen 0.075, screen 0.97, screen 0.155, screen 0.295
    set border 3 lc rgb c_text
    unset title
    set xrange [0:events/xu]
    set yrange [0:100]
    set xtics nomirror out scale 0.6 textcolor rgb c_text
    set ytics 50 nomirror out scale 0.6 textcolor rgb c_text
    set xlabel sprintf('events of the trace (%s)', count_name(events)) offset 0,0.5
    set ylabel 'fragmentation (%)' offset 1,0
    set arrow 1 from frame/(frames - 1.0)*events/xu,graph 0 to frame/(frames - 1.0)*events/xu,graph 1 \
        nohead lc rgb black lw 1.5 front
    set datafile columnheaders
    plot plain using (column('event')/xu):(100*column('external_fragmentation')) \
            with lines lw 2.5 lc rgb c_plain, \
        compacted using (column('event')/xu):(100*column('external_fragmentation')) \
            with lines lw 1.8 lc rgb c_compacted
    set datafile nocolumnheaders
    unset arrow 1

    # The legend has a panel of its own below.
    set margins screen 0.03, screen 0.97, screen 0.005, screen 0.065
    unset border
    unset tics
    unset xlabel
    unset ylabel
    set key center center horizontal maxrows 1 samplen 1.5
    set xrange [0:1]
    set yrange [0:1]
    plot -1 notitle, keyentry with boxes fc rgb c_used title 'used', \
        keyentry with boxes fc rgb c_locked title 'a locked block', \
        keyentry with boxes fc rgb c_metadata title 'handle table', \
        keyentry with lines lw 2.5 lc rgb c_plain title name_plain, \
        keyentry with lines lw 1.8 lc rgb c_compacted title name_compacted
    unset multiplot
}
