#!/bin/bash
# fuzz.sh [--seconds N] [--jobs N] [--repeatable N] [NAME…]: run the fuzz targets in build/fuzz,
# two at a time, N seconds each (5). What they begin with is made from the suites beside the
# project (LF_DATA names their folder) by tests/fuzz/seeds.lua; what they find out about the
# code is kept in build/fuzz/corpus, so that the next run goes on from there. --repeatable: the
# same N inputs each time, by a fixed seed and without what earlier runs found out; that checks
# a change, the others hunt. Each target is one test; a crash, a leak, a slow input prints
# itself and how to get it again.
set -u
cd "$(dirname "$0")/.." || exit 2

seconds=5
jobs=2
repeatable=
names=()
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=$2 && shift ;;
    --jobs) jobs=$2 && shift ;;
    --repeatable) repeatable=$2 && shift ;;
    *) names+=("$1") ;;
    esac
    shift
done
if [ ${#names[@]} = 0 ]; then
    for source in tests/fuzz/*.c tests/fuzz/*.lua; do
        name=$(basename "${source%.*}")
        [ "$name" = seeds ] || names+=("$name")
    done
fi

slow=10 # seconds that one input may take
dir=build/fuzz
export ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}

one() { # $1: target; prints a line, and what was found
    local name=$1 source=tests/fuzz/$1.c log=$dir/log/$1 size options=() runs
    [ -f "$source" ] || source=tests/fuzz/$1.lua
    mkdir -p "$dir/log" "$dir/found" "$dir/corpus/$name" "$dir/seeds/$name"
    rm -f "$dir/seeds/$name"/*
    build/luafetch "tests/fuzz/seeds.lua" "$source" "$dir/seeds/$name" >"$log" 2>&1 || {
        echo "  FAIL  $name: no seeds" && cat "$log"
        return 1
    }
    size=$(sed -n 's/^[ -]*[*-] size: \([0-9]*\).*/\1/p' "$source" | head -n 1)
    # Else libFuzzer looks for leaks after each input that leaves memory behind, which in Lua
    # is all of them; what nothing points to at the end shows anyway.
    if [ "$source" = "tests/fuzz/$name.lua" ] || grep -q '^ \* leaks: at the end' "$source"; then
        options+=(-detect_leaks=0)
    fi
    local corpus=("$dir/corpus/$name")
    if [ "$repeatable" ]; then
        options+=(-seed=1 "-runs=$repeatable")
        corpus=()
    fi
    [ -f "tests/fuzz/$name.dict" ] && options+=("-dict=tests/fuzz/$name.dict")
    if "$dir/fuzz/$name" -max_total_time="$seconds" -timeout=$slow -rss_limit_mb=1024 \
        -max_len="${size:-4096}" -artifact_prefix="$dir/found/$name-" -print_final_stats=1 \
        "${options[@]}" "${corpus[@]}" "$dir/seeds/$name" </dev/null >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "  OK    $name: ${runs:-0} inputs, $(sed -n 's/^stat::average_exec_per_sec: *//p' "$log") a second"
        [ "${runs:-0}" -gt 0 ]
        return
    fi
    local input
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    echo "  FAIL  $name: again with: $dir/fuzz/$name ${input:-(see $log)}"
    grep -vE '^(#|INFO|stat::|NEW_FUNC|	)' "$log" | head -n 60
    return 1
}
verdicts=$(mktemp)
trap 'rm -f "$verdicts"' EXIT
export -f one
export dir seconds slow repeatable verdicts
# What a target says stays together.
# shellcheck disable=SC2016 # meant for the inner shell
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -n 1 bash -c '
    said=$(one "$1")
    code=$?
    printf "%s\n" "$said"
    echo $code >>"$verdicts"' one
passed=$(grep -c '^0$' "$verdicts")
failed=$((${#names[@]} - passed))

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
