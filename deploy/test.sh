#!/usr/bin/env bash
# Runs a part of the tests, shows a line for each package and everything of
# what failed, and names what was skipped. In CI a skipped test is a failure.
#
#   deploy/test.sh quick    all packages, no Tor, no browser, in under a minute
#   deploy/test.sh e2e      the packages with end-to-end and long tests, one at a
#                           time, and 100 kills of the server
#   deploy/test.sh crash N  about N kills of the server; from 2,000 on at every step
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

mkdir -p var
log=var/test-$1.log
case "$1" in
quick) args=(./...) ;;
e2e)
  mapfile -t folders < <(grep -rlE --include='*_test.go' '^//go:build (e2e|crash|long)' cmd submit vault onion journalist-ui deploy | xargs -n1 dirname | sort -u)
  [ ${#folders[@]} -gt 0 ] || { echo "error: no end-to-end tests found" >&2; exit 1; }
  args=(-tags e2e,crash,long -p 1 "${folders[@]/#/./}")
  ;;
crash)
  export SOURDINE_KILLS=${2:?"how many kills?"}
  args=(-tags crash -timeout 120m ./deploy/crash/...)
  ;;
*) echo "usage: $0 quick|e2e|crash N" >&2; exit 2 ;;
esac

status=0
go test -count=1 -timeout 20m -v "${args[@]}" >"$log" 2>&1 || status=$?
grep -aE '^(ok|FAIL|panic:|---? FAIL|\?)' "$log" | grep -av 'no test files' || true
if [ $status -ne 0 ]; then
  echo "the end of $log:" >&2
  grep -avE '^(=== |ok|\s*--- PASS|PASS)' "$log" | tail -n 150 >&2
fi
if grep -aE '^\s*--- SKIP' "$log"; then
  echo "the tests above were skipped; $log has their reasons" >&2
  if [ "${CI:-}" = true ]; then status=1; fi
fi
exit $status
