#!/bin/bash
# tidy.sh FLAG…: clang-tidy (.clang-tidy says what for, and why) and cppcheck over src/, with
# these flags of the compiler. Takes minutes. Ends with 1 when one of them finds something.
set -u
cd "$(dirname "$0")/.." || exit 2

passed=0
failed=0
check() { # $1: name, then the command; silent when all is well
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        echo "  OK    $name"
        passed=$((passed + 1))
    else
        echo "  FAIL  $name"
        echo "$out"
        failed=$((failed + 1))
    fi
}

mapfile -t lua < <(find src/bind src/modules src/main.c -name '*.c')
mapfile -t other < <(find src/base src/http src/engine -name '*.c')

tidy() { # $@: flags; its standard error counts what it left out in system headers
    printf '%s\n' "${files[@]}" | xargs -I{} -P 2 clang-tidy --quiet {} -- "$@" 2>/dev/null
}

files=("${other[@]}")
check "clang-tidy: base, http, engine" tidy "$@"
files=("${lua[@]}")
check "clang-tidy: bind, modules" tidy "$@" -include scripts/tidy/noreturn.h
# The system's headers would only confuse it.
mapfile -t own < <(printf '%s\n' "$@" | grep -E '^(-D|-Isrc$)')
check cppcheck cppcheck --quiet --error-exitcode=1 --std=c11 --max-configs=4 \
    --enable=warning,performance,portability --library=posix --library=gnu \
    --library=scripts/tidy/noreturn.cfg --suppressions-list=scripts/tidy/suppress.txt \
    "${own[@]}" src

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
