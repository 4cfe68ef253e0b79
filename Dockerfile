# domain-runner as a web service: builds anywhere, runs as nobody in particular, listens on $PORT (8080).

FROM rust:1.95-slim AS build
WORKDIR /build
# The dependencies alone first: a change of our own code leaves this layer as it is.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
COPY src src
# Newer than what was built in their place.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked

FROM debian:trixie-slim
# Certificates for the providers and PostgreSQL; curl for the health check.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --home-dir /var/lib/domain-runner --shell /usr/sbin/nologin domain-runner
COPY --from=build /build/target/release/domain-runner /usr/local/bin/
USER domain-runner
# Without DATABASE_URL the answers lie here, in artifacts/serve.sqlite3: mount a disk, or they go with the container.
WORKDIR /var/lib/domain-runner
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD curl -fsS "http://127.0.0.1:${PORT:-8080}/healthz"
ENTRYPOINT ["domain-runner"]
CMD ["serve"]
