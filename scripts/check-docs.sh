#!/bin/bash
# check-docs.sh: every option of the command stands in the man page and the README, and the
# man page names no option that does not exist. The table in src/bind/args.c is the truth, and
# for commands (luafetch job) their files.
set -u
cd "$(dirname "$0")/.." || exit 2

bad=0
options=$(sed -n 's/^    {"\([a-z-]*\)", .*set_.*/\1/p' src/bind/args.c)
[ -n "$options" ] || { echo "src/bind/args.c: no table of options found" && exit 1; }

for option in $options; do
    sed 's/\\-/-/g' scripts/luafetch.1 | grep -qE -- "--$option\b" || {
        echo "scripts/luafetch.1 does not mention --$option"
        bad=1
    }
    grep -qE -- "--$option\b" README.md || {
        echo "README.md does not mention --$option"
        bad=1
    }
done

of_commands=$(grep -ohE -- '--[a-z][a-z-]*' lua/luafetch/command/*.lua | cut -c3-)

while read -r option; do
    grep -qx -- "${option#--}" <<<"$options
$of_commands" || {
        echo "scripts/luafetch.1 mentions $option, which does not exist"
        bad=1
    }
done < <(sed 's/\\-/-/g' scripts/luafetch.1 | grep -oE -- '--[a-z][a-z-]*' | sort -u)
exit $bad
