# SPDX-License-Identifier: MIT
#
# Sessions of rmbrowse, one or several on one sheet: memory over the frames, how much of it is free and in
# which pieces, how long frames and steps of compaction take.
#
# By hand:
#   rmbrowse --script session.txt --compact idle --csv idle.csv
#   rmbrowse-malloc --script session.txt --csv malloc.csv
#   gnuplot -e "array sessions[2]=['idle.csv','malloc.csv']; out='session.png'" plots/session.gp

figure = 'session'
here = system("dirname '".ARG0."'")
if (!exists("page")) page = 0 # 1: narrower, for a page
if (!exists("width")) width = page ? 1280 : 1600
n = |sessions|
key_rows = int((n + 1) / 2)
head = 44 + 22*key_rows # pixels: the key, and a title; a panel; what is between two of one column
panel = 300
gap = 94
if (!exists("height")) height = head + 3*panel + 2*gap + 58
load here.'/palette.gp'
set datafile nocolumnheaders

# ------------------------------------------------------------------ names and colours

said(i, key) = comment(sessions[i], key)
is_malloc(i) = said(i, 'objects') eq 'malloc'
name_of(i) = is_malloc(i) ? 'malloc' : sprintf('rmalloc, %s, %s', \
    said(i, 'compaction') eq 'off' ? 'no compaction' : said(i, 'compaction'), \
    said(i, 'heaps') eq 'shared' ? 'one heap' : 'a heap a tab')
colour_of(i) = is_malloc(i) ? black : said(i, 'heaps') eq 'shared' ? \
    (said(i, 'compaction') eq 'off' ? orange : said(i, 'compaction') eq 'idle' ? sky : purple) : \
    (said(i, 'compaction') eq 'off' ? vermillion : said(i, 'compaction') eq 'idle' ? blue : green)

# Sessions of one name are told apart by their files, and by colours in the order that they come in.
array names[n]
array colour[n]
array cycle[7] = [blue, vermillion, green, orange, purple, sky, black]
alike = 0
do for [i=1:n] {
    names[i] = name_of(i)
    colour[i] = colour_of(i)
}
do for [i=2:n] { do for [j=1:i-1] { if (name_of(i) eq name_of(j)) { alike = 1 } } }
if (alike) {
    do for [i=1:n] {
        names[i] = sprintf('%s (%s)', name_of(i), system(sprintf("basename %s .csv", quoted(sessions[i]))))
        colour[i] = cycle[(i - 1) % 7 + 1]
    }
}

# ------------------------------------------------------------------ numbers

# Where all are of one script, frames are those of the first one in which it did the same: which lines there
# are is the same then, and not just none.
lines_of(i) = system(sprintf("awk -F, '/^#/ { next } !n++ { for (i = 1; i <= NF; i++) at[$i] = i; next } " \
    ."$at[\"line\"] != last { print last = $at[\"line\"] }' %s | cksum", quoted(sessions[i])))
aligned = n > 1 && lines_of(1) ne system('cksum </dev/null')
do for [i=2:n] { if (lines_of(i) ne lines_of(1)) { aligned = 0 } }
rows(i, arguments) = sprintf("< awk -f %s %s %s %s", quoted(here.'/session.awk'), arguments, \
    aligned && i > 1 ? quoted(sessions[1]) : '', quoted(sessions[i]))
frame_label = aligned ? 'frame, of the first' : 'frame'
last_frame = 0
top = 0
top_free = 0
top_ratio = 1
longest_frame = 0
longest_step = 0
stepping = '' # which of them have steps of compaction
do for [i=1:n] {
    stats rows(i, '-v of=footprint') using 1:2 name 'S' nooutput
    if (S_max_x > last_frame) { last_frame = S_max_x }
    if (S_max_y > top) { top = S_max_y }
    stats rows(i, '-v of=own_largest') using 2 name 'S' nooutput
    if (S_max > top_free) { top_free = S_max }
    stats rows(i, '-v of=own_footprint -v over=live') using 2 name 'S' nooutput
    if (S_max > top_ratio) { top_ratio = S_max }
    stats rows(i, '-v of=work_ns') using 2 name 'S' nooutput
    if (S_max > longest_frame) { longest_frame = S_max }
    stats rows(i, '-v of=longest_step_ns') using 2 name 'S' nooutput
    if (S_max > 0) { stepping = sprintf('%d ', i).stepping }
    if (S_max > longest_step) { longest_step = S_max }
}
yu = byte_unit(top)
fu = byte_unit(top_free)

# ------------------------------------------------------------------ the sheet

unit = 1.0 / height
low(row) = 1 - (head + row*panel + (row - 1)*gap) * unit
high(row) = low(row) + panel * unit
left_of(column) = column == 1 ? 0.058 : 0.557
right_of(column) = column == 1 ? 0.475 : 0.98
place(row, column) = sprintf('set margins screen %f, screen %f, screen %f, screen %f', \
    left_of(column), right_of(column), low(row), high(row))
dashed = 'nohead lc rgb black dt 2 lw 1.3 front'

set multiplot
set title font panel_font offset 0,-0.3
set xrange [0:last_frame]

# ---------------------------------------------------------------- the key
set margins screen 0.02, screen 0.98, screen 0, screen 1
unset border
unset tics
set yrange [0:1]
set key at screen 0.5,1-8*unit center top horizontal maxrows key_rows samplen 2
plot for [i=1:n] NaN with lines lw 3 lc rgb colour[i] title names[i]
set border 3
set xtics nomirror
set ytics nomirror
unset key

# ---------------------------------------------------------------- memory
eval place(1, 1)
set title 'memory of the process; grey: live bytes, and what libraries use besides'
set ylabel sprintf('memory (%s)', byte_name(top)) offset 0.5,0
set xlabel frame_label offset 0,0.4
set yrange [0:top/yu*1.04]
plot rows(1, '-v of=live -v plus=libraries') using 1:($2/yu) with filledcurves y1=0 \
         fc rgb 0xe6e6e6, \
     rows(1, '-v of=live') using 1:($2/yu) with filledcurves y1=0 fc rgb c_live, \
     for [i=n:1:-1] rows(i, '-v of=footprint') using 1:($2/yu) with lines lw 2 \
         lc rgb colour[i]

# ---------------------------------------------------------------- over live
eval place(1, 2)
set title 'what is held for own objects, over the bytes asked for them'
set ylabel 'times live bytes (log scale)'
set logscale y
if (top_ratio < 4) {
    set ytics (1, 1.1, 1.2, 1.5, 2, 3)
} else {
    set ytics (1, 1.5, 2, 3, 5, 10, 20, 50, 100, 1000)
}
set yrange [1:(top_ratio > 1.5 ? top_ratio*1.05 : 1.5)]
plot for [i=n:1:-1] rows(i, '-v of=own_footprint -v over=live') using 1:2 with lines lw 2 \
    lc rgb colour[i]
unset logscale y
set ytics auto

# ---------------------------------------------------------------- free memory
eval place(2, 1)
set title 'the largest free piece in what is held for own objects'
set ylabel sprintf('memory (%s)', byte_name(top_free))
set yrange [0:(top_free > 0 ? top_free/fu*1.04 : 1)]
plot for [i=n:1:-1] rows(i, '-v of=own_largest') using 1:($2/fu) with lines lw 2 \
    lc rgb colour[i]

eval place(2, 2)
set title 'fragmentation: free memory outside its largest piece, as a share of what is held'
set ylabel '%'
set yrange [0:100]
plot for [i=n:1:-1] rows(i, '-v of=own_free -v minus=own_largest -v over=own_footprint') using 1:(100*$2) with lines lw 2 \
    lc rgb colour[i]

# ---------------------------------------------------------------- times
eval place(3, 1)
set title 'frames, compaction aside: how many take at least so long'
set xlabel 'time of a frame (log scale)'
set ylabel 'share of the frames (log scale)'
set logscale xy
set format y '%g'
set format x ''
set xrange [1e5:(longest_frame > 2e7 ? longest_frame*1.2 : 2e7)]
set xtics add ("10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, "10 ms" 1e7, "100 ms" 1e8, "1 s" 1e9, "10 s" 1e10)
set yrange [0.5/last_frame:1]
set arrow 1 from 1.6e7,graph 0 to 1.6e7,graph 1 @dashed
set label 1 '16 ms' at 1.6e7,graph 0.06 right offset -0.6,0 front
plot for [i=n:1:-1] rows(i, '-v of=work_ns -v shares=1') using 1:2 with lines lw 2 \
    lc rgb colour[i]
unset logscale
unset arrow 1
unset label 1

eval place(3, 2)
set title 'the longest step of compaction in a frame'
set xlabel frame_label
set ylabel 'time of a step (log scale)'
set xtics auto
set format x '%h'
set xrange [0:last_frame]
set logscale y
set format y ''
set yrange [1e4:(longest_step > 4e6 ? longest_step*1.5 : 6e6)]
set ytics ("10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, "10 ms" 1e7, "100 ms" 1e8, "1 s" 1e9)
set arrow 1 from graph 0,first 2e6 to graph 1,first 2e6 @dashed
set label 1 '2 ms' at graph 0.99,first 2e6 right offset 0,0.6 front
if (words(stepping) > 0) {
    plot for [w in stepping] rows(int(w), '-v of=longest_step_ns -v positive=1') using 1:2 with points \
        pt 7 ps 0.4 lc rgb colour[int(w)]
} else {
    set label 2 'none' at graph 0.5,graph 0.5 center
    plot NaN
}
unset multiplot
