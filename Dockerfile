# The container action of a commit that no release made: action.yml on main names this file, and the runner builds it at the start
# of every job. Releases name their image by digest instead. `--target binary` is what the release takes from here.

# The toolchain of rust-toolchain.toml. The digest is the index's, for amd64 and arm64.
FROM docker.io/library/rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
# aws-lc includes linux/random.h, which musl does not bring along.
RUN apk add --no-cache "linux-headers=~6.16"
# The toolchain that is here already, without the components that rust-toolchain.toml asks for developers.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /build
COPY . .
RUN release/build-static.sh "$(rustc -vV | sed -n 's/^host: //p')" /out/sealwright \
    && cp /etc/ssl/certs/ca-certificates.crt /out/ \
    && release/image-root.sh /out/sealwright /out/ca-certificates.crt /root-of-image

FROM scratch AS binary
COPY --from=build /out/ /

# From here on as in release/Dockerfile.
FROM scratch
COPY --from=build /root-of-image/ /
LABEL org.opencontainers.image.title="Sealwright"
LABEL org.opencontainers.image.description="Gate, sign, attest and verify container images."
LABEL org.opencontainers.image.source="https://github.com/sealwright/sealwright"
LABEL org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/sealwright"]
