#!/bin/bash
# lint.sh: what a compiler does not check; needs the program in build/lint. All checks run;
# ends with 1 when one failed.
set -u
cd "$(dirname "$0")/.." || exit 2

failed=0
check() { # $1: name, then the command
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        echo "  OK    $name"
    else
        echo "  FAIL  $name"
        echo "$out"
        failed=1
    fi
}

mapfile -t c_files < <(find src tests scripts -name '*.[ch]')
mapfile -t shell_files < <(find scripts .ci -type f \( -name '*.sh' -o -path '.ci/run' \))

check floors scripts/check-floors.sh
check clang-format clang-format --dry-run --Werror "${c_files[@]}"
check luacheck luacheck --no-color -q lua tests examples scripts
check "options in man page and README" scripts/check-docs.sh
check "types of public functions and options" build/lint/luafetch scripts/check-types.lua
check "names of program and modules" scripts/check-symbols.sh build/lint
if command -v shellcheck >/dev/null; then
    check shellcheck shellcheck --severity=warning "${shell_files[@]}"
fi
exit $failed
