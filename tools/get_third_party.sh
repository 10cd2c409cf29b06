#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings the C++ libraries that the build and its tests need into build/third_party, without root: nlohmann-json (headers,
# compiled into the engine), GoogleTest (source) and Google Benchmark (benches only). Debian packages are downloaded and
# unpacked; where apt cannot do that, copies that the machine has installed are linked.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$PWD/build/third_party
stamp=$target/.complete
packages=(nlohmann-json3-dev googletest libbenchmark-dev libbenchmark1debian)
[ -e "$stamp" ] && exit 0

download() {
  local state=$PWD/build/apt
  local options=(-qq -o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache"
    -o "Dir::Cache::Archives=$state/cache/archives" -o APT::Sandbox::User=root)
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs"
  for attempt in 1 2 3; do
    if apt-get "${options[@]}" update && (cd "$state/debs" && apt-get "${options[@]}" download "${packages[@]}"); then
      for package in "$state"/debs/*.deb; do dpkg -x "$package" "$target"; done
      rm -rf "$state"
      return 0
    fi
    sleep $((5 * attempt))
  done
  return 1
}

link_installed() {
  [ -e /usr/include/nlohmann/json.hpp ] && [ -e /usr/src/googletest/CMakeLists.txt ] || return 1
  mkdir -p "$target/usr/include" "$target/usr/src"
  ln -sfn /usr/include/nlohmann "$target/usr/include/nlohmann"
  ln -sfn /usr/src/googletest "$target/usr/src/googletest"
  if [ -e /usr/include/benchmark ]; then ln -sfn /usr/include/benchmark "$target/usr/include/benchmark"; fi
}

mkdir -p "$target"
if { command -v apt-get && command -v dpkg; } >/dev/null && download; then
  :
elif ! link_installed; then
  echo "nlohmann-json and GoogleTest are neither to be downloaded nor installed. As root: apt-get install -y ${packages[*]}" >&2
  exit 1
fi
touch "$stamp"
