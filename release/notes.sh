#!/bin/sh
# Prints what CHANGELOG.md says under a version: release/notes.sh VERSION
set -eu
cd "$(dirname "$0")/.."
awk -v heading="## ${1:?usage: $0 VERSION}" '
  /^## / { inside = ($0 == heading || index($0, heading " ") == 1); next }
  inside && (NF || written) { print; written = 1 }
' CHANGELOG.md
