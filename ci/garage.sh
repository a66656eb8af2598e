#!/usr/bin/env bash
# Runs a command with a real S3 server at its side that ignores conditional writes: Garage.
#
#     ci/garage.sh                    the stories that one writer at a time can tell
#     ci/garage.sh COMMAND...         any other command
#
# The command finds the server in S3_ASSET_TEST_ENDPOINT, S3_ASSET_TEST_ACCESS_KEY and
# S3_ASSET_TEST_SECRET_KEY, and S3_ASSET_TEST_CONDITIONAL_WRITES=false. Its data is thrown away.
set -euo pipefail
# shellcheck source=ci/await.sh
. "$(dirname "$0")/await.sh"

if ! command -v garage >/dev/null; then
    echo "garage is not in PATH; it compiles in a quarter of an hour:" >&2
    echo "    cargo install garage --version 2.5.0 --locked" >&2
    exit 2
fi
# It knows no tags of objects, which one story is about.
[ $# -gt 0 ] || set -- "$(dirname "$0")/stories" --quiet \
    --skip objects::headers_tags_and_metadata_are_on_uploads_and_on_copies

read -r s3 rpc <<<"$(python3 - <<'PY'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))
PY
)"
random() {
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

data=$(mktemp -d)
cat >"$data/garage.toml" <<END
metadata_dir = "$data/meta"
data_dir = "$data/data"
db_engine = "sqlite"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:$rpc"
rpc_secret = "$(random 32)"

[s3_api]
api_bind_addr = "127.0.0.1:$s3"
s3_region = "us-east-1"
END
GARAGE_DEFAULT_ACCESS_KEY=GK$(random 12)
GARAGE_DEFAULT_SECRET_KEY=$(random 32)
export GARAGE_DEFAULT_ACCESS_KEY GARAGE_DEFAULT_SECRET_KEY
garage -c "$data/garage.toml" server --single-node --default-access-key >"$data/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT

await Garage "$s3" "$server" "$data/log"

S3_ASSET_TEST_ENDPOINT=http://127.0.0.1:$s3 \
    S3_ASSET_TEST_ACCESS_KEY=$GARAGE_DEFAULT_ACCESS_KEY \
    S3_ASSET_TEST_SECRET_KEY=$GARAGE_DEFAULT_SECRET_KEY \
    S3_ASSET_TEST_CONDITIONAL_WRITES=false \
    "$@"
