#!/bin/sh
# deps.sh WHAT: install what WHAT needs and the machine lacks; says nothing when all is there.
# deps.sh --check WHAT: only look.
# WHAT: build, demo, test, lint, valgrind, fuzz, tidy, bench, bench-guard, faults-peers, or all of these
# but the last four. Debian and Ubuntu through apt, as root or with sudo; elsewhere the packages are named
# and it ends with 1.
set -eu

check=
if [ "${1-}" = --check ]; then
    check=1
    shift
fi
what=${1-build}

# needed for | how to see it: a program, pc:pkg-config module, h:header, lua: or py:module | apt | dnf | pacman | apk | brew
table='
build|cc|gcc|gcc|gcc|gcc|gcc
build|h:stdio.h|libc6-dev|glibc-devel|glibc|musl-dev|-
build|make|make|make|make|make|make
build|pkg-config|pkg-config|pkgconf-pkg-config|pkgconf|pkgconf|pkgconf
build|pc:lua5.4|liblua5.4-dev|lua-devel|lua|lua5.4-dev|lua
build|pc:libcurl|libcurl4-openssl-dev|libcurl-devel|curl|curl-dev|curl
build|pc:openssl|libssl-dev|openssl-devel|openssl|openssl-dev|openssl@3
build|pc:libcares|libc-ares-dev|c-ares-devel|c-ares|c-ares-dev|c-ares
build|h:ev.h|libev-dev|libev-devel|libev|libev-dev|libev
build|h:wslay/wslay.h|libwslay-dev|wslay-devel|wslay|wslay-dev|wslay
build|pc:libxml-2.0|libxml2-dev|libxml2-devel|libxml2|libxml2-dev|libxml2
build|pc:sqlite3|libsqlite3-dev|sqlite-devel|sqlite|sqlite-dev|sqlite
build|h:hiredis/hiredis.h|libhiredis-dev|hiredis-devel|hiredis|hiredis-dev|hiredis
build|pc:libidn2|libidn2-dev|libidn2-devel|libidn2|libidn2-dev|libidn2
build|pc:libpsl|libpsl-dev|libpsl-devel|libpsl|libpsl-dev|libpsl
build|pc:libbrotlidec|libbrotli-dev|brotli-devel|brotli|brotli-dev|brotli
build|pc:libzstd|libzstd-dev|libzstd-devel|zstd|zstd-dev|zstd
build|pc:zlib|zlib1g-dev|zlib-devel|zlib|zlib-dev|zlib
demo|nginx|nginx-light|nginx|nginx|nginx|nginx
demo|lua5.4|lua5.4|lua|lua|lua5.4|lua
test|lua:busted.core|lua-busted|lua-busted|lua-busted|lua5.4-busted|-
test|py:httpbin|python3-httpbin|python3-httpbin|python-httpbin|py3-httpbin|-
test|py:websockets|python3-websockets|python3-websockets|python-websockets|py3-websockets|-
test|py:gunicorn|gunicorn|python3-gunicorn|gunicorn|py3-gunicorn|-
test|openssl|openssl|openssl|openssl|openssl|openssl
test|tinyproxy|tinyproxy-bin|tinyproxy|tinyproxy|tinyproxy|tinyproxy
test|microsocks|microsocks|microsocks|microsocks|microsocks|microsocks
test|redis-server|redis-server|redis|redis|redis|redis
test|ip|iproute2|iproute|iproute2|iproute2|-
lint|clang-format|clang-format|clang-tools-extra|clang|clang-extra-tools|clang-format
lint|luacheck|lua-check|lua-check|luacheck|luacheck|luacheck
valgrind|valgrind|valgrind|valgrind|valgrind|valgrind|valgrind
bench-guard|valgrind|valgrind|valgrind|valgrind|valgrind|valgrind
bench-guard|strace|strace|strace|strace|strace|strace
tidy|clang-tidy|clang-tidy|clang-tools-extra|clang|clang-extra-tools|llvm
tidy|cppcheck|cppcheck|cppcheck|cppcheck|cppcheck|cppcheck
fuzz|clang|clang|clang|clang|clang|llvm
fuzz|fuzzer|libclang-rt-14-dev|compiler-rt|compiler-rt|compiler-rt|-
faults-peers|curl|curl|curl|curl|curl|curl
faults-peers|py:aiohttp|python3-aiohttp|python3-aiohttp|python-aiohttp|py3-aiohttp|-
bench|go|golang-go|golang|go|go|go
bench|curl|curl|curl|curl|curl|curl
bench|python3|python3|python3|python|python3|python3
bench|py:lxml|python3-lxml|python3-lxml|python-lxml|py3-lxml|-
bench|wrk|wrk|wrk|wrk|wrk|wrk
bench|py:aiohttp|python3-aiohttp|python3-aiohttp|python-aiohttp|py3-aiohttp|-
bench|py:uvloop|python3-uvloop|python3-uvloop|python-uvloop|py3-uvloop|-
bench|py:httpx|python3-httpx|python3-httpx|python-httpx|py3-httpx|-
bench|py:h2|python3-h2|python3-h2|python-h2|py3-h2|-
bench|py:requests|python3-requests|python3-requests|python-requests|py3-requests|-
bench|py:pycurl|python3-pycurl|python3-pycurl|python-pycurl|py3-curl|-
bench|py:scrapy|python3-scrapy|python3-scrapy|scrapy|-|-
bench|py:parsel|python3-parsel|python3-parsel|python-parsel|py3-parsel|-
bench|node|nodejs|nodejs|nodejs|nodejs|node
bench|npm|npm|nodejs-npm|npm|npm|node
bench|openssl|openssl|openssl|openssl|openssl|openssl
'

# What each word takes in.
case $what in
build | lint | valgrind | fuzz | tidy) wanted="build $what" ;;
demo) wanted="build demo" ;;
bench) wanted="build demo bench" ;;
bench-guard) wanted="build demo bench-guard" ;;
test) wanted="build demo test" ;;
faults-peers) wanted="build demo test faults-peers" ;;
all) wanted="build demo test lint valgrind fuzz" ;;
*)
    echo "usage: deps.sh [--check] build|demo|test|lint|valgrind|fuzz|tidy|bench|bench-guard|faults-peers|all" >&2
    exit 2
    ;;
esac

have() { # $1: what the second column says
    case $1 in
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    h:*) [ -e "/usr/include/${1#h:}" ] || [ -e "/usr/local/include/${1#h:}" ] ||
        [ -e "/opt/homebrew/include/${1#h:}" ] ;;
    py:*) [ -d "/usr/lib/python3/dist-packages/${1#py:}" ] || /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
    lua:*) lua5.4 -e "require '${1#lua:}'" 2>/dev/null ;;
    fuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null ;;
    nginx) command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The columns of the rows that are missing, one row a line.
missing() {
    echo "$table" | while IFS='|' read -r group see rest; do
        [ -n "$group" ] || continue
        case " $wanted " in
        *" $group "*) have "$see" || echo "$rest" ;;
        esac
    done
}

column() { # $1: lines, $2: number of the column
    echo "$1" | cut -d'|' -f"$2" | grep -v '^-$' | sort -u | tr '\n' ' '
}

lacking=$(missing)
[ -n "$lacking" ] || exit 0

if [ -n "$check" ]; then
    echo "not installed: $(column "$lacking" 1)" >&2
    echo "scripts/deps.sh $what installs it on Debian and Ubuntu and names it for other systems" >&2
    exit 1
fi

if ! command -v apt-get >/dev/null; then
    echo "Please install these packages and try again:" >&2
    n=2
    for tool in "dnf install" "pacman -S" "apk add" "brew install"; do
        echo "  $tool $(column "$lacking" $n)" >&2
        n=$((n + 1))
    done
    exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Please install as root: apt-get install $(column "$lacking" 1)" >&2
        exit 1
    fi
    as_root=sudo
fi

# nginx is wanted as a program: its package must not start a server on this machine.
policy=/usr/sbin/policy-rc.d
made_policy=
forget_policy() {
    [ -z "$made_policy" ] || $as_root rm -f $policy
}
trap forget_policy EXIT
case $lacking in
*nginx*)
    if [ ! -e $policy ]; then
        made_policy=1
        printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
        $as_root chmod +x $policy
    fi
    ;;
esac

packages=$(column "$lacking" 1)
echo "installing: $packages" >&2
log=$(mktemp)
install() {
    # shellcheck disable=SC2086 # one word a package
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $packages >"$log" 2>&1
}
if ! install; then
    $as_root apt-get update >"$log" 2>&1 || true
    if ! install; then
        cat "$log" >&2
        rm -f "$log"
        echo "apt could not install: $packages" >&2
        exit 1
    fi
fi
rm -f "$log"
