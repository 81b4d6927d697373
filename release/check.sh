#!/usr/bin/env bash
# Whether this commit can be released as VERSION: release/check.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?usage: $0 VERSION}

fail() {
  echo "v$version cannot be released: $1" >&2
  exit 1
}

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "it is no version, expected X.Y.Z"
stated=$(sed -n '/^\[workspace.package\]$/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ "$stated" = "$version" ] || fail "Cargo.toml says $stated"
[ -n "$(release/notes.sh "$version")" ] || fail "CHANGELOG.md has nothing under ## $version"
! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || fail "the tag is there already"
# The release puts a digest in their place, in a commit of its own.
grep -qx '  image: Dockerfile' action.yml || fail "action.yml does not name the Dockerfile"
! grep -q '^[0-9a-f]' setup/checksums.txt || fail "setup/checksums.txt names binaries of another release"
echo "v$version can be released from $(git rev-parse HEAD)"
