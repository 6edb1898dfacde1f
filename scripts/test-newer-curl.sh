#!/bin/sh
# The tests once more with the libcurl of Debian's backports, beside the installed one: its
# packages are unpacked under build/, nothing is installed and no source list is changed.
# Usage: scripts/test-newer-curl.sh   (after `make test`; needs apt-get and dpkg)
set -eu

dir=$(pwd)/build/newer-curl
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

fetch_packages() {
    rm -rf "$dir"
    mkdir -p "$dir/lists/partial" "$dir/archives/partial"
    echo "deb http://deb.debian.org/debian $release-backports main" >"$dir/sources.list"
    apt() {
        apt-get -qq -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir" -o APT::Sandbox::User=root "$@"
    }
    apt update
    (cd "$dir" && apt download -t "$release-backports" libcurl4)
    dpkg -x "$dir"/libcurl4_*.deb "$dir/root"
}

[ -n "$release" ] && command -v dpkg >/dev/null || {
    echo "test-newer-curl: this is no Debian" >&2
    exit 1
}
[ -d "$dir/root" ] || fetch_packages
lib=$(dirname "$(find "$dir/root" -name 'libcurl.so.4' | head -n 1)")
LD_LIBRARY_PATH=$lib
export LD_LIBRARY_PATH
echo "== $(curl --version | head -n 1 | grep -o 'libcurl/[0-9.]*')"
exec scripts/run-tests.sh unit spec
