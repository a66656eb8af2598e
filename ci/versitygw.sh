#!/usr/bin/env bash
# Runs a command with a real S3 server at its side: versitygw, which keeps objects as files.
#
#     ci/versitygw.sh                    the stories
#     ci/versitygw.sh COMMAND...         any other command
#
# The command finds the server in S3_ASSET_TEST_ENDPOINT, S3_ASSET_TEST_ACCESS_KEY and
# S3_ASSET_TEST_SECRET_KEY. Where versitygw is not in PATH and go is, it is installed into target/;
# its data is thrown away.
set -euo pipefail
# shellcheck source=ci/await.sh
. "$(dirname "$0")/await.sh"

version=v1.8.0
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$root/ci/stories" --quiet

gateway=$(command -v versitygw || true)
if [ -z "$gateway" ]; then
    tools=$root/target/tools/versitygw-$version
    gateway=$tools/versitygw
    if [ ! -x "$gateway" ]; then
        command -v go >/dev/null || { echo "neither versitygw nor go is in PATH" >&2; exit 2; }
        GOBIN=$tools go install "github.com/versity/versitygw/cmd/versitygw@$version"
    fi
fi

port=$(free_port)
# Metadata lies in extended attributes. (In a --sidecar, v1.8.0 loses writes under races.)
data=$(mktemp -d)
mkdir "$data/store"
export ROOT_ACCESS_KEY=versity ROOT_SECRET_KEY=versity-secret
"$gateway" --port "127.0.0.1:$port" --region us-east-1 --quiet \
    posix "$data/store" >"$data/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT

await versitygw "$port" "$server" "$data/log"

S3_ASSET_TEST_ENDPOINT=http://127.0.0.1:$port \
    S3_ASSET_TEST_ACCESS_KEY=$ROOT_ACCESS_KEY \
    S3_ASSET_TEST_SECRET_KEY=$ROOT_SECRET_KEY \
    "$@"
