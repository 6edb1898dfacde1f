#!/bin/bash
# check-floors.sh: a floor includes only what it may know (the table below), and nobody
# calls a C function that cannot be used safely. Ends with 1 and the places otherwise.
set -u
cd "$(dirname "$0")/.." || exit 2

# floor | project headers it may include | libraries it must not include
table='
src/base|base/|curl ev lua lauxlib lualib libxml zlib brotli zstd idn2 openssl ares
src/http|base/ http/|curl ev lua lauxlib lualib libxml ares
src/engine|base/ http/ engine/|lua lauxlib lualib libxml
src/bind|base/ http/ engine/engine.h engine/io.h bind/|curl ev openssl ares libxml zlib brotli zstd
src/modules|base/buf.h base/err.h base/list.h http/charset.h http/percent.h http/url.h bind/lf_module.h modules/|curl ev openssl ares
src/main.c|base/ bind/ engine/engine.h|curl ev openssl ares libxml
'

bad=0
complain() {
    echo "$1"
    bad=1
}

allowed() { # $1: header, $2: list of prefixes
    local prefix
    for prefix in $2; do
        case $1 in "$prefix"*) return 0 ;; esac
    done
    return 1
}

include='^[[:space:]]*#[[:space:]]*include[[:space:]]*(["<])([^">]*)'
while IFS='|' read -r floor may mustnot; do
    [ -e "$floor" ] || continue
    while IFS=: read -r file line text; do
        [[ $text =~ $include ]] || continue
        header=${BASH_REMATCH[2]}
        library=${header%%/*}
        if [ "${BASH_REMATCH[1]}" = '"' ]; then
            allowed "$header" "$may" || complain "$file:$line: $floor must not include \"$header\""
        elif [[ " $mustnot " == *" ${library%.h} "* ]]; then
            complain "$file:$line: $floor must not include <$header>"
        fi
    done < <(grep -rnE --include='*.[ch]' "$include" "$floor" /dev/null)
done <<<"$table"

for entry in src/*; do
    [[ $table == *"
$entry|"* ]] || complain "$entry: is no floor of the table"
done

# No bound, hidden state, or no way to see an error.
banned='strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof'
if grep -rnE --include='*.[ch]' "(^|[^A-Za-z0-9_.>])($banned)[[:space:]]*\(" src tests scripts; then
    complain "these functions are not used here: $banned"
fi

exit $bad
