#!/usr/bin/env bash
# Installs the binary of the release that this commit belongs to, and puts it on PATH: install.sh CHECKSUMS [ADDRESS]
#
# Only a file with the digest in checksums.txt is installed, whoever served it. For bash 3.2 (macOS) and later.
set -euo pipefail

RELEASES=https://github.com/sealwright/sealwright/releases/download

fail() {
  # A line of its own in the log, and an annotation of the run. What is in it is ours or was checked.
  echo "::error title=sealwright setup::$1" >&2
  exit 1
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d' ' -f1
}

# Arguments, not variables: what an earlier step wrote into GITHUB_ENV changes neither.
checksums=${1:?usage: $0 CHECKSUMS [ADDRESS]}
from=${2:-$RELEASES}

case "${RUNNER_OS:-$(uname -s)}/${RUNNER_ARCH:-$(uname -m)}" in
  Linux/X64 | Linux/x86_64) target=x86_64-unknown-linux-musl ;;
  Linux/ARM64 | Linux/aarch64) target=aarch64-unknown-linux-musl ;;
  macOS/ARM64 | Darwin/arm64) target=aarch64-apple-darwin ;;
  macOS/X64 | Darwin/x86_64) target=x86_64-apple-darwin ;;
  *) fail "there is no binary for ${RUNNER_OS:-$(uname -s)} on ${RUNNER_ARCH:-$(uname -m)}, expected Linux or macOS on X64 or ARM64; on Windows a job can run in WSL, elsewhere build it: cargo install --locked --git https://github.com/sealwright/sealwright sealwright" ;;
esac

line=$(grep -E "^[0-9a-f]{64}  sealwright-v[0-9][0-9A-Za-z.-]*-$target\$" "$checksums" || true)
[ -n "$line" ] ||
  fail "this commit names no binary for $target: only commits of releases do; use sealwright/sealwright/setup@vX.Y.Z, or the commit that this tag names"
expected=${line%%  *}
name=${line#*  }
version=${name#sealwright-}
version=${version%-"$target"}

from=${from%/}
case "$from" in
  *[!A-Za-z0-9:/._~%-]*) fail "download-from is no plain address" ;;
  https://*) protocols='=https' ;;
  http://127.0.0.1:* | http://localhost:*) protocols='=http' ;;
  *) fail "download-from has to be an https:// address" ;;
esac

folder=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/sealwright-$version
program=$folder/sealwright
if [ -f "$program" ] && [ "$(sha256 "$program")" = "$expected" ]; then
  echo "sealwright $version is installed already"
else
  mkdir -p "$folder"
  partial=$(mktemp "$folder/partial.XXXXXX")
  trap 'rm -f "$partial"' EXIT
  # Two minutes for one try, and a limit on what is read; a redirect cannot leave the protocol.
  attempt=1
  until curl --fail --silent --show-error --location --proto "$protocols" --proto-redir "$protocols" \
    --connect-timeout 20 --max-time 120 --max-filesize 104857600 --output "$partial" "$from/$version/$name"; do
    [ "$attempt" -lt 3 ] || fail "$name of $version could not be downloaded from $from"
    sleep $((attempt * 2))
    attempt=$((attempt + 1))
  done
  found=$(sha256 "$partial")
  [ "$found" = "$expected" ] ||
    fail "$name from $from has the sha256 $found, expected $expected; nothing was installed"
  chmod 0755 "$partial"
  # Renamed in one step: a job that is cut off leaves no half program.
  mv -f "$partial" "$program"
  echo "installed sealwright $version ($expected)"
fi
[ -z "${GITHUB_PATH:-}" ] || echo "$folder" >>"$GITHUB_PATH"
