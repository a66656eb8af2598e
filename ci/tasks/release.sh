#!/usr/bin/env bash
# Writes what a release is made with into release/, from the checkout that this script is in:
# version, tag, name, notes.md, and build-args for the image.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$repo/Cargo.toml" | head -n 1)
# The tag, where Concourse fetched one; a checkout of one's own need not have it.
if [ -e "$repo/.git/ref" ] && [ "$(cat "$repo/.git/ref")" != "v$version" ]; then
    echo "error: the tag is $(cat "$repo/.git/ref"), and Cargo.toml has version $version" >&2
    exit 1
fi
"$repo/ci/release-notes.sh" "$version" >release/notes.md

echo "$version" >release/version
echo "v$version" >release/tag
echo "s3-asset-resource $version" >release/name
git=(git -C "$repo" -c 'safe.directory=*')
{
    echo "VERSION=$version"
    # `fly execute` sends files alone, without their history.
    if [ -e "$repo/.git" ]; then
        "${git[@]}" log -1 --format='REVISION=%H%nSOURCE_DATE_EPOCH=%ct'
    fi
} >release/build-args
head release/version release/build-args release/notes.md
