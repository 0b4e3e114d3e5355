# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Recording, and what was recorded beside what another library has counted. To be sourced
# behind common.sh by a script that is called as SCRIPT RMTOOL TRACES PROGRAMS LIBRARY.
programs=$3
library=$4
if ! command -v zstd >/dev/null 2>&1; then
    echo '1..0 # SKIP no zstd here'
    exit 0
fi
calls=$programs/calls

# recorded STATUS [OPTION]... -- COMMAND...: with the recorder alone. Standard output of
# the command goes to `said`, the report to `report`.
recorded() {
    recorded_status=$1
    shift
    rm -rf t
    "$rmtool" record --json -d t "$@" >both 2>err
    got=$?
    sed '/^{/,$d' both >said
    sed -n '/^{/,$p' both >report
    [ "$got" -eq "$recorded_status" ] || echo "exit status $got, not $recorded_status"
    find t -name '.rm*' -o -name '*.tmp'
}

# well_formed: of all that was recorded.
well_formed() {
    for file in t/*.rmt.zst; do
        "$rmtool" check "$file" >bad 2>&1 || cat bad
        "$rmtool" replay --quiet --check "$file" >/dev/null 2>bad || cat bad
    done
}

# alike UNKNOWN: prints what differs from what was counted of the programs in
# $names_wanted.
alike() {
    {
        for file in counts/*; do
            name=${file#counts/}
            case " $names_wanted " in *" ${name#*-*-} "*) ;; *) continue ;; esac
            echo "count ${name%%-*} $(od -An -v -tu8 "$file" | tr -s ' \n' '  ')"
        done
        cat report
    } | awk -v most_unknown="$1" -v slack="${slack:-0}" -f "$here/../record/same.awk"
}

# counted NAME STATUS PROGRAM [ARGUMENT]...: what was counted is what was recorded, of the
# program, or of those named in $only.
counted() {
    counted_name=$1
    counted_status=$2
    shift 2
    rm -rf counts
    mkdir counts
    names_wanted=${only:-${1##*/}}
    names=
    for name in $names_wanted; do names="$names --only $name"; done
    {
        # shellcheck disable=SC2086 # a list
        RMCOUNT_DIR=$PWD/counts recorded "$counted_status" $names -- \
            env LD_PRELOAD="$programs/libcounter.so:$library" "$@"
        [ -s report ] || cat err
        alike "${unknown:-0}"
        well_formed
    } >why
    check_empty "$counted_name: as counted" why
}

# total KEY: over all processes.
total() {
    awk -v key="\"$1\":" '$1 == key { sum += $2 } END { print sum + 0 }' report
}

# is NAME GOT WANTED
is() {
    : >why
    [ "$2" = "$3" ] || echo "$2, not $3" >why
    check_empty "$1" why
}

# until_lingering FILE: what the command has said goes there.
until_lingering() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        if grep -q lingering "$1"; then return; fi
        sleep 0.2
    done
}
