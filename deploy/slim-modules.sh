#!/bin/sh
# Removes from node_modules what the image does not run: llama.cpp binaries for other processors and for GPUs that were
# not asked for, and llama.cpp's source. Usage: slim-modules.sh false|cuda|vulkan
set -eu
gpu=${1:-false}
own="linux-$(node -p process.arch)"
for folder in node_modules/@node-llama-cpp/*; do
  case "${folder##*/}" in
    "$own") ;;
    "$own-$gpu" | "$own-$gpu-ext") ;;
    *) rm -rf "$folder" ;;
  esac
done
rm -f node_modules/node-llama-cpp/llama/gitRelease.bundle
