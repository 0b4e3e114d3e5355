# SPDX-License-Identifier: MIT
#
# What all figures share: colours, units, fonts, the output file. Loaded by each of
# them; it draws nothing itself. Needs gnuplot 5.4.
#
# Variables that a caller may set with -e:
#   out     file to write; its ending says which format, .png or .svg
#   format  'png' or 'svg', where the ending does not say it
#   trace   the trace's name; else it is read from the CSV's comments

# The colours of Okabe and Ito, which stay apart for colour-blind readers and in grey
# ("Color Universal Design", 2008).
black      = 0x000000
orange     = 0xe69f00
sky        = 0x56b4e9
green      = 0x009e73
yellow     = 0xf0e442
blue       = 0x0072b2
vermillion = 0xd55e00
purple     = 0xcc79a7

# One role, one colour, in every figure.
c_plain     = vermillion # the run without compaction
c_compacted = blue       # the run with compaction
c_live      = 0xbdbdbd   # what the program asked for
c_text      = 0x333333
c_grid      = 0xd8d8d8
c_used      = blue
c_locked    = orange
c_free      = 0xffffff
c_metadata  = purple
c_outside   = 0xd4d4d4   # address space that the heap does not hold

# Allocators that are compared. All of ours are shades of blue.
allocator_colour(name) = name eq 'rmalloc' ? blue : name eq 'rmalloc/single' ? sky : \
    name[1:7] eq 'rmalloc' ? 0xa9d5f2 : name eq 'glibc' ? vermillion : \
    name eq 'jemalloc' ? orange : name eq 'mimalloc' ? green : name eq 'tcmalloc' ? purple : \
    0x7f7f7f

name_plain     = 'without compaction'
name_compacted = 'with compaction'

# ------------------------------------------------------------------ output

if (!exists("out")) out = sprintf('%s.png', figure)
if (!exists("format")) format = out[strlen(out)-3:*] eq '.svg' ? 'svg' : \
    out[strlen(out)-3:*] eq '.gif' ? 'gif' : 'png'
if (!exists("width")) width = 1200
if (!exists("height")) height = 720

sheet_font = ',14'
panel_font = ',12'
if (format eq 'svg') {
    sheet_font = ',17'
    panel_font = ',14'
    set terminal svg size width,height font 'sans,14' noenhanced background 'white'
}
if (format eq 'png') {
    set terminal pngcairo size width,height font 'sans,12' noenhanced background 'white'
}
if (format eq 'gif') {
    if (!exists("delay")) { delay = 8 }
    set terminal gif animate delay delay loop 0 optimize size width,height \
        font 'sans,11' noenhanced background '#ffffff'
}
if (format ne 'svg' && format ne 'png' && format ne 'gif') {
    print sprintf("%s: unknown format '%s': png, svg and gif are known", figure, format)
    exit status 2
}
set output out

# ------------------------------------------------------------------ CSV files

set datafile separator comma
set datafile commentschars '#'
set datafile columnheaders # columns go by name, so that a new one does no harm

# For the shell. File names must not hold a single quote.
quoted(s) = "'" . s . "'"

# The value of a comment line "# KEY: value" at the head of a CSV.
comment(file, key) = system(sprintf("sed -n 's/^# %s: *//p;/^[^#]/q' %s", key, quoted(file)))

# ------------------------------------------------------------------ units

# The unit in which a number of bytes reads well, and its name.
byte_unit(n) = n >= 1.5*2**30 ? 2.0**30 : n >= 1.5*2**20 ? 2.0**20 : n >= 4096 ? 1024.0 : 1.0
byte_name(n) = n >= 1.5*2**30 ? 'GiB' : n >= 1.5*2**20 ? 'MiB' : n >= 4096 ? 'KiB' : 'bytes'
count_unit(n) = n >= 1.5e6 ? 1e6 : n >= 4e3 ? 1e3 : 1.0
count_name(n) = n >= 1.5e6 ? 'millions' : n >= 4e3 ? 'thousands' : 'count'
# A number of bytes for a sentence.
bytes_text(n) = n >= 1024 ? sprintf('%.3g %s', n / \
        (n >= 2.0**30 ? 2.0**30 : n >= 2.0**20 ? 2.0**20 : 1024.0), \
        n >= 2.0**30 ? 'GiB' : n >= 2.0**20 ? 'MiB' : 'KiB') : sprintf('%.0f bytes', n)
# A power of two, in bytes.
order_name(n) = n < 10 ? sprintf('%d B', 2**n) : n < 20 ? sprintf('%d KiB', 2**(n-10)) : \
    n < 30 ? sprintf('%d MiB', 2**(n-20)) : sprintf('%d GiB', 2**(n-30))
duration_text(ns) = ns >= 1e9 ? sprintf('%.3g s', ns/1e9) : ns >= 1e6 ? \
    sprintf('%.3g ms', ns/1e6) : ns >= 1e3 ? sprintf('%.3g µs', ns/1e3) : \
    sprintf('%.0f ns', ns)

# ------------------------------------------------------------------ looks

set encoding utf8
set border 3 lc rgb c_text lw 1
set tics nomirror out scale 0.6 textcolor rgb c_text
set grid lc rgb c_grid lt 1 lw 0.6
set key Left reverse samplen 2 textcolor rgb c_text
set title font sheet_font textcolor rgb 0x000000
set style fill solid 1.0 noborder
