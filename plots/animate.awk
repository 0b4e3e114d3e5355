# SPDX-License-Identifier: MIT
#
# Turns files of a replay into frames for animate.gp, for `frames` moments from the first event
# to event number `events`:
#   want=cells   of a heap map (--heap-map): for each frame a line "x,y,kind" for each cell
#                below the offset `top`, in rows of `columns` from the lower left. Kinds: 0
#                outside the heap, 1 free, 2 to 5 used by quarters, 6 a byte of it is locked,
#                7 handle table. A GIF has few colours, so there are no more
#   want=values  of a series (--csv): a line "event fragmentation% largest locked" for each frame

BEGIN { FS = "," }

/^#/ { next }
!header {
    for (i = 1; i <= NF; i++) at[$i] = i
    header = 1
    next
}

# The frames that show what stood before this event.
$at["event"] != sample {
    if (sample != "") emit($at["event"])
    sample = $at["event"]
    n = 0
}
want == "cells" && $at["offset"] < top { cell[n++] = kind() }
want == "values" {
    text = $at["event"] " " 100 * $at["external_fragmentation"] " " $at["largest_free"] \
        " " $at["locked"]
}

function kind(    used, all) {
    used = $at["used"] + $at["locked"]
    all = used + $at["free"] + $at["metadata"]
    if ($at["locked"] > 0) return 6
    if (all == 0) return 0
    if ($at["metadata"] > all / 2) return 7
    return 1 + int(4 * used / all + 0.99)
}

function emit(until,    i) {
    for (; frame < frames && frame / (frames - 1) * events < until; frame++) {
        if (want == "values") print text
        else for (i = 0; i < n; i++)
            print i % columns "," int(i / columns) "," cell[i]
    }
}

END { if (sample != "") emit(events + 1) }
