#!/usr/bin/env bash
# Installs the Debian packages of the programs named as arguments, if they are
# missing. Needs root or sudo only when something is.
set -euo pipefail

# A program's package, where it has another name.
declare -A package=([gpg]=gnupg [node]=nodejs)

missing=()
for program in "$@"; do
  command -v "$program" >/dev/null || missing+=("${package[$program]:-$program}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}"
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Debian starts a service with the package that brings it: a system-wide tor
# would connect to the public network at once. Nothing here needs it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  trap 'as_root rm -f "$policy"' EXIT
fi

log=$(mktemp)
install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1
}
if ! install; then
  as_root apt-get update >>"$log" 2>&1 || true
  if ! install; then
    tail -n 20 "$log" >&2
    echo "error: could not install ${missing[*]}" >&2
    echo "hint: install them by hand, then run this again" >&2
    exit 1
  fi
fi
rm -f "$log"
case " ${missing[*]} " in
*" tor "*) if [ -d /run/systemd/system ]; then as_root systemctl disable --quiet tor.service || true; fi ;;
esac
