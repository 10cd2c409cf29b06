#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the two jars that Spark needs into build/jars:
#   tools/build_jars.sh [path/to/libemberline_jni.so]
# The library goes into the native jar as a resource; without an argument the release build's is taken, or else the newest.
# EMBERLINE_SPARK_LINES names the Spark lines to build for, as Maven profiles name them (default: 4.2); MVN_FLAGS is handed
# to Maven.
set -euo pipefail
cd "$(dirname "$0")/.."

library=${1:-build/release/jvm/jni/libemberline_jni.so}
if [ $# -eq 0 ] && [ ! -f "$library" ]; then
  library=$(find build -path '*/jvm/jni/libemberline_jni.so' -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -1 | cut -d' ' -f2)
fi
if [ ! -f "$library" ]; then
  echo "build_jars: no libemberline_jni.so${library:+ at $library}; build target emberline_jni (cmake -DEMB_JNI=ON) first" >&2
  exit 1
fi

# Laid out as io.emberline.NativeLoader looks for it.
stage=$PWD/build/jar-resources
rm -rf "$stage"
mkdir -p "$stage/io/emberline/linux-$(uname -m)"
cp "$library" "$stage/io/emberline/linux-$(uname -m)/libemberline_jni.so"

rm -rf build/jars
mkdir -p build/jars
for line in ${EMBERLINE_SPARK_LINES:-4.2}; do
  log=build/jars-$line.log
  # shellcheck disable=SC2086
  if ! mvn -B -q -ntp ${MVN_FLAGS:-} -P "spark-$line" -DskipTests -Demberline.library.folder="$stage" clean package >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  cp spark/target/emberline-spark-*.jar build/jars/
done
cp jvm/target/emberline-native-*.jar build/jars/
ls build/jars
