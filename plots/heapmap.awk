# SPDX-License-Identifier: MIT
#
# Turns a heap map of `rmtool replay --heap-map` into pixels for heapmap.gp: a line
# "event,offset,red,green,blue" for every place of a grid of `columns` events by `rows`
# offsets that covers the events 0..`events` and the bytes 0..`top`. With measure=1 it
# prints the last event and the end of the heap's blocks and free memory instead.
#
# A pixel goes from the colour of free memory to that of used memory by what its bytes
# are. One with a locked byte has the colour of locks alone: locked blocks are few and
# small, and where they are matters more than how big.

BEGIN {
    FS = ","
    split("used locked free metadata outside", kinds, " ")
    split(colours, colour, " ")
    for (i = 1; i <= 5; i++) {
        red[i] = int(colour[i] / 65536)
        green[i] = int(colour[i] / 256) % 256
        blue[i] = colour[i] % 256
    }
    if (!measure) print "event,offset,red,green,blue"
}

/^#/ { next }
!header {
    for (i = 1; i <= NF; i++) at[$i] = i
    header = 1
    next
}

measure {
    end = $at["offset"] + $at["cell"]
    if ($at["used"] + $at["locked"] + $at["free"] > 0 && end > top) top = end
    # A table that follows the blocks is shown; one far off, at the end of reserved
    # address space, would leave no room for anything else.
    if ($at["metadata"] > 0 && end > table) table = end
    last = $at["event"]
    next
}

# The cells of one sample follow each other.
$at["event"] != sample {
    if (sample != "") draw()
    sample = $at["event"]
}
{
    base = $at["offset"] / top * rows
    limit = (base + $at["cell"] / top * rows)
    for (row = int(base); row < limit && row < rows; row++) {
        share = (limit < row + 1 ? limit : row + 1) - (base > row ? base : row)
        share /= limit - base
        for (i = 1; i <= 4; i++) bytes[row, i] += share * $at[kinds[i]]
    }
}

# Paints the columns from the last sample to this one.
function draw(    column, row, i, sum, w, r, g, b) {
    for (row = 0; row < rows; row++) {
        sum = 0
        for (i = 1; i <= 4; i++) sum += w[i] = bytes[row, i]
        w[5] = top / rows - sum
        if (w[5] < 0) w[5] = 0
        sum += w[5]
        if (w[2] > 0) w[1] = w[3] = w[4] = w[5] = 0
        if (w[2] > 0) sum = w[2]
        r = g = b = 0
        for (i = 1; i <= 5; i++) {
            r += w[i] * red[i]; g += w[i] * green[i]; b += w[i] * blue[i]
        }
        pixel[row] = sprintf("%d,%d,%d", r / sum + 0.5, g / sum + 0.5, b / sum + 0.5)
    }
    for (column = done; column == done || column < sample / events * columns; column++) {
        if (column >= columns) break
        for (row = 0; row < rows; row++)
            print (column + 0.5) * events / columns "," (row + 0.5) * top / rows "," pixel[row]
    }
    done = column
    split("", bytes)
}

END {
    if (measure) print last + 0, (table > top && table < 1.25 * top ? table : top) + 0
    else if (sample != "") {
        sample = events
        draw()
    }
}
