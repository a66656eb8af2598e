# shellcheck shell=bash
# For the scripts that start a server.

# await NAME PORT PROCESS LOG: waits until it answers, whatever it answers.
await() {
    local name=$1 port=$2 process=$3 log=$4
    for _ in $(seq 150); do
        # Without a signature the answer is 403.
        if python3 - "$port" 2>/dev/null <<'PY'; then
import http.client, sys
http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=2).request("GET", "/")
PY
            return
        fi
        kill -0 "$process" 2>/dev/null || break
        sleep 0.2
    done
    echo "$name did not come up:" >&2
    tail -n 20 "$log" >&2
    return 1
}

# A port of this machine that nothing listens on.
free_port() {
    python3 - <<'PY'
import socket

with socket.create_server(("127.0.0.1", 0)) as free:
    print(free.getsockname()[1])
PY
}
