#!/bin/bash
# run-tests.sh [--build DIR] [--valgrind] unit|spec|conformance|gcstress … [FILE…]
# Runs test programs one after the other and sums their lines "N passed, N failed". A
# program that does not count is one test, by its exit code, unless it says that it skips; a
# bad end without a counted failure is one failure. The last line is
# the sum; the exit code is 0 only when something passed and nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 2

build=build
under=()
kinds=()
files=()
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$2 && shift ;;
    --valgrind)
        under=(valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite
            --errors-for-leak-kinds=definite --child-silent-after-fork=yes)
        ;;
    unit | spec | conformance | gcstress) kinds+=("$1") ;;
    *) files+=("$1") ;;
    esac
    shift
done

# The specs start servers and further luafetch processes from these.
export LUAFETCH="$PWD/$build/luafetch"
export ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
# Memory and time mean nothing under a checker.
case "$build ${under[*]}" in *asan* | *valgrind*) export LF_SANITIZED=1 ;; esac

passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() { # the command of one test program
    echo "== $*"
    timeout -k 10 "${LF_TEST_TIMEOUT:-600}" "${under[@]}" "$@" </dev/null 2>&1 | tee "$log"
    local code=${PIPESTATUS[0]} p f
    p=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed.*/\1/p' "$log" | paste -sd+ | sed 's/^$/0/')
    f=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p' "$log" | paste -sd+ | sed 's/^$/0/')
    p=$((p)) f=$((f))
    if [ "$code" != 0 ] && [ "$f" = 0 ]; then
        echo "$1 ended with exit code $code"
        f=1
    elif [ "$p" = 0 ] && [ "$f" = 0 ] && ! grep -qi '^skip' "$log"; then
        p=1 # it does not count and ended well
    fi
    passed=$((passed + p))
    failed=$((failed + f))
}

for kind in "${kinds[@]}"; do
    case $kind in
    unit)
        for t in "$build"/unit/test_*; do
            case $t in *.d | *.o) continue ;; esac
            [ -f "tests/unit/${t##*/}.c" ] && run "$t"
        done
        ;;
    spec) run "$LUAFETCH" --no-progress tests/run.lua "${files[@]}" ;;
    gcstress) LF_GCSTRESS=${LF_GCSTRESS:-6} run "$LUAFETCH" --no-progress tests/run.lua "${files[@]}" ;;
    conformance)
        for t in tests/conformance/*.lua; do
            [ -f "$t" ] && run "$LUAFETCH" --no-progress "$t"
        done
        ;;
    esac
done

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
