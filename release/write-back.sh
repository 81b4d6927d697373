#!/usr/bin/env bash
# Makes the commit of a release, pushes its branch, and prints the commit: release/write-back.sh VERSION DIGEST SHA256SUMS
#
# It is the checked out commit with the image's digest and the binaries' in place of "build it yourself". Its branch is
# release/vMAJOR: every commit of a release stays reachable from it, so that pins by commit never lead nowhere. main keeps the
# Dockerfile. The tag comes after this, with the release.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: $0 VERSION DIGEST SHA256SUMS"
version=${1:?$usage} digest=${2:?$usage} sums=${3:?$usage}
image=docker://ghcr.io/sealwright/sealwright@$digest
branch=release/v${version%%.*}

fail() {
  echo "nothing was pushed: $1" >&2
  exit 1
}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "$version is no version"
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "$digest is no digest"
[ -z "$(git status --porcelain)" ] || fail "the checkout is not clean"

# Both doors of the action: the repository's root, and the folder that `uses: $/action` names.
files=(setup/checksums.txt)
for action in action.yml action/action.yml; do
  [ "$(grep -cE '^  image: (\.\./)?Dockerfile( |$)' "$action")" = 1 ] || fail "$action does not name the Dockerfile once"
  sed -E "s|^  image: (\.\./)?Dockerfile( .*)?\$|  image: $image # v$version|" "$action" >"$action.new"
  mv "$action.new" "$action"
  files+=("$action")
done
# No SBOM, no chart: what a runner can run.
binaries=$(grep -E "^[0-9a-f]{64}  sealwright-v${version//./\\.}-[0-9a-z_]+-[0-9a-z-]+\$" "$sums") || fail "$sums names no binary of v$version"
printf '%s\n' "# SHA-256 of the binaries of v$version, as sha256sum writes them." "$binaries" >setup/checksums.txt

git add -- "${files[@]}"
parents=(-p "$(git rev-parse HEAD)")
git fetch --quiet origin "+refs/heads/release/*:refs/remotes/origin/release/*"
before=$(git rev-parse --quiet --verify "refs/remotes/origin/$branch") && parents+=(-p "$before")
commit=$(git commit-tree "$(git write-tree)" "${parents[@]}" -m "Release v$version: name its image and its binaries by digest.")
# Without force: a branch that moved meanwhile is somebody else's release.
git push --quiet origin "$commit:refs/heads/$branch"
echo "$commit"
