#!/usr/bin/env bash
# Builds what the image holds: `s3-asset`, one static executable at a fixed address, the same bytes
# wherever and whenever it is built from the same sources with the same compilers. The Dockerfile,
# ci/image and ci/bench all build with this, so that what is tested and measured is what ships.
#
#     ci/build.sh          builds, into target/TRIPLE/release
#     ci/build.sh DIR      and lays out the image's root file system in DIR, which must not exist
#
# TRIPLE=aarch64-unknown-linux-gnu builds for another machine than this one.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
triple=${TRIPLE:-$host}
if [ "$triple" != "$host" ]; then
    gnu=${triple/-unknown-/-}
    upper=$(tr 'a-z-' 'A-Z_' <<<"$triple")
    export "CARGO_TARGET_${upper}_LINKER=$gnu-gcc" "CC_${triple//-/_}=$gnu-gcc" "AR_${triple//-/_}=$gnu-ar"
fi

# A fixed address saves a check a quarter of its CPU: relocations, and the pages that they touch.
# Panics name source files: under one name, whoever built them.
crates=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static --remap-path-prefix=$crates=/cargo"
# Without what only people at a terminal want (`features` in Cargo.toml).
# The tests' server as well: with one package alone, cargo gives dependencies fewer features, and
# builds them, and another executable, anew. The time of a commit would have every C library compiled
# for each; it dates only files.
env -u SOURCE_DATE_EPOCH cargo build --locked --release --no-default-features --target "$triple" -p s3-asset-resource -p s3-test-server --bin s3-asset --bin s3-test-server

[ $# -gt 0 ] || exit 0
root=$1
mkdir "$root"
install -d "$root"/{etc/ssl/certs,opt/resource,usr/local/bin}
install "${CARGO_TARGET_DIR:-target}/$triple/release/s3-asset" "$root/usr/local/bin/"
cp -P assets/opt/resource/* "$root/opt/resource/"
cp -P assets/usr/local/bin/* "$root/usr/local/bin/"
# The plain file of this system's ca-certificates; Concourse mounts its worker's over it.
install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
find "$root" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
