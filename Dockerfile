# The build service for operators: `docker build -t hotplate-build-service .`. What it needs to know is in README.md,
# "The build service".

# The registry runtime that releases and vendor chunks carry.
FROM node:22.23.3-bookworm-slim AS runtime
WORKDIR /hotplate
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY worker-shims/live-client worker-shims/live-client
RUN node worker-shims/live-client/build.mjs

FROM rust:1.95-slim-bookworm AS build
WORKDIR /hotplate
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY src src
COPY --from=runtime /hotplate/worker-shims/live-client/dist worker-shims/live-client/dist
RUN cargo build --release --locked --bin hotplate-build-service

# npm installs the packages of apps, with their scripts off; nothing of Node runs otherwise.
FROM node:22.23.3-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates tini && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /var/lib/hotplate
COPY --from=build /hotplate/target/release/hotplate-build-service /usr/local/bin/
USER node
ENV BUILD_SERVICE_HOST=0.0.0.0 BUILD_SERVICE_PORT=8788 HOTPLATE_STATE=/var/lib/hotplate LOG_FORMAT=json
VOLUME /var/lib/hotplate
EXPOSE 8788
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8788/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# npm starts processes of its own: somebody has to wait for those that outlive it.
ENTRYPOINT ["tini", "--"]
CMD ["hotplate-build-service"]
