# SPDX-License-Identifier: MIT
#
# Reads the CSV files of `rmtool compare` for compare.gp and along.gp. `want` says what:
#   names    the different values of a column, in order, one a line, `none` left out
#   values   for one allocator a line "trace,value" for each trace, counted from 0; the value
#            is that of a column, empty where there is none

BEGIN { FS = "," }
/^#/ { next }
!header {
    for (i = 1; i <= NF; i++) at[$i] = i
    header = 1
    if (!(column in at)) exit 1
    next
}
want == "names" {
    if ($at[column] != none && !seen[$at[column]]++) print $at[column]
    next
}
{
    if (!($at["trace"] in number)) number[$at["trace"]] = n++
    if ($at["allocator"] == allocator) print number[$at["trace"]] "," $at[column]
}
