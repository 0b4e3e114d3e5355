# SPDX-License-Identifier: MIT
#
# A made-up allocation trace in the format rmt 1: small and large blocks, aligned ones,
# reallocs that grow and shrink, and locks where they are asked for.
# Usage: awk -v seed=1 -v events=5000 [-v locks=1] -f generate.awk

function emit(line) {
    print line
    n++
}

# A live block by its place in the list; swaps the last one into its place.
function forget(i) {
    live[i] = live[n_live]
    n_live--
}

# A lock never outlives the block, nor a realloc of it.
function unlock(block) {
    if (locked[block]) {
        emit("u " (made - block))
        locked[block] = 0
    }
}

function size() {
    if (rand() < 0.02)
        return int(rand() * 200000)
    if (rand() < 0.2)
        return int(rand() * 3000)
    return int(rand() * 96)
}

function make() {
    kind = rand()
    if (kind < 0.8)
        emit("a " size())
    else if (kind < 0.9)
        emit("z " size())
    else
        emit("m " size() " " 2 ^ int(rand() * 14))
    made++
    live[++n_live] = made
}

BEGIN {
    srand(seed)
    print "# rmt 1"
    print "# name: generated"
    if (locks)
        print "# locks: 1"
    while (n < events) {
        # The heap grows and shrinks in waves, so that there is something to compact.
        growing = int(n / 700) % 2 == 0 ? 0.62 : 0.38
        kind = rand()
        if (n_live == 0 || kind < growing) {
            make()
            continue
        }
        i = 1 + int(rand() * n_live)
        block = live[i]
        if (locks && kind > 0.8) {
            if (locked[block]) {
                unlock(block)
            } else if (n_locked < 12) {
                emit("l " (made - block))
                locked[block] = 1
            }
            continue
        }
        unlock(block)
        if (kind < growing + 0.06) {
            emit("r " (made - block) " " 1 + size())
        } else {
            emit("f " (made - block))
            forget(i)
        }
    }
}
