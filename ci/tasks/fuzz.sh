#!/usr/bin/env bash
# See fuzz.yml.
set -euo pipefail

# Kept from build to build where the worker is the same.
export CARGO_HOME=$PWD/cargo CARGO_TARGET_DIR=$PWD/target
export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=always
cd "$(dirname "$0")/../.."
ci/fuzz "$FUZZ_SECONDS"
