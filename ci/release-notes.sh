#!/usr/bin/env bash
# Cuts a version's section out of the changelog, without its heading.
#
#     ci/release-notes.sh 1.2.3 [CHANGELOG.md]
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: ci/release-notes.sh VERSION [CHANGELOG.md]" >&2
    exit 2
fi
changelog=${2:-$(dirname "$0")/../CHANGELOG.md}
# The heading is `## 1.2.3`, `## 1.2.3 - 2027-01-31` or `## [1.2.3] ...`.
notes=$(version=$1 awk '
    /^## / { heading = $2; gsub(/[][]/, "", heading); inside = heading == ENVIRON["version"]; next }
    inside && (/./ || begun) { begun = 1; print }' "$changelog")
if [ -z "$notes" ]; then
    echo "error: $changelog: nothing under a heading \`## $1\`" >&2
    exit 1
fi
printf '%s\n' "$notes"
