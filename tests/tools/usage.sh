#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The command line: help, version, and what is refused, with exit status 2.
. "$(dirname "$0")/common.sh"
printf '# rmt 1\na 10\n' >one.rmt

expect 'help' 0 '' "$rmtool" --help
holds 'help names the verbs' out minheap
holds 'help has an example' out Example:
expect 'version' 0 '' "$rmtool" --version
expect 'no verb' 2 'Usage' "$rmtool"
expect 'unknown verb' 2 "no verb 'frobnicate'" "$rmtool" frobnicate
for verb in replay minheap compare plot generate top micro check stats cut convert; do
    expect "$verb --help" 0 '' "$rmtool" "$verb" --help
    holds "$verb --help has an example" out Example:
    expect "$verb: unknown option" 2 '--frobnicate' "$rmtool" "$verb" --frobnicate one.rmt
done
for verb in replay minheap; do
    expect "$verb: no trace" 2 'which trace' "$rmtool" "$verb"
    expect "$verb: two traces" 2 "'two.rmt'" "$rmtool" "$verb" one.rmt two.rmt
    expect "$verb: unknown policy" 2 'often' "$rmtool" "$verb" --compact often one.rmt
    expect "$verb: unknown threads" 2 'many' "$rmtool" "$verb" --threads many one.rmt
    expect "$verb: missing value" 2 'needs a value' "$rmtool" "$verb" one.rmt --compact
    expect "$verb: no number" 2 'limit-events' "$rmtool" "$verb" --limit-events -1 one.rmt
    expect "$verb: number too large" 2 'limit-events' \
        "$rmtool" "$verb" --limit-events 99999999999999999999 one.rmt
done

for size in 65536 64KiB 64K 65.536kB 0.0625MiB 1M 1MB 64000B grow; do
    expect "--heap $size" 0 '' "$rmtool" replay --heap "$size" --quiet one.rmt
done
for factor in 2x 1.5x; do
    expect "--heap $factor" 0 '' "$rmtool" replay --heap "$factor" --quiet \
        --limit-events 20000 "$bundled"
done
for size in '' 0 -1 x 1.x .5MiB 64Kib 64mib 1e6 0x10 16PiB 17GiB 99999999999999999999 \
    nan inf 0x 1001x '64 KiB' 1,5MiB; do
    expect "--heap '$size' is refused" 2 '--heap' "$rmtool" replay --heap "$size" one.rmt
done
for step in '' 10 0:64 :64 10: a:1 10:1:b 10:1:1:1 -1:1; do
    expect "--step '$step' is refused" 2 '--step' "$rmtool" replay --step "$step" one.rmt
done
expect '--step with a size' 0 '' "$rmtool" replay --quiet --step 1:64KiB one.rmt
expect '--step with a time' 0 '' "$rmtool" replay --quiet --step 1:0:1000 one.rmt
expect '--samples 0 is refused' 2 '--samples' "$rmtool" replay --samples 0 one.rmt
expect 'two things on standard output' 2 'standard output' \
    "$rmtool" replay --csv - --json one.rmt
plan
