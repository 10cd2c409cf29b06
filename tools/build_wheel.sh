#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The wheel of the release build: the libraries of build/release, the jars of build/jars and the Python package. The same
# CMake tree is used, so nothing is compiled again.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
rm -rf build/wheel
.venv/bin/python -m build --wheel --no-isolation --outdir build/wheel \
  -Cbuild-dir=build/release \
  -Cwheel.tags=py3-none-manylinux_2_28_x86_64 \
  -Ccmake.define.EMB_JARS="$root/build/jars" \
  -Ccmake.define.EMB_JNI=ON \
  -Ccmake.define.EMB_WERROR=ON \
  -Ccmake.define.CMAKE_C_COMPILER="$root/tools/zig-cc" \
  -Ccmake.define.CMAKE_CXX_COMPILER="$root/tools/zig-c++" \
  -Ccmake.define.CMAKE_AR="$root/tools/zig-ar" \
  -Ccmake.define.CMAKE_RANLIB="$root/tools/zig-ranlib"
