# PostgreSQL, Patroni, etcd, HAProxy and pgbouncer in the versions of Debian 12, with which scripts/cluster was run.
#   docker build -f deploy/database.Dockerfile -t sillok-database .
FROM debian:bookworm-slim
# createcluster.conf: Patroni creates the data folder, the package must not.
RUN groupadd --system --gid 10002 postgres \
    && useradd --system --uid 10002 --gid postgres --home-dir /var/lib/postgresql postgres \
    && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && apt-get update && apt-get install -y --no-install-recommends \
        postgresql patroni etcd-server etcd-client haproxy pgbouncer curl \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o postgres -m 700 /var/lib/postgresql /var/lib/etcd
USER 10002
STOPSIGNAL SIGTERM
CMD ["patroni", "/etc/patroni/config.yml"]
