#!/usr/bin/env bash
# Runs a command with a real S3 server at its side: the gateway of Ceph, RGW, over a cluster of one disk
# in memory.
#
#     ci/ceph.sh                    the stories
#     ci/ceph.sh COMMAND...         any other command
#
# The command finds the server in S3_ASSET_TEST_ENDPOINT, S3_ASSET_TEST_ACCESS_KEY and
# S3_ASSET_TEST_SECRET_KEY. It comes from Debian's packages, whose names are said where it is missing. Its
# data is thrown away.
set -euo pipefail
# shellcheck source=ci/await.sh
. "$(dirname "$0")/await.sh"

root=$(cd "$(dirname "$0")/.." && pwd)
# It answers no tags of objects, which one story is about.
[ $# -gt 0 ] || set -- "$root/ci/stories" --quiet \
    --skip objects::headers_tags_and_metadata_are_on_uploads_and_on_copies

for program in ceph ceph-mon ceph-osd radosgw; do
    command -v "$program" >/dev/null || {
        echo "$program is not in PATH: apt-get install --no-install-recommends" \
            "radosgw ceph-mon ceph-osd ceph-common" >&2
        exit 2
    }
done

read -r mon old s3 <<<"$(python3 - <<'PY'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in sockets))
PY
)"

# Short: the path of a socket has at most 107 characters.
data=$(mktemp -d /tmp/ceph.XXXXXX)
mkdir "$data"/{mon,osd,rgw}
cluster=$(cat /proc/sys/kernel/random/uuid)
# One disk holds one copy of everything. `$name` is for Ceph: each process has its own.
cat >"$data/ceph.conf" <<END
[global]
fsid = $cluster
mon host = [v2:127.0.0.1:$mon/0,v1:127.0.0.1:$old/0]
keyring = $data/keyring
run dir = $data
admin socket = $data/\$name.\$pid.socket
log file = $data/\$name.log
mon data = $data/mon
mon allow pool size one = true
mon data avail crit = 0
mon max pg per osd = 1000
osd data = $data/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw data = $data/rgw
rgw frontends = beast endpoint=127.0.0.1:$s3
END
export CEPH_CONF=$data/ceph.conf

processes=()
end() {
    # Asked to end, they would write down what is thrown away. Bash says nothing of jobs that it disowned.
    disown -a
    kill -KILL "${processes[@]}" 2>/dev/null || true
    rm -rf "$data" 2>/dev/null || { sleep 1 && rm -rf "$data"; }
}
trap end EXIT

# quietly COMMAND...: what it says is for the log, and shown only where it fails.
quietly() {
    timeout 120 "$@" >>"$data/log" 2>&1 && return
    echo "$* failed:" >&2
    tail -n 20 "$data/log" >&2
    return 1
}

key() {
    quietly ceph-authtool "$data/keyring" --gen-key "$@"
}
quietly ceph-authtool --create-keyring "$data/keyring"
key -n mon. --cap mon 'allow *'
key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
quietly monmaptool --create --fsid "$cluster" --addv a "[v2:127.0.0.1:$mon,v1:127.0.0.1:$old]" "$data/monmap"
quietly ceph-mon -i a --mkfs --monmap "$data/monmap" --keyring "$data/keyring"
ceph-mon -i a -f >>"$data/log" 2>&1 &
processes+=($!)

disk=$(cat /proc/sys/kernel/random/uuid)
quietly ceph osd new "$disk"
quietly ceph-osd -i 0 --mkfs --osd-uuid "$disk"
ceph-osd -i 0 -f >>"$data/log" 2>&1 &
processes+=($!)

# The gateway makes its pools when it is first asked, but knows no storage class that nobody made.
quietly radosgw-admin user create --uid stories --display-name stories --access-key ceph --secret-key ceph-secret
class=(--placement-id default-placement --storage-class STANDARD_IA)
quietly radosgw-admin zonegroup placement add --rgw-zonegroup default "${class[@]}"
quietly radosgw-admin zone placement add --rgw-zone default "${class[@]}" --data-pool rare
radosgw -n client.admin -f >>"$data/log" 2>&1 &
server=$!
processes+=("$server")

await "Ceph RGW" "$s3" "$server" "$data/log"

S3_ASSET_TEST_ENDPOINT=http://127.0.0.1:$s3 \
    S3_ASSET_TEST_ACCESS_KEY=ceph S3_ASSET_TEST_SECRET_KEY=ceph-secret \
    "$@"
