#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each verb has a man page, made of its --help, and programs that read such pages have
# nothing to say about it.
# Usage: manual.sh RMTOOL TRACES PAGES; the folder that the pages have been built in
pages=$(cd "$3" && pwd) || exit 1
. "$(dirname "$0")/common.sh"
if [ ! -f "$pages/rmtool.1" ]; then
    echo '1..0 # SKIP the man pages have not been made: no help2man'
    exit 0
fi
for verb in '' $("$rmtool" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/-\1/p'); do
    page=$pages/rmtool$verb.1
    if [ ! -s "$page" ]; then
        echo "no such file: $page" >why
        check_empty "rmtool$verb: a man page" why
        continue
    fi
    for section in NAME SYNOPSIS DESCRIPTION EXAMPLE 'SEE ALSO'; do
        grep -q "^.SH \"*$section" "$page" || echo "no section $section"
    done >why
    grep -q "^rmtool$verb \\\\- [a-z]" "$page" || echo 'no name and summary' >>why
    check_empty "rmtool$verb: a man page with its sections" why
    if command -v man >/dev/null 2>&1; then
        MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l "$page" >text 2>why
        [ -s text ] || echo 'nothing came of it' >>why
        check_empty "rmtool$verb: man has nothing to say" why
    else
        skip "rmtool$verb: man has nothing to say" 'no man here'
    fi
    if command -v mandoc >/dev/null 2>&1; then
        mandoc -T lint -W warning "$page" >why 2>&1
        check_empty "rmtool$verb: mandoc has nothing to say" why
    else
        skip "rmtool$verb: mandoc has nothing to say" 'no mandoc here'
    fi
done
plan
