# The server alone, in a small image. Build and run:
#   docker build -t tagus .
#   docker run -p 7350:7350 -p 7352:7352 -v tagus:/data --env-file tagus.env tagus
# All addresses of the container are listened on, so the server insists on keys of your own; tagus.env holds
# TAGUS_KEYS__SERVER, TAGUS_KEYS__HTTP, TAGUS_KEYS__SESSION, TAGUS_KEYS__REFRESH and TAGUS_KEYS__ADMIN.
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked --package tagus --bin tagus

FROM debian:bookworm-slim
RUN useradd --system --no-create-home tagus && install --directory --owner=tagus --group=tagus /data
COPY --from=build /build/target/release/tagus /usr/local/bin/tagus
USER tagus
VOLUME /data
ENV TAGUS_ADDRESS=0.0.0.0 TAGUS_DATA=/data
# The admin port, 7351, is for the operator and listens inside the container alone. To publish it, set
# TAGUS_ADMIN_ADDRESS=0.0.0.0 and publish it to loopback only: -p 127.0.0.1:7351:7351
EXPOSE 7350 7352
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s CMD ["tagus", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tagus"]
CMD ["serve"]
