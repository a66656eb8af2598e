# The image: one static executable under all its names, certificates, and nothing else.
#
#     docker build .                   the image
#     docker build --target debug .    the same with a shell, for `fly intercept`
#
# For several platforms, with a list of what is in it and a record of how it was made:
#
#     docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max .
#
# Where no image can be pulled, ci/image assembles the last stage, and `ci/image --whole` builds
# every stage on a base that it makes itself.

# Rust, a C compiler and CA certificates, on Debian.
ARG BUILDER=docker.io/library/rust:1.95-bookworm
# Any image with a shell.
ARG DEBUG=docker.io/library/busybox:1.37
# Scanned for the list of contents, since a static executable shows nothing of what it was made of.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true

# Compiles on the building machine for any other one: emulated, it takes hours.
FROM --platform=$BUILDPLATFORM ${BUILDER} AS builder
ARG TARGETARCH
WORKDIR /src
RUN set -eu; \
    case "$TARGETARCH" in \
    amd64) machine=x86_64 ;; \
    arm64) machine=aarch64 ;; \
    *) echo "no image is made for $TARGETARCH: only for amd64 and arm64" >&2; exit 1 ;; \
    esac; \
    echo "$machine-unknown-linux-gnu" >/triple; \
    [ "$machine" != "$(uname -m)" ] || exit 0; \
    apt-get update; \
    apt-get install -y --no-install-recommends \
        "gcc-$(echo "$machine" | tr _ -)-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
    rm -rf /var/lib/apt/lists/*; \
    rustup target add "$(cat /triple)"
COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    TRIPLE="$(cat /triple)" ci/build.sh /image

FROM ${DEBUG} AS debug
ENV GIT_REPO_PATH=./repo PACKAGE_DIRECTORY=./packages
COPY --from=builder /image/ /
CMD ["sh"]

FROM scratch
# What s3-asset-manager's image has set for tasks that run its two commands.
ENV GIT_REPO_PATH=./repo PACKAGE_DIRECTORY=./packages
COPY --from=builder /image/ /
CMD ["s3-asset"]
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="s3-asset-resource" \
    org.opencontainers.image.description="A Concourse resource that keeps build assets in S3" \
    org.opencontainers.image.source="https://github.com/s3-asset-resource/s3-asset-resource" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION"
