# SPDX-License-Identifier: MIT
#
# Turns the time series of `rmtool replay --csv` into the pixels of free.gp: lines
# "event,order,unusable" for each sample and each order from `low` to `high`, `repeat` of
# them an order, so that a viewer that smooths pictures leaves the orders apart.

BEGIN { FS = "," }
/^#/ { next }
!header {
    for (i = 1; i <= NF; i++) {
        if ($i == "event") event = i
        if ($i == "unusable_0") first = i
    }
    header = 1
    print "event,order,unusable"
    next
}
{
    for (n = low; n <= high; n++)
        for (i = 0; i < repeat; i++)
            print $event "," n - 0.5 + (i + 0.5) / repeat "," $(first + n)
}
