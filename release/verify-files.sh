#!/usr/bin/env bash
# Verifies every file of a release by the bundles beside it: release/verify-files.sh FOLDER [FLAG…]
#
# The flags say whose evidence counts. A file without its bundles fails, and so does one that SHA256SUMS does not name.
# `sealwright` is on PATH.
set -euo pipefail
shopt -s nullglob
folder=${1:?usage: $0 FOLDER [FLAG...]}
shift

(cd "$folder" && sha256sum --check --strict --quiet SHA256SUMS)
count=0
for file in "$folder"/*; do
  case "$file" in *.sigstore.json) continue ;; esac
  name=$(basename "$file")
  [ "$name" = SHA256SUMS ] || grep -qE "^[0-9a-f]{64}  ${name//./\\.}\$" "$folder/SHA256SUMS" ||
    { echo "SHA256SUMS does not name $name" >&2; exit 1; }
  sealwright verify --artifact "$file" --bundle "$file.sigstore.json" "$@"
  sealwright verify --artifact "$file" --bundle "$file.provenance.sigstore.json" --type slsaprovenance1 "$@"
  [ ! -f "$file.cdx.json" ] ||
    sealwright verify --artifact "$file" --bundle "$file.sbom.sigstore.json" --type cyclonedx "$@"
  count=$((count + 1))
done
[ "$count" -gt 1 ] || { echo "$folder holds no files of a release" >&2; exit 1; }
echo "verified $count files"
