# SPDX-License-Identifier: MIT
#
# Pauses: how long the steps of compaction take, for several traces. Above, the share of
# the steps that take longer than some time, which shows the rare ones; below it a
# histogram for each trace, with its percentiles and the goals for them.
#
# By hand:
#   rmtool micro --csv steps.csv steps
#   gnuplot -e "csv='steps.csv'; out='steps.png'" plots/micro-steps.gp

figure = 'micro-steps'
here = system("dirname '".ARG0."'")

# The fields of the rows whose second one begins like that, spaces in names as underscores.
rows_of(what) = sprintf("awk -F, -v what='%s of ' '$1 == \"steps\" && " \
    ."index($2, what) == 1 { name = substr($2, length(what) + 1); gsub(/ /, \"_\", name); ", what)
names = system(rows_of('histogram')."if (!seen[name]++) print name }' '".csv."'")
n = words(names)
if (n == 0) {
    print sprintf('%s: %s: no steps', figure, csv)
    exit status 4
}
curve(i) = '< '.rows_of('curve').sprintf("if (name == \"%s\") print $5 \",\" $3 }' '%s'", \
    word(names, i), csv)
bars(i) = '< '.rows_of('histogram').sprintf("if (name == \"%s\") print $3 \",\" $5 }' '%s'", \
    word(names, i), csv)
# A percentile of a trace: 'half within', '99 % within', 'longest'.
quantile(i, which) = real(system(sprintf("awk -F, '$1 == \"steps\" { what = $2; " \
    ."gsub(/ /, \"_\", what); if (what == \"64_KiB_steps_of_%s;_%s\") print $5 }' '%s'", \
    word(names, i), which, csv)))

top = 430        # pixels: the part above, a panel, and what is below the last one
panel = 110
bottom = 62
if (!exists("height")) height = top + n * panel + bottom
load here.'/palette.gp'
set datafile nocolumnheaders
array colour[7] = [blue, vermillion, green, orange, purple, sky, black]
colour_of(i) = colour[(i - 1) % 7 + 1]
unit = 1.0 / height

array share[3] = [0.5, 0.01, 0]
array which[3] = ['half_within', '99_%_within', 'longest']
array words_of[3] = ['half within', '99 % within', 'longest']
array goal[3] = [12, 25, 100]
array dashes[3] = [3, 2, 1]

# Times as powers of ten, so that the boxes have one width and all panels one axis.
low = 0
high = 2.2
do for [i = 1:n] {
    stats bars(i) using (log10($1)) name 'S' nooutput
    if (S_max + 0.1 > high) { high = S_max + 0.1 }
    if (S_min < low) { low = S_min }
}
set xrange [floor(low):high + 0.05]
with_names = ''
without = ''
do for [p = floor(low):ceil(high)] {
    with_names = with_names.sprintf(', "%s" %d', duration_text(1000 * 10.0**p), p)
    without = without.sprintf(', "" %d', p)
    do for [m = 2:9] { with_names = with_names.sprintf(', "" %f 1', p + log10(m)) }
}
name_tics = 'set xtics ('.with_names[3:*].')'
hide_tics = 'set xtics ('.without[3:*].')'
eval name_tics

set multiplot
set lmargin at screen 0.085
set rmargin at screen 0.975

# ---------------------------------------------------------------- the rare ones
set tmargin at screen 1 - 46 * unit
set bmargin at screen 1 - (top - 72) * unit
set title 'pauses: how long a step of compaction of at most 64 KiB takes'
set xlabel 'time of a step (log scale)' offset 0,0.3
set ylabel 'share of the steps that take longer' offset 0.5,0
set logscale y
set format y '%g'
set yrange [*:1]
unset key # the colours are those of the panels below
do for [g = 1:2] {
    set object g circle at log10(goal[g]),share[g] size graph 0.006 fc rgb black front
}
set arrow 3 from log10(goal[3]),graph 0 to log10(goal[3]),graph 1 nohead lc rgb black dt 2 \
    lw 1.3 front
set label 1 "goals: half within 12 µs, 99 % within 25 µs (dots),\n" \
    ."none over 100 µs (dashed)" at log10(goal[3]),graph 0.93 right offset -0.8,0
plot for [i = 1:n] curve(i) using (log10($1)):2 with steps lw 2.5 lc rgb colour_of(i)
do for [g = 1:3] { unset object g; unset arrow g }

# ---------------------------------------------------------------- one panel a trace
unset title
unset xlabel
unset ylabel
unset label 1
set ytics (0.01, 1, 100)
set format y '%g %%'
set boxwidth 0.094
set label 90 'share of the steps, by their time' at screen 0.018,screen \
    (bottom + n * panel / 2.0) * unit center rotate by 90
do for [i = 1:n] {
    base = bottom + (n - i) * panel
    set bmargin at screen (base + 12) * unit
    set tmargin at screen (base + panel - 4) * unit
    set yrange [0.002:6000]
    if (i == n) {
        eval name_tics
        set xlabel 'time of a step (log scale); lines: what half, 99 % and all of ' \
            .'the steps keep within; dashed: the goals for these' offset 0,0.3
    } else {
        eval hide_tics
    }
    caption = word(names, i).': '
    do for [q = 1:3] {
        us = quantile(i, which[q])
        if (us > 0) {
            set arrow 10 + q from log10(us),graph 0 to log10(us),graph 0.78 nohead \
                lc rgb black lw 2 front
        }
        set arrow 20 + q from log10(goal[q]),graph 0 to log10(goal[q]),graph 0.78 nohead \
            lc rgb black dt 2 lw 1.2 front
        caption = caption.sprintf('%s%s %s', q > 1 ? ', ' : '', words_of[q], duration_text(1000 * us))
    }
    set label 10 caption at graph 0.005,graph 0.91 left front
    plot bars(i) using (log10($1) + 0.05):2 with boxes lc rgb colour_of(i)
    unset label 90
}
unset multiplot
