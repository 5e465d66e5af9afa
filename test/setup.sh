#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: Chromium for the browser test, Prometheus and Redis for those that run
# them, and llama.cpp's own server, built once from the source that node-llama-cpp ships. The training environment is made by
# training/bootstrap.py when its tests run.
set -eu
missing=()
has() { command -v "$1" >/dev/null; }
has_browser=''
for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$browser" ] && has "$browser"; then has_browser=yes; fi
done
[ -n "$has_browser" ] || missing+=(chromium)
{ has prometheus && has promtool; } || missing+=(prometheus)
has redis-server || missing+=(redis-server)
{ has git && has cmake && has c++; } || missing+=(git cmake make g++)
if [ ${#missing[@]} -gt 0 ]; then
  if ! has apt-get; then
    echo "The tests need ${missing[*]}: install them (CHROMIUM may hold the path of a browser)." >&2
    exit 1
  fi
  as_root=''
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  echo "installing ${missing[*]} for the tests …"
  $as_root apt-get -qq update
  DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
fi
node --input-type=module -e "await (await import('./dist/bench/llama-cpp.js')).buildLlamaCpp()"
