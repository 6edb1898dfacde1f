#!/bin/sh
# Serves a directory with nginx on a free loopback port while a command runs:
#
#   scripts/serve-demo.sh ROOT COMMAND [ARGS…]
#
# {URL} in the arguments becomes the site's address. Exits with the command's exit code.
# Besides the files of ROOT there are /slow/, which takes about two seconds, and /error/,
# which answers 500. No root rights needed; nothing is left behind.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: serve-demo.sh ROOT COMMAND [ARGS...]" >&2
    exit 2
fi
if [ ! -d "$1" ]; then
    echo "serve-demo.sh: no such directory: $1" >&2
    exit 2
fi
root=$(cd "$1" && pwd)
shift

PATH=$PATH:/usr/sbin:/sbin
if ! command -v nginx >/dev/null; then
    echo "serve-demo.sh: nginx is missing (Debian: nginx-light)" >&2
    exit 2
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/luafetch-demo-XXXXXX")
command_pid=

# shellcheck disable=SC2317 # the traps call it
stop() {
    trap - EXIT INT TERM HUP
    if [ -n "$command_pid" ]; then
        kill "$command_pid" 2>/dev/null || :
        wait "$command_pid" || :
    fi
    if pid=$(cat "$dir/nginx.pid" 2>/dev/null); then
        kill "$pid" 2>/dev/null || :
        while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
    fi
    rm -rf "$dir"
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM HUP

# A port below the kernel's range for outgoing connections that no socket uses now.
free_port() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v seed="$$$1" '
        { n = split($2, part, ":"); used[part[n]] = 1 }
        END {
            srand(seed)
            do port = 20000 + int(rand() * 12000)
            while (sprintf("%04X", port) in used)
            print port
        }'
}

write_conf() {
    cat >"$dir/nginx.conf" <<CONF
master_process off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    types { text/html html; text/plain txt; }
    default_type application/octet-stream;
    charset utf-8;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:$1;
        root "$root";
        absolute_redirect off;
        location /slow/ { limit_rate 8k; }
        location /error/ {
            default_type text/html;
            return 500 "<h1>500: this page never works</h1>\n";
        }
    }
}
CONF
}

# nginx listens before it goes to the background, but names its process only after that.
wait_for_pid() {
    for try in $(seq 500); do
        [ ! -s "$dir/nginx.pid" ] || return 0
        sleep 0.01
    done
    return 1
}

start() {
    for try in 1 2 3 4 5; do
        port=$(free_port "$try")
        write_conf "$port"
        if nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" 2>/dev/null && wait_for_pid; then
            return
        fi
    done
    echo "serve-demo.sh: nginx does not start:" >&2
    cat "$dir/error.log" >&2
    exit 1
}

start
url=http://127.0.0.1:$port/
echo "demo site: $url" >&2

# Each argument in its turn goes from the front to the back, with {URL} replaced.
for arg; do
    shift
    while [ "$arg" != "${arg#*'{URL}'}" ]; do
        arg=${arg%%'{URL}'*}$url${arg#*'{URL}'}
    done
    set -- "$@" "$arg"
done

# In the background, so that a signal to this script is handled at once. The shell gives
# such a command /dev/null to read; it gets our input back.
exec 3<&0
"$@" <&3 3<&- &
command_pid=$!
code=0
wait "$command_pid" || code=$?
command_pid=
exit "$code"
