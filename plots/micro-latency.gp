# SPDX-License-Identifier: MIT
#
# How long a thread waits for a lock and for a block while another compacts, beside the same
# without compaction, and beside two clock reads with nothing between them. Above, the share
# of the calls that take longer than some time, which shows the rare ones; below it the
# histograms.
#
# By hand:
#   rmtool micro --csv latency.csv latency
#   gnuplot -e "csv='latency.csv'; out='latency.png'" plots/micro-latency.gp

figure = 'micro-latency'
if (!exists("height")) height = 900
here = system("dirname '".ARG0."'")
load here.'/palette.gp'
set datafile nocolumnheaders

# The rows of one distribution: 'curve' is share by time, 'histogram' percent by time.
rows(what, call, run) = sprintf("awk -F, '$1 == \"latency\" && $2 == \"%s of %s; %s\" " \
    ."{ print %s }' %s", what, call, run, \
    what eq 'curve' ? '$5 "," $3' : '$3 "," $5', quoted(csv))
count(call, run) = int(system(rows('curve', call, run)." | wc -l"))
# A percentile, such as '99.99 % within'.
quantile(call, run, which) = real(system(sprintf("awk -F, '$1 == \"latency\" && " \
    ."$2 == \"%s; %s; %s\" { print $5 }' %s", call, run, which, quoted(csv))))

plain      = 'no compaction'
background = 'background compaction'
alone      = 'nothing else runs'
clock      = 'two clock reads'
array calls[2] = ['rmlock', 'rmalloc']
array goal[2]  = [10, 50]
array left[2]  = [0.09, 0.58]
array run[2]   = [plain, background]
array name[2]  = [name_plain, 'beside compaction']
array colour[2] = [c_plain, c_compacted]
if (count(calls[1], plain) + count(calls[1], background) == 0) {
    print sprintf('%s: %s: no latencies', figure, csv)
    exit status 4
}

# One axis for all panels, as powers of ten of microseconds.
low = 10
high = 0
least = 0
do for [c = 1:2] {
    do for [r = 1:2] {
        if (count(calls[c], run[r]) == 0) { continue }
        stats '< '.rows('histogram', calls[c], run[r]) using (log10($1)) name 'T' nooutput
        if (T_min < low) { low = T_min }
        if (T_max > high) { high = T_max }
        stats '< '.rows('curve', calls[c], run[r]) using (log10($2)) name 'S' nooutput
        if (S_min < least) { least = S_min }
    }
}
if (high < 2) { high = 2 }
set xrange [floor(low):high + 0.15]
tics = ''
do for [p = floor(low):ceil(high)] {
    tics = tics.sprintf(', "%s" %d', duration_text(1000 * 10.0**p), p)
    do for [m = 2:9] { tics = tics.sprintf(', "" %f 1', p + log10(m)) }
}
eval 'set xtics ('.tics[3:*].')'
set logscale y

set boxwidth 0.1

# What is not there is a point outside, without a name.
drawn(what, call, run) = '< '.rows(what, call, run)." | grep . || echo 1e-30,1e-30"
named(call, run, name) = count(call, run) > 0 ? name : ''
array clock_run[3] = [plain, background, alone]
array clock_colour[3] = [c_plain, c_compacted, 0x7f7f7f]
array clock_name[3] = ['the clock, without', 'the clock, beside it', 'the clock, alone']

set multiplot title 'how long a call takes while another thread compacts' font sheet_font
do for [c = 1:2] {
    set lmargin at screen left[c]
    set rmargin at screen left[c] + 0.40

    # ------------------------------------------------------------ the rare ones
    set tmargin at screen 0.895
    set bmargin at screen 0.415
    set title calls[c] font sheet_font offset 0,-0.6
    set ylabel (c == 1 ? 'share of the calls that take longer' : '') offset 0.5,0
    set format y '%g'
    set yrange [10**least / 2:1]
    if (c == 1) {
        set key inside right top
    } else {
        unset key
    }
    set object 1 circle at log10(goal[c]),1e-4 size graph 0.008 fc rgb black front
    set label 1 sprintf("goal: 99.99 %%\nwithin %d µs", goal[c]) \
        at log10(goal[c]),1e-4 right offset -0.9,0.2 front
    plot for [r = 1:2] drawn('curve', calls[c], run[r]) using (log10($1)):2 with steps lw 2.5 \
             lc rgb colour[r] title named(calls[c], run[r], name[r]), \
         for [r = 1:3] drawn('curve', clock, clock_run[r]) using (log10($1)):2 with steps \
             lw 1.5 dt 3 lc rgb clock_colour[r] title named(clock, clock_run[r], clock_name[r])
    unset object 1
    unset label 1
    unset title

    # --------------------------------------------------------------- histograms
    set tmargin at screen 0.335
    set bmargin at screen 0.085
    set ylabel (c == 1 ? 'share of the calls' : '') offset 1.4,0
    set format y '%g %%'
    set yrange [*:100]
    set xlabel 'time of a call (log scale)' offset 0,0.3
    unset key
    set arrow 1 from log10(goal[c]),graph 0 to log10(goal[c]),graph 0.78 nohead \
        lc rgb black dt 2 lw 1.2 front
    do for [r = 1:2] {
        if (count(calls[c], run[r]) == 0) { continue }
        set label r sprintf('99.99 %% within %s, longest %s', \
            duration_text(1000 * quantile(calls[c], run[r], '99.99 % within')), \
            duration_text(1000 * quantile(calls[c], run[r], 'longest'))) \
            at graph 0.99,graph (1.02 - 0.09 * r) right textcolor rgb colour[r] front
    }
    plot for [r = 1:2] drawn('histogram', calls[c], run[r]) using (log10($1) + 0.05):2 \
             with boxes fill transparent solid 0.5 noborder lc rgb colour[r]
    unset arrow 1
    unset label
    unset xlabel
}
unset multiplot
