# SPDX-License-Identifier: MIT
#
# A made-up session of rmbrowse, as --csv writes it: tabs open and close, what is live follows
# them, and how much is held beside it is said by how memory is managed.
# Variables: objects (rmalloc, malloc), compaction (off, idle, steady), heaps (tab, shared),
#   frames; lines of the script, else there is none; seed of the noise; slow, a factor of the times of steps; waste, the share of what is
#   live that is held besides where memory is compacted.
function noise() {
    state = (state * 16807) % 2147483647
    return state / 2147483647
}
BEGIN {
    if (!objects) objects = "rmalloc"
    if (!compaction) compaction = "idle"
    if (!heaps) heaps = "tab"
    if (!frames) frames = 400
    if (!slow) slow = 1
    if (!waste) waste = 0.05
    state = 1 + seed
    compacts = objects == "rmalloc" && compaction != "off"
    print "# rmbrowse session 1"
    print "# command: rmbrowse --csv session.csv --script session.txt"
    print "# objects: " objects "\n# compaction: " compaction "\n# heaps: " heaps
    print "# machine: made up\n# date: 2026-11-22T07:00:00Z"
    print "frame,time_ns,tabs,objects,live,footprint,own_footprint,own_free,own_largest," \
        "fragmentation,libraries,locked,resident,work_ns,compact_ns,steps,longest_step_ns," \
        "moved,longest_alloc_ns,busy,line"
    for (frame = 1; frame <= frames; frame++) {
        along = frame / frames
        tabs = 1 + int(20 * (along < 0.6 ? along / 0.6 : along < 0.9 ? (0.9 - along) / 0.3 : 0))
        live = int(200000 + 1500000 * tabs * (0.98 + 0.04 * noise()))
        if (live > peak) peak = live
        spare = compacts ? waste * live : 0.3 * live + 0.5 * (peak - live)
        free = int(spare * (0.9 + 0.1 * noise()))
        largest = int(free * (compacts ? 0.9 : 0.3) * (0.8 + 0.2 * noise()))
        own = int(live + spare)
        work = int(400000 * exp(3 * noise() * noise()) * (frame % 40 < 12 ? 8 : 1))
        steps = compacts && frame % 3 == 0 ? 1 + int(10 * noise()) : 0
        step = steps ? int(slow * (200000 + 900000 * noise())) : 0
        printf "%d,%.0f,%d,%d,%d,%d,%d,%d,%d,%.4f,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d\n", frame, \
            16e6 * frame, tabs, live / 60, live, own + 9e6, own, free, largest, \
            free ? 1 - largest / free : 0, 7e6, 4096, own + 8e6, work, steps * step, steps, \
            step, steps * 65536, 20000 * (1 + noise()), frame % 40 < 12, lines ? 1 + int(along * lines) : 0
    }
}
