#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: test_spark_line.sh LINE [ARGUMENT OF PYTEST ...]. Runs tests/spark, or what the arguments name, on one Spark line,
# with the package and the native library of this tree.
set -euo pipefail
cd "$(dirname "$0")/.."
line=$1
shift
bash tools/spark_env.sh "$line"
export EMBERLINE_JARS=$PWD/build/spark-lines/$line/jars
EMBERLINE_SPARK_LINES=$line bash tools/build_jars.sh >/dev/null
env=$PWD/build/spark-envs/${line%_*}
export PATH=$env/bin:$PATH PYTHONPATH=$PWD/python EMBERLINE_LIBRARY=${EMBERLINE_LIBRARY:-$PWD/build/release/libemberline.so}
export PYSPARK_PYTHON=$env/bin/python
unset SPARK_HOME
if [ -e "build/spark-envs/$line" ]; then # a Scala version that is not the one of PyPI's PySpark
  export SPARK_HOME=$PWD/build/spark-envs/$line
fi
[ $# -gt 0 ] || set -- tests/spark
exec python -m pytest -q -p no:cacheprovider "$@"
