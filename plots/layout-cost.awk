# SPDX-License-Identifier: MIT
#
# What layouts of small objects would cost, with nothing wasted: bytes at the peak of each,
# over the peak of the requested bytes, slot of the handle table included.
# Usage: zstd -dc TRACE | awk -f plots/layout-cost.awk
#
#   separate  runs of equal slots, 4-byte references in an array before them
#   cheaper   the same, or the reference inside what rounding would waste (lib/class.h)
#   headers   an 8-byte header for every object, units of 16 bytes

function up(x, power) { return int((x + power - 1) / power) * power }
function separate(s) { return up(s ? s : 1, s >= 128 ? 16 : 8) + 4 }
function cheaper(s,    a, e) {
    a = s >= 128 || (s && s % 16 == 0) ? 16 : 8
    e = up((s ? s : 1) + 4, a)
    return e < separate(s) ? e : separate(s)
}
function header(s) { return up((s ? s : 1) + 8, 16) }
function count(s, sign) {
    live += sign * s
    cost["separate"] += sign * (8 + (s <= 512 ? separate(s) : header(s)))
    cost["cheaper"] += sign * (8 + (s <= 512 ? cheaper(s) : header(s)))
    cost["headers"] += sign * (8 + header(s))
}
/^[azm]/ { size[++n] = $2; count($2, 1) }
/^r/ { count(size[n - $2], -1); size[n - $2] = $3; count($3, 1) }
/^f/ { count(size[n - $2], -1); delete size[n - $2] }
{
    if (live > peak) peak = live
    for (layout in cost) if (cost[layout] > most[layout]) most[layout] = cost[layout]
}
END {
    if (!peak) exit 1
    printf "separate %.3f  cheaper %.3f  headers %.3f\n", most["separate"] / peak,
        most["cheaper"] / peak, most["headers"] / peak
}
