#!/usr/bin/env bash
# Runs a whole Sourdine on this machine, on a home under var/demo that it makes
# once: the source's site, pickup, the desk, and a private Tor network. For
# trying things out: server and desk never share a machine otherwise.
#
#   deploy/demo.sh [private|public|off]
set -euo pipefail
cd "$(dirname "$0")/.."
network=${1:-private}
demo=var/demo
words='demonstration only, never use this'

mkdir -p var
if [ ! -d "$demo" ]; then
  rm -rf "$demo.new"
  mkdir -m 700 "$demo.new"
  (umask 077 && printf '%s\n' "$words" >"$demo.new/passphrase")
  # step COMMAND...: its output is of interest only when it fails.
  step() { "$@" 2>>"$demo.new/init.log" || { cat "$demo.new/init.log" >&2; exit 1; }; }
  step bin/sourdine init --home "$demo.new/server" >"$demo.new/server.txt"
  step bin/sourdine channel add --home "$demo.new/server" Démonstration
  step bin/sourdine-desk init --home "$demo.new/desk" --name Camille --passphrase-file "$demo.new/passphrase" >"$demo.new/desk.txt"
  step bin/sourdine-desk card --home "$demo.new/desk" >"$demo.new/camille.card"
  step bin/sourdine reviewer add --home "$demo.new/server" --channel Démonstration "$demo.new/camille.card" >"$demo.new/reviewer.txt"
  mv "$demo.new" "$demo"
fi

# A fixed port when it is free, so that a bookmark goes on working.
port() { if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then echo 0; else echo "$1"; fi; }

pids=()
stop() {
  trap '' INT TERM
  trap - EXIT
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
trap stop EXIT
trap 'exit 0' INT
trap 'exit 143' TERM

: >"$demo/server.out"; : >"$demo/desk.out"
bin/sourdine serve --home "$demo/server" --listen "127.0.0.1:$(port 8080)" --pickup-listen "127.0.0.1:$(port 8081)" \
  --tor="$network" >"$demo/server.out" 2>"$demo/server.err" &
server=$!; pids+=("$server")
bin/sourdine-desk serve --home "$demo/desk" --listen "127.0.0.1:$(port 8082)" --passphrase-file "$demo/passphrase" \
  >"$demo/desk.out" 2>"$demo/desk.err" &
desk=$!; pids+=("$desk")

# says FILE NAME: waits for the line "NAME VALUE" and prints the value. It fails
# when one of the servers has ended; "set -e" sees that in an assignment only.
says() {
  while ! grep -m1 "^$2 " "$1" | cut -d' ' -f2-; do
    for pid in "$server" "$desk"; do
      if ! kill -0 "$pid" 2>/dev/null; then cat "$demo"/*.err >&2; return 1; fi
    done
    sleep 0.1
  done
}

source=$(says "$demo/server.out" source)
pickup=$(says "$demo/server.out" pickup)
at_desk=$(says "$demo/desk.out" desk)
cat <<TXT
source's site    $source
pickup           $pickup
the desk         $at_desk
passphrase       $words
next: send something, then carry it to the desk:
  bin/sourdine parcel export --home $demo/server -o $demo/parcel.tar
  bin/sourdine-desk import --home $demo/desk --passphrase-file $demo/passphrase $demo/parcel.tar
stop with Ctrl-C; $demo keeps everything
TXT

if [ "$network" != off ]; then
  echo "Tor ($network) is starting: about a minute the first time"
  source=$(says "$demo/server.out" source-onion)
  echo "source's site    $source"
  pickup=$(says "$demo/server.out" pickup-onion)
  echo "pickup           $pickup  key: $demo/client-key"
  (umask 077 && bin/sourdine-desk client-key --home "$demo/desk" --passphrase-file "$demo/passphrase" >"$demo/client-key" 2>/dev/null)
  if [ "$network" = private ]; then
    socks=$(says "$demo/server.out" socks)
    echo "a browser reaches them by SOCKS  $socks"
  fi
fi
wait -n "$server" "$desk"
cat "$demo"/*.err >&2
exit 1
