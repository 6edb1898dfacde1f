#!/bin/sh
# demo.sh [URL]: run the bundled quotes example, with its records and its summary: against
# the demo site, served by nginx while it runs, or against a live one.
set -eu
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
    exec build/luafetch --stats examples/quotes.lua "$1"
fi
lua5.4 scripts/make-demo-site.lua examples/demo-site build/demo-site
exec scripts/serve-demo.sh build/demo-site build/luafetch --stats examples/quotes.lua '{URL}'
