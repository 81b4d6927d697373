#!/bin/sh
# Builds one static binary: release/build-static.sh TARGET OUT
#
# The only recipe: the Dockerfile, the release and the tests call it. The binary lists its own crates (cargo-auditable), from
# which its SBOM is made. No path and no time of this machine gets into it: the same commit, toolchain and C compiler give
# the same bytes.
set -eu

AUDITABLE=0.7.7

usage="usage: $0 TARGET OUT"
target=${1:?$usage}
out=${2:?$usage}
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
cd "$(dirname "$0")/.."
folder=${CARGO_TARGET_DIR:-$PWD/target}

tools=$folder/tools-auditable-$AUDITABLE
if [ ! -x "$tools/bin/cargo-auditable" ]; then
  # Without the flags of the binary: it is for this machine.
  cargo install cargo-auditable --version "=$AUDITABLE" --locked --root "$tools" --target-dir "$folder/tools-build"
fi
PATH=$tools/bin:$PATH
export PATH

# One flag a line, for a path may hold spaces.
flags="-Ctarget-feature=+crt-static
--remap-path-prefix=$PWD=/sealwright
--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo
--remap-path-prefix=$(rustc --print sysroot)=/rust"
CARGO_ENCODED_RUSTFLAGS=$(printf %s "$flags" | tr '\n' '\037')
export CARGO_ENCODED_RUSTFLAGS

cargo auditable build --release --locked --target "$target" --bin sealwright
# Beside it and renamed, so that a copy that was cut off is not taken for a whole one.
cp "$folder/$target/release/sealwright" "$out.partial"
chmod 0755 "$out.partial"
mv "$out.partial" "$out"
