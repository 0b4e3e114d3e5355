# SPDX-License-Identifier: MIT
#
# table.rst. Reads the list of the programs (name|unlocked|source|text) and expected.txt.

function pad(text, width) { return sprintf("%-" width "s", text) }

function rule(    i, line) {
    line = ""
    for (i = 0; i <= n_modes; i++) line = line substr(dashes, 1, width[i]) (i < n_modes ? " " : "")
    return line
}

# A row without the blanks at its end.
function row(line) {
    sub(/ +$/, "", line)
    print line
}

function summary(label, cells,    m, line) {
    line = pad(label, 17)
    for (m = 1; m <= n_modes; m++) line = line " " pad(cells[m], 9)
    row(line)
}

function summary_rule(    m, line) {
    line = substr(dashes, 1, 17)
    for (m = 1; m <= n_modes; m++) line = line " " substr(dashes, 1, 9)
    print line
}

BEGIN {
    n_modes = split(modes, mode, " ")
    dashes = sprintf("%200s", "")
    gsub(/ /, "=", dashes)
    title["args.c"] = "Arguments"
    title["handles.c"] = "Handles"
    title["locks.c"] = "Locks and read sections"
    title["bounds.c"] = "Bounds, and fresh memory"
    title["freed.c"] = "Freed blocks and heaps, regions"
    title["visitors.c"] = "Visitors and threads"
    title["unlocked_lists.c"] = "After the last unlock: lists and caches"
    title["unlocked_strings.c"] = "After the last unlock: strings and parsers"
    title["unlocked_trees.c"] = "After the last unlock: trees and documents"
    title["unlocked_media.c"] = "After the last unlock: arrays and pictures"
    title["unlocked_calls.c"] = "After the last unlock: calls, callbacks, threads, sections"
}
FILENAME == ARGV[1] {
    split($0, field, "|")
    name[++n] = field[1]
    corpus[n] = field[2] != ""
    file[n] = field[3]
    text[n] = field[4]
    if (!(file[n] in title)) title[file[n]] = file[n]
    if (length(field[4]) > width[0]) width[0] = length(field[4])
    next
}
/^#/ {
    if ($2 == "program") for (i = 3; i <= NF; i++) column[i - 1] = $i
    next
}
{ for (i = 2; i <= NF; i++) cell[$1, column[i]] = $i }

END {
    for (m = 1; m <= n_modes; m++) {
        width[m] = length(mode[m])
        for (i = 1; i <= n; i++) {
            word = cell[name[i], mode[m]]
            if (length(word) > width[m]) width[m] = length(word)
            n_noticed[m] += word != "fine"
            n_corpus[m] += corpus[i] && word != "fine"
        }
    }
    for (i = 1; i <= n; i++) n_in_corpus += corpus[i]
    print ".. SPDX-License-Identifier: MIT"
    print ".. Made by: tests/misuse/run --renew"
    print ""
    print "======================="
    print "What comes of a mistake"
    print "======================="
    print n " programs with one mistake each, in six modes; README.rst explains modes and words. Of the"
    print n_in_corpus " that use a block after its last unlock the last row tells."
    print ""
    summary_rule()
    summary("..", mode)
    summary_rule()
    summary("noticed, of " n, n_noticed)
    summary("unlocked, of " n_in_corpus, n_corpus)
    summary_rule()
    for (i = 1; i <= n; i++) {
        if (i == 1 || file[i] != file[i - 1]) {
            if (i > 1) print rule()
            print ""
            print title[file[i]]
            print substr(dashes, 1, length(title[file[i]]))
            print rule()
            line = pad("Mistake", width[0])
            for (m = 1; m <= n_modes; m++) line = line " " pad(mode[m], width[m])
            row(line)
            print rule()
        }
        line = pad(text[i], width[0])
        for (m = 1; m <= n_modes; m++) line = line " " pad(cell[name[i], mode[m]], width[m])
        row(line)
    }
    print rule()
}
