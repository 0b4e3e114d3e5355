# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# What the tests of rmtool share. To be sourced by a script that is called as
# SCRIPT RMTOOL TRACES, the program and the folder of the bundled traces.
. "$(dirname "$0")/../style/tap.sh"
rmtool=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") || exit 1
bundled=$(cd "$2" && pwd)/lua-wordfreq.rmt.zst || exit 1
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$scratch" || exit 1
. "$here/../style/expect.sh"

# generate FILE EVENTS LOCKS SEED
generate() {
    awk -v events="$2" -v locks="$3" -v seed="$4" -f "$here/generate.awk" >"$1"
}
