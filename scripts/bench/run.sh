#!/bin/bash
# run.sh BUILD [NAME…]: the benchmarks of run.lua, all or those named. This process and the
# servers it starts stay on processor 0; what is measured runs on processor 1.
set -eu
cd "$(dirname "$0")/../.."
build=$1
shift

LF_BUILD=$build
LUAFETCH=$build/luafetch
export LF_BUILD LUAFETCH
ulimit -n "$(ulimit -Hn)"
pin=
[ "$(nproc)" = 1 ] || pin="taskset -c 0"
# shellcheck disable=SC2086 # words
exec $pin "$LUAFETCH" --no-progress --quiet scripts/bench/run.lua "$@"
