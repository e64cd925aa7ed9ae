# The service in a small image: one binary, SQLite and libpq built in, PostgreSQL over TLS, no root.
#
#   docker build --tag onemind .
#   docker run --publish 8080:8080 --volume onemind:/data onemind

FROM rust:1.95-slim-bookworm AS build
# perl and make: the feature `tls` builds OpenSSL from source
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential perl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --features tls --bin onemind \
    && cp target/release/onemind /usr/local/bin/onemind

FROM debian:bookworm-slim
# ca-certificates: to verify PostgreSQL's certificate; curl: for the health check
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin onemind \
    && install --directory --owner=onemind --group=onemind --mode=700 /data
COPY --from=build /usr/local/bin/onemind /usr/local/bin/onemind
# SSL_CERT_FILE: the OpenSSL built in does not look where Debian keeps certificates
ENV ONEMIND_LISTEN=0.0.0.0:8080 \
    ONEMIND_DATA_DIR=/data \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER onemind
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["onemind"]
CMD ["serve"]
