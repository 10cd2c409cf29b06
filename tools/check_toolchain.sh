#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: check_toolchain.sh PYTHON. Everything that pip and Maven cannot bring must be here: a C++ compiler, JDK 17 or
# newer, Maven, Python 3.10 or newer with venv, git. As root on Debian what is missing gets installed; otherwise the one
# line that installs it is printed and the build stops.
set -euo pipefail
python=${1:-python3}
missing=()

"$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
  missing+=(python3 python3-venv python3-pip)
command -v g++ >/dev/null || missing+=(g++)
command -v objdump >/dev/null || missing+=(binutils)
command -v git >/dev/null || missing+=(git)
javac_release=$(javac -version 2>&1 | sed -nE 's/^javac ([0-9]+).*/\1/p' || true)
[ "${javac_release:-0}" -ge 17 ] || missing+=(openjdk-17-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)

[ ${#missing[@]} -eq 0 ] && exit 0
line="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "missing on this machine: ${missing[*]}; installing: $line"
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive $line >/dev/null
else
  echo "missing on this machine: ${missing[*]}. As root: $line" >&2
  exit 1
fi
