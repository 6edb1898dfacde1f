#!/bin/sh
# install.sh install|uninstall PREFIX [BUILD]: program, Lua library, modules, examples and
# man page. Uninstalling removes exactly these.
set -eu
what=$1 prefix=$2 build=${3-build}
cd "$(dirname "$0")/.."

share=$prefix/share/luafetch
lib=$prefix/lib/luafetch
man=$prefix/share/man/man1/luafetch.1

case $what in
install)
    rm -rf "$share" "$lib"
    install -d "$prefix/bin" "$share" "$lib" "${man%/*}"
    install -m 755 "$build/luafetch" "$prefix/bin/luafetch"
    cp -R lua "$share/lua"
    install -d "$share/examples"
    install -m 644 examples/*.lua "$share/examples"
    cp -R "$build/modules/." "$lib"
    chmod -R u=rwX,go=rX "$share" "$lib"
    install -m 644 scripts/luafetch.1 "$man"
    ;;
uninstall)
    rm -rf "$share" "$lib"
    rm -f "$prefix/bin/luafetch" "$man"
    ;;
*)
    echo "usage: install.sh install|uninstall PREFIX [BUILD]" >&2
    exit 2
    ;;
esac
