#!/usr/bin/env bash
# Writes the action's image as an OCI layout: release/image.sh OUT VERSION REVISION CERTIFICATES ARCH=BINARY…
#
# An index with one image for each architecture, in GNU tar and gzip, without a builder that has to be trusted too. Every time
# in it is SOURCE_DATE_EPOCH: the same binaries give the same digest, which is printed.
set -euo pipefail

usage="usage: $0 OUT VERSION REVISION CERTIFICATES ARCH=BINARY..."
out=${1:?$usage} version=${2:?$usage} revision=${3:?$usage} certificates=${4:?$usage}
shift 4
[ $# -gt 0 ] || { echo "$usage" >&2; exit 2; }
epoch=${SOURCE_DATE_EPOCH:?it is the time of every file in the image}
here=$(cd "$(dirname "$0")" && pwd)

created=$(date --utc --date="@$epoch" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/blobs/sha256"

# Takes a file into the layout, and prints its descriptor with the members of $3.
blob() {
  local file=$1 type=$2 more=${3:-'{}'} digest size
  digest=$(sha256sum <"$file" | cut -d' ' -f1)
  size=$(stat --format=%s "$file")
  cp "$file" "$out/blobs/sha256/$digest"
  jq --null-input --compact-output --arg type "$type" --arg digest "sha256:$digest" --argjson size "$size" --argjson more "$more" \
    '{ mediaType: $type, digest: $digest, size: $size } + $more'
}

entrypoint=$(sed -n 's/^ENTRYPOINT //p' "$here/Dockerfile")
labels=$(sed -n 's/^LABEL \([a-z.]*\)=\(".*"\)$/{"\1": \2}/p' "$here/Dockerfile" | jq --slurp --compact-output \
  --arg version "$version" --arg revision "$revision" --arg created "$created" \
  'add + { "org.opencontainers.image.version": $version, "org.opencontainers.image.revision": $revision, "org.opencontainers.image.created": $created }')

images=()
for pair in "$@"; do
  architecture=${pair%%=*} binary=${pair#*=}
  root=$work/$architecture
  "$here/image-root.sh" "$binary" "$certificates" "$root"
  tar --create --file "$root.tar" --directory "$root" --format=ustar --sort=name --mtime="@$epoch" \
    --owner=0 --group=0 --numeric-owner etc sealwright tmp usr
  gzip --no-name --best <"$root.tar" >"$root.tar.gz"
  layer=$(blob "$root.tar.gz" application/vnd.oci.image.layer.v1.tar+gzip)
  jq --null-input --compact-output --arg architecture "$architecture" --arg created "$created" --argjson entrypoint "$entrypoint" \
    --argjson labels "$labels" --arg diff "sha256:$(sha256sum <"$root.tar" | cut -d' ' -f1)" \
    '{ architecture: $architecture, os: "linux", created: $created, config: { Entrypoint: $entrypoint, Labels: $labels },
       rootfs: { type: "layers", diff_ids: [$diff] } }' >"$root.config"
  config=$(blob "$root.config" application/vnd.oci.image.config.v1+json)
  jq --null-input --compact-output --argjson config "$config" --argjson layer "$layer" \
    '{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: $config, layers: [$layer] }' >"$root.json"
  images+=("$(blob "$root.json" application/vnd.oci.image.manifest.v1+json \
    "{ \"platform\": { \"architecture\": \"$architecture\", \"os\": \"linux\" } }")")
done

# A registry shows the annotations of the index.
printf '%s\n' "${images[@]}" | jq --slurp --compact-output --argjson labels "$labels" \
  '{ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: ., annotations: $labels }' >"$work/index"
index=$(blob "$work/index" application/vnd.oci.image.index.v1+json \
  "{ \"annotations\": { \"org.opencontainers.image.ref.name\": \"v$version\" } }")
jq --null-input --compact-output --argjson index "$index" \
  '{ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$index] }' >"$out/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$out/oci-layout"
jq --raw-output .digest <<<"$index"
