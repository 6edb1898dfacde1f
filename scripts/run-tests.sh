#!/bin/bash
# run-tests.sh [--build DIR] [--valgrind] unit|spec|conformance|gcstress … [FILE…]
# Runs test programs and sums their lines "N passed, N failed": the specs a process for each
# file, LF_TEST_JOBS of them at once (they wait more than they compute), the others one after
# the other. A program that does not count is one test, by its exit code, unless it says that
# it skips; a bad end without a counted failure is one failure. The last line is the sum; the
# exit code is 0 only when something passed and nothing failed.
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
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run() { # $1: a file for what it says, then the command of one test program; sets code
    local log=$1
    shift
    echo "== $*"
    timeout -k 10 "${LF_TEST_TIMEOUT:-600}" "${under[@]}" "$@" </dev/null 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
}

count() { # $1: what a test program said, $2: its exit code
    local p f
    p=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed.*/\1/p' "$1" | paste -sd+ | sed 's/^$/0/')
    f=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p' "$1" | paste -sd+ | sed 's/^$/0/')
    p=$((p)) f=$((f))
    if [ "$2" != 0 ] && [ "$f" = 0 ]; then
        echo "it ended with exit code $2"
        f=1
    elif [ "$p" = 0 ] && [ "$f" = 0 ] && ! grep -qi '^skip' "$1"; then
        p=1 # it does not count and ended well
    fi
    passed=$((passed + p))
    failed=$((failed + f))
}

run_alone() { # the command of one test program
    run "$logs/alone" "$@"
    count "$logs/alone" "$code"
}

one_spec() { # $1: its number, $2: its file
    local began=$SECONDS
    run "$logs/$1.log" "$LUAFETCH" --no-progress tests/run.lua "$2" >"$logs/$1.out"
    echo "$code" >"$logs/$1.code"
    flock "$logs" cat "$logs/$1.out"
    echo "   in $((SECONDS - began)) s: $2"
}

run_specs() {
    local specs=("${files[@]}") i
    # The longest last a while: they begin first.
    [ ${#specs[@]} -gt 0 ] || mapfile -t specs < <(ls -S tests/spec/*_spec.lua)
    for i in "${!specs[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do wait -n; done
        one_spec "$i" "${specs[i]}" &
    done
    wait
    for i in "${!specs[@]}"; do count "$logs/$i.log" "$(cat "$logs/$i.code")"; done
}

cores=$(nproc 2>/dev/null || echo 2)
for kind in "${kinds[@]}"; do
    case $kind in
    unit)
        for t in "$build"/unit/test_*; do
            case $t in *.d | *.o) continue ;; esac
            [ -f "tests/unit/${t##*/}.c" ] && run_alone "$t"
        done
        ;;
    spec) run_specs "${LF_TEST_JOBS:-$((2 * cores))}" ;;
    # All of them compute: more at once would only make each one later.
    gcstress) LF_GCSTRESS=${LF_GCSTRESS:-6} run_specs "${LF_TEST_JOBS:-$cores}" ;;
    conformance)
        for t in tests/conformance/*.lua; do
            [ -f "$t" ] && run_alone "$LUAFETCH" --no-progress "$t"
        done
        ;;
    esac
done

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
