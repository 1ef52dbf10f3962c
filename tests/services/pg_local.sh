#!/usr/bin/env bash
# PostgreSQL on loopback for tests, without systemd. Debian package: postgresql. It does not wait for the disk.
#   pg_local.sh start|stop|dsn      data in $FARSHOT_PG (default ${TMPDIR:-/tmp}/farshot-pg), port $FARSHOT_PG_PORT (default 54329)
set -euo pipefail
folder=${FARSHOT_PG:-${TMPDIR:-/tmp}/farshot-pg}
port=${FARSHOT_PG_PORT:-54329}
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
programs=${programs:-$(dirname "$(command -v initdb || { echo 'initdb is missing: apt-get install postgresql' >&2; echo /nowhere; })")}

# The server refuses to run as root.
as_owner() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

case ${1:-} in
start)
  mkdir -p "$folder"
  if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
  chmod 700 "$folder"
  cd /
  [ -s "$folder/data/PG_VERSION" ] ||
    as_owner "$programs/initdb" -D "$folder/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 >/dev/null
  as_owner "$programs/pg_ctl" -D "$folder/data" -w -s -l "$folder/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=off" start ||
    { cat "$folder/log" >&2; exit 1; }
  ;;
stop) cd / && as_owner "$programs/pg_ctl" -D "$folder/data" -m immediate -s stop ;;
dsn) echo "postgresql://postgres@127.0.0.1:$port/postgres" ;;
*) sed -n 2,3p "$0" >&2; exit 2 ;;
esac
