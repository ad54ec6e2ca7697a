# PostgreSQL, HAProxy and pgbouncer in the versions of Debian 12, and Patroni, as scripts/cluster runs them.
#   docker build -f deploy/database.Dockerfile -t sillok-database .
FROM debian:bookworm-slim
# createcluster.conf: Patroni creates the data folder, the package must not.
RUN groupadd --system --gid 10002 postgres \
    && useradd --system --uid 10002 --gid postgres --home-dir /var/lib/postgresql postgres \
    && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && apt-get update && apt-get install -y --no-install-recommends \
        postgresql haproxy pgbouncer curl python3-venv \
    && python3 -m venv /opt/patroni && /opt/patroni/bin/pip install --no-cache-dir 'patroni[etcd3]==4.1.5' psycopg2-binary \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o postgres -m 700 /var/lib/postgresql
USER 10002
STOPSIGNAL SIGTERM
CMD ["/opt/patroni/bin/patroni", "/etc/patroni/config.yml"]
