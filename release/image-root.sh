#!/bin/sh
# Lays out the root of the image: release/image-root.sh BINARY CERTIFICATES OUT
#
# The one list of what the image holds; the two Dockerfiles and release/image.sh take it from here.
set -eu

usage="usage: $0 BINARY CERTIFICATES OUT"
binary=${1:?$usage}
certificates=${2:?$usage}
out=${3:?$usage}
license=$(cd "$(dirname "$0")/.." && pwd)/LICENSE

# The modes are those of the image, whatever the umask.
umask 022
mkdir -p "$out/etc/ssl/certs" "$out/usr/share/licenses/sealwright"
mkdir -m 1777 "$out/tmp"
cp "$binary" "$out/sealwright"
chmod 0755 "$out/sealwright"
cp "$certificates" "$out/etc/ssl/certs/ca-certificates.crt"
cp "$license" "$out/usr/share/licenses/sealwright/LICENSE"
chmod 0644 "$out/etc/ssl/certs/ca-certificates.crt" "$out/usr/share/licenses/sealwright/LICENSE"
