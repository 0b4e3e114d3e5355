# SPDX-License-Identifier: MIT
#
# TAP of what has come of the programs. Reads the list of them (name|unlocked|source|text), what is expected, and
# a line for each run: mode, seed, right or wrong (the twin, the mistake), name, and what came of it.

function check(good, text) {
    print (good ? "ok " : "not ok ") ++n " - " text
    if (!good) n_bad++
}

# A tool has named the guilty line.
function named(word) { return word ~ /^(use-after-poison|invalid-(read|write))$/ }

FILENAME == ARGV[1] {
    split($0, field, "|")
    name[++n_names] = field[1]
    if (field[2] != "") corpus[field[1]] = 1
    next
}
FILENAME == ARGV[2] {
    if ($2 == "program") for (i = 3; i <= NF; i++) column[i - 1] = $i
    else if ($0 !~ /^#/) for (i = 2; i <= NF; i++) expected[$1, column[i]] = $i
    next
}
{
    came[$1, $2, $3, $4] = $5 == "" ? "nothing" : $5
    if ($6 == "block" && $3 == "wrong" && $4 in corpus) n_blocks[$1]++
}

END {
    n_modes = split(modes, mode, " ")
    split(seeds, range, " ")
    for (m = 1; m <= n_modes; m++) for (i = 1; i <= n_names; i++) {
        for (seed = range[1]; seed <= range[2]; seed++) {
            id = mode[m] SUBSEP seed SUBSEP "wrong" SUBSEP name[i]
            twin = mode[m] SUBSEP seed SUBSEP "right" SUBSEP name[i]
            if (!(id in came) && partly) continue
            is = came[id]
            was = expected[name[i], mode[m]]
            text = mode[m] " " name[i] (range[2] > 1 ? ", seed " seed : "") ": " is
            good = is == was
            # What is random may change by what a mistake is found, but not that it is.
            if (seed != 1) good = was == "fine" || is != "fine" || mode[m] == "plain"
            if (good && name[i] in corpus && (mode[m] == "asan" || mode[m] == "valgrind")) good = named(is)
            check(good, text (good ? "" : ", expected " was))
            if (came[twin] != "fine") check(0, text " without its mistake: " came[twin])
            n_runs += 2
            if (is != "fine") {
                n_noticed[mode[m]]++
                found[mode[m], name[i]] = 1
                n_times[mode[m]] += name[i] in corpus
            }
            n_wrong[mode[m]]++
            met[name[i]] = 1
        }
    }
    for (m = 1; m <= n_modes; m++) {
        some = all = 0
        for (c in corpus) if (c in met) {
            all++
            if ((mode[m], c) in found) some++
        }
        print "# " mode[m] ": " n_noticed[mode[m]] + 0 " of " n_wrong[mode[m]] + 0 " runs noticed; of the " all \
            " that use a block after its last unlock " some ", in " n_times[mode[m]] + 0 " of " \
            all * (range[2] - range[1] + 1) " runs, the block named in " n_blocks[mode[m]] + 0
        if (!partly && (mode[m] == "asan" || mode[m] == "valgrind" || mode[m] == "stress"))
            check(all >= 30 && some >= all * (mode[m] == "stress" ? 0.95 : 1), mode[m] ": " some " of " all \
                " of the corpus found")
        if (!partly && (mode[m] == "asan" || mode[m] == "valgrind"))
            check(n_blocks[mode[m]] >= 0.95 * n_times[mode[m]], mode[m] ": " n_blocks[mode[m]] + 0 \
                " reports of " n_times[mode[m]] " name the block")
    }
    print "# " n_runs " runs, seeds " range[1] " to " range[2] ", " seconds " s"
    if (n_runs == 0) check(0, "nothing has run")
    print "1.." n
    exit n_bad > 0
}
