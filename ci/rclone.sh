#!/usr/bin/env bash
# Runs a command with an S3 server at its side that knows no conditional writes: `rclone serve s3`.
#
#     ci/rclone.sh                    the stories that one writer at a time can tell
#     ci/rclone.sh COMMAND...         any other command
#
# The command finds the server in S3_ASSET_TEST_ENDPOINT, S3_ASSET_TEST_ACCESS_KEY and
# S3_ASSET_TEST_SECRET_KEY, and S3_ASSET_TEST_CONDITIONAL_WRITES=false. Where rclone is not in PATH and
# go is, it is installed into target/, which takes some minutes; its data is thrown away.
set -euo pipefail
# shellcheck source=ci/await.sh
. "$(dirname "$0")/await.sh"

version=v1.76.0
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$root/ci/stories" --quiet

rclone=$(command -v rclone || true)
if [ -z "$rclone" ]; then
    tools=$root/target/tools/rclone-$version
    rclone=$tools/rclone
    if [ ! -x "$rclone" ]; then
        command -v go >/dev/null || { echo "neither rclone nor go is in PATH" >&2; exit 2; }
        GOBIN=$tools go install "github.com/rclone/rclone@$version"
    fi
fi

port=$(free_port)
data=$(mktemp -d)
mkdir "$data/store"
"$rclone" serve s3 --config "$data/none" --addr "127.0.0.1:$port" --auth-key rclone,rclone-secret \
    --vfs-cache-mode writes --cache-dir "$data/cache" "$data/store" >"$data/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT

await rclone "$port" "$server" "$data/log"

S3_ASSET_TEST_ENDPOINT=http://127.0.0.1:$port \
    S3_ASSET_TEST_ACCESS_KEY=rclone S3_ASSET_TEST_SECRET_KEY=rclone-secret \
    S3_ASSET_TEST_CONDITIONAL_WRITES=false \
    "$@"
