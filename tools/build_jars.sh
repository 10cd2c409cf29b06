#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The jars that Spark needs, in build/jars: one for each Spark line asked for, and the native one for all of them.
#   tools/build_jars.sh [path/to/libemberline_jni.so]
# The library goes into the native jar as a resource; without an argument the release build's is taken, or else the newest.
# EMBERLINE_SPARK_LINES: lines as spark/lines.txt has them, or "all"; by default the oldest and the one of .venv.
# EMBERLINE_JARS: another folder for the jars. MVN_FLAGS is handed to Maven.
# A line is compiled by its profile of spark/pom.xml; one without a profile, against the jars of its PySpark. Each lies in
# build/spark-lines/LINE and is built again only when what it is built from has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

lines=${EMBERLINE_SPARK_LINES:-3.5_2.12 4.2_2.13}
if [ "$lines" = all ]; then
  lines=$(grep -v '^#' spark/lines.txt)
fi
for line in $lines; do
  grep -qx "$line" spark/lines.txt || { echo "build_jars: no Spark line $line in spark/lines.txt" >&2; exit 1; }
done
folder=${EMBERLINE_JARS:-build/jars}
built=build/spark-lines
version=$(sed -nE 's:^  <version>(.*)</version>$:\1:p' pom.xml)

library=${1:-build/release/jvm/jni/libemberline_jni.so}
if [ $# -eq 0 ] && [ ! -f "$library" ]; then
  library=$(find build -path '*/jvm/jni/libemberline_jni.so' -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -1 | cut -d' ' -f2)
fi
if [ ! -f "$library" ]; then
  echo "build_jars: no libemberline_jni.so${library:+ at $library}; build target emberline_jni (cmake -DEMB_JNI=ON) first" >&2
  exit 1
fi

# One number for all that files and folders hold.
digest() { find "$@" -type f -not -path '*/target/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1; }

quietly() { # LOG PROGRAM...: output is shown if it fails
  local log=$1
  shift
  "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}

has_profile() { grep -q "<id>spark-$1</id>" spark/pom.xml; }

native_jar() {
  # Laid out as io.emberline.NativeLoader looks for it.
  local stage=$PWD/build/jar-resources
  rm -rf "$stage"
  mkdir -p "$stage/io/emberline/linux-$(uname -m)"
  cp "$library" "$stage/io/emberline/linux-$(uname -m)/libemberline_jni.so"
  # shellcheck disable=SC2086
  quietly "$1/build.log" mvn -B -q -ntp ${MVN_FLAGS:-} -pl jvm -DskipTests -Demberline.library.folder="$stage" clean package
  cp "jvm/target/emberline-native-$version.jar" "$1/"
}

spark_jar() {
  local out=$1 minor=${1##*/} scala=${1##*_} profiles
  minor=${minor%_*}
  if has_profile "$minor"; then
    profiles=spark-$minor
    if [ "$scala" = 2.12 ]; then profiles+=,scala-2.12; fi
    # shellcheck disable=SC2086
    quietly "$out/build.log" mvn -B -q -ntp ${MVN_FLAGS:-} -P "$profiles" -pl spark -am -DskipTests clean package
    cp "spark/target/${minor}_$scala/emberline-spark-${minor}_$scala-$version.jar" "$out/"
  else
    bash tools/spark_env.sh "${minor}_$scala"
    quietly "$out/build.log" bash tools/compile_with_pyspark.sh "$minor" "$out/emberline-spark-${minor}_$scala-$version.jar"
  fi
}

# build_when_stale FOLDER HASH COMMAND: COMMAND leaves a jar in FOLDER.
build_when_stale() {
  if [ "$(cat "$1/inputs" 2>/dev/null)" != "$2" ]; then
    rm -rf "$1/inputs" "$1"/*.jar
    mkdir -p "$1"
    "$3" "$1"
    echo "$2" >"$1/inputs"
  fi
}

sources=$(digest pom.xml jvm/pom.xml jvm/src/main spark/pom.xml spark/src/main tools/build_jars.sh tools/compile_with_pyspark.sh)
jars=()
for line in $lines; do
  inputs=$sources
  has_profile "${line%_*}" || inputs+=$(digest "requirements/spark-${line%_*}.txt")
  build_when_stale "$built/$line" "$inputs" spark_jar
  jars+=("$built/$line"/*.jar)
done
build_when_stale "$built/native" "$sources$(digest "$library")" native_jar
jars+=("$built/native"/*.jar)

# The folder holds these and no other, and is touched when that is a change.
mkdir -p "$folder"
changed=()
for jar in "$folder"/*.jar; do
  [[ ! -e $jar || " ${jars[*]##*/} " == *" ${jar##*/} "* ]] || { rm "$jar" && changed+=("$jar"); }
done
for jar in "${jars[@]}"; do
  cmp -s "$jar" "$folder/${jar##*/}" || { cp "$jar" "$folder/" && changed+=("$jar"); }
done
if [ ${#changed[@]} -gt 0 ]; then
  touch "$folder"
  ls "$folder"
fi
