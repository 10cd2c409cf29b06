#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: spark_env.sh LINE. A Python environment with the PySpark of a line, in build/spark-envs/MINOR, as
# requirements/spark-MINOR.txt has it; does nothing twice. PyPI's PySpark comes with jars of one Scala version: for the other
# one, build/spark-envs/LINE becomes a Spark home with the jars that Maven Central has. PYTHON: the Python to take.
set -euo pipefail
cd "$(dirname "$0")/.."
line=$1
minor=${line%_*} scala=${line#*_}
env=build/spark-envs/$minor
requirements=requirements/spark-$minor.txt
[ -f "$requirements" ] || { echo "spark_env: no $requirements for line $line" >&2; exit 1; }

newest_python() { # of those that this PySpark runs on
  local candidates=("${PYTHON:-python3}") python
  if [ "$minor" = 3.5 ]; then
    candidates+=(python3.11 python3.10) # its modules import distutils, which is not in 3.12
  fi
  for python in "${candidates[@]}"; do
    if [ "$minor" != 3.5 ] || "$python" -c 'import distutils' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  echo "spark_env: PySpark $minor needs Python 3.10 or 3.11; none of ${candidates[*]} is" >&2
  return 1
}

if ! cmp -s "$requirements" "$env/.complete"; then
  python=$(newest_python)
  rm -rf "$env"
  "$python" -m venv "$env"
  # shellcheck disable=SC2086
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check ${PIP_FLAGS:-} -r "$requirements"
  cp "$requirements" "$env/.complete"
fi

package=$(echo "$env"/lib/python3.*/site-packages/pyspark)
connect_version=3.5.7 # the newest that could be had for Scala 2.12, behind Spark's own

maven_log() { # LOG-NAME ARGUMENTS...
  local log=build/spark-envs/$1.log
  shift
  # shellcheck disable=SC2086
  mvn -B -ntp ${MVN_FLAGS:-} "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}

connect_server() { # SCALA FOLDER: PySpark 3.5 has Connect's client alone; the server comes from Maven Central
  if [ "$minor" = 3.5 ] && ! compgen -G "$2/spark-connect_*.jar" >/dev/null; then
    maven_log "connect-$1" -N dependency:copy -Dartifact="org.apache.spark:spark-connect_$1:$connect_version" \
      -DoutputDirectory="$PWD/$2"
  fi
}

bundled=$(basename "$package"/jars/spark-sql_*.jar | sed -E 's/spark-sql_([0-9.]+)-.*/\1/')
connect_server "$bundled" "$package/jars"
home=build/spark-envs/$line
if [ "$scala" != "$bundled" ] && ! cmp -s "$requirements" "$home/.complete"; then
  rm -rf "$home"
  mkdir -p "$home/jars"
  cp -r "$package/bin" "$home/"
  maven_log "jars-$line" -P "spark-$minor" -pl spark -am -DskipTests package dependency:copy-dependencies -DincludeScope=provided \
    -DexcludeGroupIds=io.emberline -DoutputDirectory="$PWD/$home/jars"
  connect_server "$scala" "$home/jars" 2>/dev/null ||
    echo "spark_env: no Connect server for Spark $minor with Scala $scala could be had: its tests are skipped" >&2
  cp "$requirements" "$home/.complete"
fi
