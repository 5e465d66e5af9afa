#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: Chromium for the browser test. The training environment is made by
# training/bootstrap.py when its tests run.
set -eu
for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$browser" ] && command -v "$browser" >/dev/null; then exit 0; fi
done
if ! command -v apt-get >/dev/null; then
  echo 'The browser test needs Chromium: install it, or set CHROMIUM to its path.' >&2
  exit 1
fi
as_root=''
[ "$(id -u)" -eq 0 ] || as_root=sudo
echo 'installing Chromium for the browser test …'
$as_root apt-get -qq update
DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install --yes --no-install-recommends chromium >/dev/null
