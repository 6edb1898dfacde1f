#!/bin/bash
# check-symbols.sh BUILD: no function or variable that a module defines for others has the
# name of one of the program's. The program exports all of its own, so that modules can call
# them; the loader would then take the program's, in the module itself too, without a word.
set -u
cd "$(dirname "$0")/.." || exit 2

build=${1:?usage: check-symbols.sh BUILD}
symbols() { # $1: file
    nm --dynamic --defined-only --format=posix "$1" | cut -d ' ' -f 1 | sort -u
}

own=$(symbols "$build/luafetch")
grep -q '^lf_' <<<"$own" || { echo "$build/luafetch exports nothing" && exit 1; }
bad=0
for module in "$build"/modules/luafetch/*.so; do
    [ -e "$module" ] || { echo "$build has no modules" && exit 1; }
    while read -r name; do
        echo "$name is defined in $module and in $build/luafetch"
        bad=1
    done < <(symbols "$module" | comm -12 - <(echo "$own"))
done
exit $bad
