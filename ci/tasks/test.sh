#!/usr/bin/env bash
# What a change must pass, as far as a container without privileges runs it. All of it: .ci/run.
set -euxo pipefail

# Kept from build to build where the worker is the same.
export CARGO_HOME=$PWD/cargo CARGO_TARGET_DIR=$PWD/target
export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=always
cd "$(dirname "$0")/../.."

if ! cargo fmt --version || ! cargo clippy --version; then
    rustup component add rustfmt clippy
fi
cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo test --locked --workspace
