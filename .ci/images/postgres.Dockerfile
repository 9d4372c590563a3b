# Stands in for postgres:16 where nothing can be pulled: Debian's PostgreSQL 15 behind the official image's contract.
FROM local/debian
ENV LANG=C.UTF-8 PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
RUN sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" /usr/share/postgresql/15/postgresql.conf.sample \
    && mkdir /docker-entrypoint-initdb.d \
    && install -d -m 1777 -o postgres -g postgres "$PGDATA" \
    && install -d -m 3777 -o postgres -g postgres /var/run/postgresql
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
