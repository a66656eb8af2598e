#!/usr/bin/env bash
# Runs a command with an S3 server at its side that other projects test against: moto.
#
#     ci/moto.sh                    the stories
#     ci/moto.sh COMMAND...         any other command
#
# The command finds the server in S3_ASSET_TEST_ENDPOINT, S3_ASSET_TEST_ACCESS_KEY and
# S3_ASSET_TEST_SECRET_KEY. The server is installed into target/; it keeps everything in memory.
set -euo pipefail
# shellcheck source=ci/await.sh
. "$(dirname "$0")/await.sh"

version=5.2.5
root=$(cd "$(dirname "$0")/.." && pwd)
# It is one process of Python: with more at once, requests time out.
[ $# -gt 0 ] || set -- "$root/ci/stories" --quiet --test-threads 2

venv=$root/target/tools/moto-$version
if [ ! -x "$venv/bin/moto_server" ]; then
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "moto[server]==$version"
fi

port=$(free_port)
data=$(mktemp -d)
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$data/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT

await moto "$port" "$server" "$data/log"

S3_ASSET_TEST_ENDPOINT=http://127.0.0.1:$port \
    S3_ASSET_TEST_ACCESS_KEY=test S3_ASSET_TEST_SECRET_KEY=test-secret \
    "$@"
