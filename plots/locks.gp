# SPDX-License-Identifier: MIT
#
# What the models of locking say of one program, by model and parameter: how much is
# locked, by how many locks, and how near that is to the program's own locks, where it has
# said which these are; or, with what='cost', what the locks cost compaction.
#
# By hand:
#   rmtool locks --sweep --truth --cost --csv locks.csv -- COMMAND
#   gnuplot -e "csv='locks.csv'; out='locks.png'" plots/locks.gp
#   gnuplot -e "csv='locks.csv'; what='cost'; out='cost.png'" plots/locks.gp

figure = 'locks'
width = 1600
height = 1000
here = system("dirname '".ARG0."'")
load here.'/palette.gp'

if (!exists("what")) what = 'locks'
if (!exists("trace")) trace = comment(csv, 'trace')

# The value of a column in the row of one model; '' where there is none.
cell(model, name) = system(sprintf("awk -F, '/^#/ { next } !n { for (i = 1; i <= NF; i++) " \
    ."c[$i] = i; n = 1; next } $1 == \"%s\" { print $c[\"%s\"]; exit }' %s", \
    model, name, quoted(csv)))
n_rows_of(kind, name) = int(system(sprintf("awk -F, '/^#/ { next } !n { for (i = 1; i <= NF; " \
    ."i++) c[$i] = i; n = 1; next } $2 == \"%s\" && $c[\"%s\"] != \"\"' %s | wc -l", \
    kind, name, quoted(csv))))

# ---------------------------------------------------------------- columns: the models

array kind[5] = ['gap', 'pause', 'frame', 'life', 'life']
array axis[5] = ['G: accesses to other blocks', 'T: instructions', 'UP: callers above', \
    'CAP of its life (OWN is 1)', 'OWN of its life (CAP is 10k)']
array name[5] = ['gap:G', 'gap:Ti', 'frame:UP', 'life:CAP', 'life:CAP:OWN:0.5']
# A life is drawn by its cap where an access is worth 1, by that worth where it is not.
x_of(i) = strcol('kind') ne kind[i] ? NaN : i == 4 ? (column('own') == 1 ? \
    column('parameter') : NaN) : i == 5 ? (column('parameter') >= 10000 ? column('own') : \
    NaN) : column('parameter')
number(s) = strlen(s) ? real(s) : NaN

# ------------------------------------------------------------------- rows: figures

if (what eq 'cost') {
    if (cell('none', 'footprint') eq '') {
        print sprintf('%s: %s: no costs in it; --cost measures them', figure, csv)
        exit status 4
    }
    rows = 4
    array first[4] = ['held_back', 'external_fragmentation', 'moved', 'smallest_over_live']
    array second[4] = ['', '', '', '']
    array label[4] = ['KiB held back, mean', 'external fragmentation, %', 'MiB moved', \
        'smallest region / peak']
    array scale[4] = [1.0/1024, 100, 1.0/2**20, 1]
    array logarithmic[4] = [0, 0, 0, 0]
    heading = sprintf('%s: what locking costs compaction, by model', trace)
} else {
    has_truth = cell('truth', 'locks') ne '' && n_rows_of('gap', 'recall') + \
        n_rows_of('frame', 'recall') + n_rows_of('life', 'recall') > 0
    rows = has_truth ? 4 : 2
    array first[4] = ['locked_bytes', 'locks', 'recall', 'lock_recall']
    array second[4] = ['locked_blocks', '', 'precision', 'lock_precision']
    array label[4] = ['% of live, locked', 'locks', 'of blocks x time, %', 'of locks, %']
    array scale[4] = [100, 1, 100, 100]
    array logarithmic[4] = [1, 1, 0, 0]
    heading = sprintf('%s: its locks, by model and parameter', trace)
}
first_name(r) = r == 1 ? 'bytes' : 'recall'
second_name(r) = r == 1 ? 'blocks' : 'precision'

set multiplot layout rows,5 columnsfirst title heading font sheet_font \
    margins 0.075,0.985,0.085,0.90 spacing 0.03,0.035

do for [i = 1:5] {
    do for [r = 1:rows] {
        unset title
        unset xlabel
        unset ylabel
        unset logscale
        unset arrow
        unset label
        unset key
        set xrange [*:*]
        set xtics auto
        set ytics auto
        set yrange [*:*]
        # One range for all panels of a row, or they could not be compared.
        stats csv using (logarithmic[r] && column(first[r]) == 0 ? NaN : column(first[r]) * scale[r]) name 'A' nooutput
        low = A_min
        high = A_max
        if (strlen(second[r])) {
            stats csv using (column(second[r]) > 0 ? column(second[r]) * scale[r] : NaN) name 'B' nooutput
            low = B_min < low ? B_min : low
            high = B_max > high ? B_max : high
        }
        set format x '' # only the lowest panel says what is along it
        set format y (r == 2 && what ne 'cost' ? '%.0s%c' : '%g')
        if (i != 3) { set logscale x }
        if (i == 3) { set xrange [-0.5:8.5] }
        if (logarithmic[r]) { set logscale y }
        if (r == 1) { set title name[i] font panel_font offset 0,-0.5 }
        if (i == 1) { set ylabel label[r] font ',11' offset 0,0 }
        if (r == rows) {
            set xlabel axis[i] offset 0,0.4
            if (i == 3) { set format x '%g' } else { set format x '%.0s%c'; set xtics font ',10' }
        }

        if (logarithmic[r]) {
            low = low > 0.001 ? low : 0.001
            set yrange [low / 2:high * 2]
        } else {
            if (scale[r] == 100 && what ne 'cost') { set yrange [0:105] } else {
                room = (high - low) * 0.08 + 1e-9
                set yrange [low - room:high + room]
            }
        }
        if (i > 1) { set format y '' }
        truth = number(cell('truth', first[r])) * scale[r]
        truth_second = strlen(second[r]) ? number(cell('truth', second[r])) * scale[r] : NaN
        none = what eq 'cost' ? number(cell('none', first[r])) * scale[r] : NaN
        # The names stand where there is room: in the panel of the life's cap.
        if (i == 4 && (r == 1 || (what ne 'cost' && r == 3))) {
            set key at graph 0.03,0.97 left top samplen 1.5 font ',9' opaque
        }
        drawn = what eq 'cost' ? 'the model' : first_name(r)
        if (strlen(second[r])) {
            plot csv using (x_of(i)):(column(first[r]) * scale[r]) with linespoints \
                    pt 7 ps 0.8 lw 1.6 lc rgb blue title drawn, \
                csv using (x_of(i)):(column(second[r]) * scale[r]) with linespoints \
                    pt 5 ps 0.8 lw 1.6 lc rgb orange title second_name(r), \
                truth with lines dt 2 lw 1.4 lc rgb blue title (truth == truth ? \
                    'bytes, by its own locks' : ''), \
                truth_second with lines dt 2 lw 1.4 lc rgb orange title \
                    (truth == truth ? 'blocks, likewise' : '')
        } else {
            plot csv using (x_of(i)):(column(first[r]) * scale[r]) with linespoints \
                    pt 7 ps 0.8 lw 1.6 lc rgb blue title drawn, \
                truth with lines dt 2 lw 1.4 lc rgb vermillion title (truth == truth ? 'its own locks' : ''), \
                none with lines dt 3 lw 1.4 lc rgb green title (none == none ? 'no locks' : '')
        }
    }
}
unset multiplot
