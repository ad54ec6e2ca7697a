# etcd in the version of Debian 13. Debian 12 has 3.4.23, after whose pauses appends can be lost: see docs/running.md. The
# build fails if the version is older than the one that is needed. This image has not been built.
#   docker build -f deploy/etcd.Dockerfile -t sillok-etcd .
FROM debian:trixie-slim
RUN groupadd --system --gid 10003 etcd-data \
    && useradd --system --uid 10003 --gid etcd-data --home-dir /var/lib/etcd etcd-data \
    && apt-get update && apt-get install -y --no-install-recommends etcd-server etcd-client \
    && dpkg --compare-versions "$(dpkg-query -W -f '${Version}' etcd-server)" ge 3.5.13 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o etcd-data -m 700 /var/lib/etcd
USER 10003
STOPSIGNAL SIGTERM
CMD ["etcd"]
