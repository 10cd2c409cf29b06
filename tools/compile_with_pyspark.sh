#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: compile_with_pyspark.sh MINOR JAR. Compiles the Spark part into JAR as Maven does, but against the jars of the PySpark in
# build/spark-envs/MINOR (tools/spark_env.sh), by the scalac among them: for lines that Maven Central does not have yet.
set -euo pipefail
cd "$(dirname "$0")/.."
minor=$1 jar=$2
spark=$(echo build/spark-envs/"$minor"/lib/python3.*/site-packages/pyspark/jars)
classes=$(dirname "$jar")/classes
rm -rf "$classes"
mkdir -p "$classes/jvm" "$classes/spark"

mapfile -t native < <(find jvm/src/main -name '*.java')
javac --release 8 -Xlint:-options -d "$classes/jvm" "${native[@]}"
mapfile -t scala < <(find spark/src/main -name '*.java' -o -name '*.scala') # scalac reads both and writes Scala's classes
java -cp "$spark/*:$classes/jvm" scala.tools.nsc.Main -usejavacp -deprecation -feature -unchecked -Werror -d "$classes/spark" \
  "${scala[@]}"
mapfile -t java < <(find spark/src/main -name '*.java')
javac --release 17 -cp "$spark/*:$classes/jvm:$classes/spark" -d "$classes/spark" "${java[@]}"
cp -r spark/src/main/resources/. "$classes/spark/"
jar --create --file "$jar" -C "$classes/spark" .
rm -rf "$classes"
