# SPDX-License-Identifier: MIT
#
# Rows "frame,value" of a session of rmbrowse, or "value,share". Where there are many frames, the least and the
# most of each few of them, so that no peak is lost.
# Usage: awk -f session.awk -v of=COLUMN [-v over=COLUMN] [-v plus=COLUMN] [-v minus=COLUMN] [-v positive=1]
#            [-v shares=1] [REFERENCE] SESSION
#   REFERENCE a session of the same script: frames are those of it in which it did the same, as a command may take
#             a few frames more in one session than in another
#   plus      the value is the sum of OF and this one; minus: the difference
#   over      the value is OF over this one; a frame where that is 0 is left out
#   positive  so is one where the value is 0
#   shares    instead: the share of all frames in which the value is at least so much, within 1 %
function place(i) {
    if (!(line[i] in first)) return frame[i]
    return first[line[i]] + (nth[i] - 1) * frames_of[line[i]] / own_frames_of[line[i]]
}
BEGIN { FS = ","; OFMT = CONVFMT = "%.9g"; points = 600 }
FNR == 1 { file++; n_columns = 0 }
/^#/ { next }
!n_columns { n_columns = NF; for (i = 1; i <= NF; i++) at[$i] = i; next }
file < ARGC - 1 {
    if (!($at["line"] in first)) first[$at["line"]] = $at["frame"]
    frames_of[$at["line"]]++
    next
}
{
    all++
    own = ++own_frames_of[$at["line"]]
    v = $at[of] + (plus ? $at[plus] : 0) - (minus ? $at[minus] : 0)
    if (over) {
        if ($at[over] + 0 == 0) next
        v /= $at[over]
    }
    if ((positive || shares) && v + 0 <= 0) next
    if (shares) {
        bucket = int(100 * log(v)) # of what is at least a nanosecond: not below 0
        n_in[bucket]++
        if (bucket > last) last = bucket
        if (v + 0 > longest) longest = v + 0
        next
    }
    frame[++n] = $at["frame"]
    line[n] = $at["line"]
    nth[n] = own
    value[n] = v + 0
}
END {
    if (shares) {
        for (i = last; i >= 0; i--) {
            if (!n_in[i]) continue
            if (!longer) printf "%.9g,%.9g\n", longest, 1 / all
            longer += n_in[i]
            printf "%.9g,%.9g\n", exp(i / 100), longer / all
        }
        exit
    }
    few = n > 2 * points ? int((n + points - 1) / points) : 1
    for (i = 1; i <= n; i += few) {
        least = most = i
        for (j = i; j < i + few && j <= n; j++) {
            if (value[j] < value[least]) least = j
            if (value[j] > value[most]) most = j
        }
        one = least < most ? least : most
        two = least < most ? most : least
        print place(one) "," value[one]
        if (two != one) print place(two) "," value[two]
    }
}
