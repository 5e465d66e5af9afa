#!/bin/sh
# Removes from node_modules what the image does not run: llama.cpp binaries for GPUs that were not asked for, and
# llama.cpp's source. Usage: slim-modules.sh false|cuda|vulkan
set -eu
gpu=${1:-false}
for folder in node_modules/@node-llama-cpp/*; do
  case "$folder" in
    *-cuda | *-cuda-ext) [ "$gpu" = cuda ] || rm -rf "$folder" ;;
    *-vulkan) [ "$gpu" = vulkan ] || rm -rf "$folder" ;;
  esac
done
rm -rf node_modules/node-llama-cpp/llama/gitRelease.bundle
