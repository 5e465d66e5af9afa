#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: Chromium for the browser test, and llama.cpp's own server, built once from
# the source that node-llama-cpp ships. The training environment is made by training/bootstrap.py when its tests run.
set -eu

# install NEED PACKAGE...: installs packages, or says what is needed where it cannot.
install() {
  need=$1
  shift
  if ! command -v apt-get >/dev/null; then
    echo "$need" >&2
    exit 1
  fi
  as_root=''
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  echo "installing $* for the tests …"
  $as_root apt-get -qq update
  DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
}

has_chromium() {
  for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$browser" ] && command -v "$browser" >/dev/null; then return 0; fi
  done
  return 1
}

has_chromium || install 'The browser test needs Chromium: install it, or set CHROMIUM to its path.' chromium
for tool in git cmake c++; do
  command -v "$tool" >/dev/null || install "The tests against llama-server need $tool." git cmake make g++
done
node --input-type=module -e "await (await import('./dist/bench/llama-cpp.js')).buildLlamaCpp()"
