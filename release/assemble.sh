#!/usr/bin/env bash
# Puts a release together from its binaries: release/assemble.sh VERSION REVISION BINARIES OUT
#
# BINARIES holds sealwright-TARGET for every target, and ca-certificates.crt. OUT gets `image`, the OCI layout, whose digest is
# printed, and `files`: binaries, charts, SBOMs and SHA256SUMS. `sealwright` and `helm` are on PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: $0 VERSION REVISION BINARIES OUT"
version=${1:?$usage} revision=${2:?$usage} binaries=${3:?$usage} out=${4:?$usage}

mkdir -p "$out/files"
for binary in "$binaries"/sealwright-*; do
  install -m 0755 "$binary" "$out/files/${binary/#*\/sealwright-/sealwright-v$version-}"
done
amd64=$out/files/sealwright-v$version-x86_64-unknown-linux-musl
arm64=$out/files/sealwright-v$version-aarch64-unknown-linux-musl
release/image.sh "$out/image" "$version" "$revision" "$binaries/ca-certificates.crt" "amd64=$amd64" "arm64=$arm64"
# What the image holds is the binary, the certificates and a license: its SBOM is the binary's.
sealwright --quiet sbom "oci:$out/image" --platform linux/amd64 -o "cyclonedx-json=$amd64.cdx.json"
sealwright --quiet sbom "oci:$out/image" --platform linux/arm64 -o "cyclonedx-json=$arm64.cdx.json"
# Not sealwright-policies, which is rendered for an example: everybody renders their own.
for chart in charts/app charts/observability; do
  helm package "$chart" --version "$version" --app-version "$version" --destination "$out/files" >&2
done
(cd "$out/files" && sha256sum -- * >"$out/SHA256SUMS" && mv "$out/SHA256SUMS" .)
