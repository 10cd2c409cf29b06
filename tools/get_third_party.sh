#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks the C++ libraries that the build and its tests need into build/third_party, without root:
# nlohmann-json (headers, linked into the engine), GoogleTest (source) and Google Benchmark (tests and benches only).
set -euo pipefail
cd "$(dirname "$0")/.."
target=build/third_party
stamp=$target/.complete
packages="nlohmann-json3-dev googletest libbenchmark-dev libbenchmark1debian"
[ -e "$stamp" ] && exit 0
state=$PWD/build/apt
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs" "$target"
options=(-qq -o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache" -o APT::Sandbox::User=root)
if ! { apt-get "${options[@]}" update && (cd "$state/debs" && apt-get "${options[@]}" download $packages); }; then
  echo "could not download $packages; run: apt-get install $packages   and then: make build" >&2
  for file in /usr/include/nlohmann/json.hpp /usr/src/googletest/CMakeLists.txt; do [ -e "$file" ] || exit 1; done
  mkdir -p "$target/usr/include" "$target/usr/src"
  ln -sfn /usr/include/nlohmann "$target/usr/include/nlohmann"
  ln -sfn /usr/src/googletest "$target/usr/src/googletest"
  [ -e /usr/include/benchmark ] && ln -sfn /usr/include/benchmark "$target/usr/include/benchmark"
else
  for package in "$state"/debs/*.deb; do dpkg -x "$package" "$target"; done
fi
touch "$stamp"
