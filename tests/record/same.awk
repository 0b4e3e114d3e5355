# SPDX-License-Identifier: MIT
#
# Whether each process has as many calls in its traces as were counted beside them. Prints
# what differs. slack: by how much each may, where a process is killed between the two.
# Input: lines "count PID ALLOCATIONS REALLOCATIONS FREES", then the report of
# 'rmtool record --json'.
function far(difference) { return difference > slack || difference < -slack }

/^count / { allocations[$2] += $3; reallocations[$2] += $4; frees[$2] += $5; next }
/^ *"/ {
    key = $1
    gsub(/[":]/, "", key)
    value[key] = $2 + 0
}
# The last key of a process.
/"unwritten":/ {
    pid = value["pid"]
    allocations[pid] -= value["allocations"] - value["inherited"] - value["unknown_reallocs"]
    reallocations[pid] -= value["reallocations"] - value["usable_sizes"] + value["unknown_reallocs"]
    frees[pid] -= value["frees"] + value["unknown_frees"] - value["implicit_frees"]
    n++
    if (value["implicit_frees"] || value["unfinished_reallocs"] || value["unwritten"])
        print pid ": something was lost"
    if (value["unknown_frees"] > most_unknown || value["unknown_reallocs"] > most_unknown)
        print pid ": " value["unknown_frees"] " frees, " value["unknown_reallocs"] \
            " reallocations of unknown blocks"
}
END {
    for (pid in allocations)
        if (far(allocations[pid]) || far(reallocations[pid]) || far(frees[pid]))
            print pid ": more counted than recorded: " allocations[pid] + 0 " allocations, " \
                reallocations[pid] + 0 " reallocations, " frees[pid] + 0 " frees"
    if (!n) print "no trace"
}
