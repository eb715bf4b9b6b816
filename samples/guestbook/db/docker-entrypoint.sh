#!/bin/bash
# The first process of the database's container. Makes a database cluster the first time it finds PGDATA empty, then becomes the
# server. Understands the environment variables that compose files set for PostgreSQL:
#
#   POSTGRES_PASSWORD          password of the superuser; required on the first start, unless POSTGRES_HOST_AUTH_METHOD=trust
#   POSTGRES_USER              name of the superuser                (postgres)
#   POSTGRES_DB                database made on the first start     (the name of the superuser)
#   POSTGRES_INITDB_ARGS       more arguments for initdb
#   POSTGRES_HOST_AUTH_METHOD  authentication over the network      (scram-sha-256)
#   PGDATA                     where the cluster lies               (/var/lib/postgresql/data)
#
# Each of the POSTGRES_ ones may be given as NAME_FILE instead, the path of a file that holds the value (a secret). Scripts in
# /docker-entrypoint-initdb.d (*.sh, *.sql, *.sql.gz) run once, in the order of their names, after the database is made.
set -euo pipefail

say() { printf 'postgres: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# setting NAME DEFAULT: sets NAME from itself, from the file that NAME_FILE names, or to DEFAULT.
setting() {
  local name=$1 from=$1_FILE
  if [[ -n ${!name:-} && -n ${!from:-} ]]; then die "$name and $from are both set; keep one of them"; fi
  if [[ -n ${!from:-} ]]; then printf -v "$name" '%s' "$(<"${!from}")"; fi
  printf -v "$name" '%s' "${!name:-$2}"
  unset "$from"
}

read_settings() {
  setting POSTGRES_PASSWORD ''
  setting POSTGRES_USER postgres
  setting POSTGRES_DB "$POSTGRES_USER"
  setting POSTGRES_INITDB_ARGS ''
  setting POSTGRES_HOST_AUTH_METHOD scram-sha-256
}

# The superuser of the container owns nothing here for long: the server refuses to run as root.
become_postgres() {
  mkdir -p "$PGDATA" /var/run/postgresql
  chmod 0700 "$PGDATA"
  chmod 3775 /var/run/postgresql
  find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres:postgres '{}' +
  exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/var/lib/postgresql "$0" "$@"
}

init_cluster() {
  if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
    die "PGDATA is empty and POSTGRES_PASSWORD is not set: say which password the superuser \"$POSTGRES_USER\" gets"
  fi
  say "making a database cluster"
  local arguments=()
  if [[ -n $POSTGRES_PASSWORD ]]; then arguments+=(--pwfile=/dev/stdin); fi
  # POSTGRES_INITDB_ARGS is written as words, so it is split into words. C.UTF-8 is the one UTF-8 locale of a small image.
  # shellcheck disable=SC2086
  initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --encoding=UTF8 --locale=C.UTF-8 --no-sync \
    --auth-local=trust --auth-host=scram-sha-256 "${arguments[@]}" $POSTGRES_INITDB_ARGS >&2 <<<"$POSTGRES_PASSWORD"
  printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

run_init_scripts() {
  local file psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc -q -U "$POSTGRES_USER" -d "$POSTGRES_DB")
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh) say "running $file"; if [[ -x $file ]]; then "$file"; else bash "$file"; fi ;;
    *.sql) say "running $file"; "${psql[@]}" -f "$file" ;;
    *.sql.gz) say "running $file"; gunzip -c "$file" | "${psql[@]}" ;;
    */\*) ;; # the folder is empty
    *) say "leaving out $file: neither .sh, .sql nor .sql.gz" ;;
    esac
  done
}

# This server listens on a Unix socket in its own folder and nowhere else: neither the network nor a health check inside the
# container takes a database that is half made for one that is ready.
fill_cluster() {
  export PGHOST=$PGDATA
  pg_ctl -D "$PGDATA" -w -s -o "-c listen_addresses='' -c unix_socket_directories='$PGDATA' -c fsync=off" start >&2
  if [[ $POSTGRES_DB != postgres ]]; then
    createdb -U "$POSTGRES_USER" --maintenance-db=postgres -- "$POSTGRES_DB"
  fi
  run_init_scripts
  pg_ctl -D "$PGDATA" -w -s -m fast stop >&2
  unset PGHOST
  sync -f "$PGDATA" # stands for the fsync that was left out while the cluster was made
}

# A cluster is made in a folder of its own and moved up only when it is complete, its PG_VERSION last. So a start that is cut
# short at any instant leaves nothing that could be taken for a database, and never is anything deleted that we did not make.
make_cluster() {
  if [[ -s $PGDATA/PG_VERSION ]]; then return; fi
  local making=$PGDATA/.making
  if [[ ! -e $making/.complete ]]; then
    rm -rf "$making"
    if [[ -n $(ls -A -I lost+found "$PGDATA") ]]; then die "$PGDATA holds files, but no PostgreSQL database"; fi
    mkdir "$making"
    PGDATA=$making init_cluster
    PGDATA=$making fill_cluster
    touch "$making/.complete"
  fi
  find "$making" -mindepth 1 -maxdepth 1 \! -name PG_VERSION \! -name .complete -exec mv -t "$PGDATA" '{}' +
  mv "$making/PG_VERSION" "$PGDATA"
  rm -rf "$making"
  say "ready for the first start"
}

main() {
  export PGDATA=${PGDATA:-/var/lib/postgresql/data}
  if [[ ${1:-postgres} == -* ]]; then set -- postgres "$@"; fi
  if [[ $# -eq 0 ]]; then set -- postgres; fi
  if [[ $1 != postgres ]]; then exec "$@"; fi # another program, e.g. `berth run db psql …`
  umask 0077
  if [[ $(id -u) -eq 0 ]]; then become_postgres "$@"; fi
  read_settings
  make_cluster
  unset POSTGRES_PASSWORD
  # First among the arguments, so that a later `-c listen_addresses=…` of the compose file wins.
  shift
  exec postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
}

main "$@"
