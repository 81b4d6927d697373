#!/usr/bin/env bash
# Signs every file of a release and states its provenance and, where FILE.cdx.json lies beside it, its SBOM:
# release/sign-files.sh FOLDER PROVENANCE [FLAG…]
#
# The flags say who signs; none of them in the release, which signs with the job's own identity. `sealwright` is on PATH.
set -euo pipefail
shopt -s nullglob
folder=${1:?usage: $0 FOLDER PROVENANCE [FLAG...]}
provenance=${2:?usage: $0 FOLDER PROVENANCE [FLAG...]}
shift 2

for file in "$folder"/*; do
  case "$file" in *.sigstore.json) continue ;; esac
  sealwright sign --artifact "$file" --bundle "$file.sigstore.json" "$@"
  sealwright attest --artifact "$file" --bundle "$file.provenance.sigstore.json" \
    --type slsaprovenance1 --predicate "$provenance" "$@"
  [ ! -f "$file.cdx.json" ] || sealwright attest --artifact "$file" --bundle "$file.sbom.sigstore.json" \
    --type cyclonedx --predicate "$file.cdx.json" "$@"
done
