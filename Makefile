# SPDX-License-Identifier: Apache-2.0
# Every target sets up what it needs, in .venv/ and build/ alone, and does nothing twice. `make help` lists them.
# Settings: PYTHON=python3 (3.10 or newer), JOBS=number of cores, PIP_FLAGS, MVN_FLAGS, BENCH_FLAGS, and
# EMBERLINE_SPARK_LINES, the Spark lines to make jars for (spark/lines.txt): `make wheel` takes all, all else the oldest and
# the one of .venv.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell command -v python3)
JOBS ?= $(shell nproc)
# cmake, ninja and the formatters are the pinned ones of .venv, whatever the machine has.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
export JOBS
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Maven, CMake and PySpark take the same JDK: the one of javac, unless the caller chose.
ifndef JAVA_HOME
JAVAC := $(shell readlink -f "$$(command -v javac)")
ifneq ($(JAVAC),)
export JAVA_HOME := $(patsubst %/bin/javac,%,$(JAVAC))
endif
endif

PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet $(PIP_FLAGS)
STAMPS := build/stamps
MODELS := build/models
LIBRARIES := build/release/libemberline.so
PYTHON_SOURCES := $(shell find python -type f -not -name '*.pyc' 2>/dev/null)

.PHONY: help build demo test test-all bench bench-models check-families wheel native jars format lint clean FORCE

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: .venv/.emberline ## release library, jars and wheel, installed into .venv beside PySpark

demo: .venv/.emberline $(MODELS)/all-MiniLM-L6-v2 ## a real table of text becomes vectors on Spark, with a real model
	$(PY) examples/demo.py

test: .venv/.test-tools ## every suite but the slow ones; one line a suite, then the sum
	$(PY) tools/run_tests.py

test-all: .venv/.test-tools .venv-reference/.complete ## test, ThreadSanitizer, full corpora, the slow suites
	$(PY) tools/run_tests.py --all

bench: .venv/.emberline .venv/.test-tools .venv-reference/.complete $(MODELS)/all-MiniLM-L6-v2 ## us and the others, same rows, same cores, same run
	$(PY) bench/run.py $(BENCH_FLAGS)
	$(PY) bench/tokenizer.py $(BENCH_FLAGS)
	$(PY) bench/spark_bench.py $(BENCH_FLAGS)

# The large model gets few rows, so that a run takes minutes.
bench-models: .venv/.emberline .venv/.test-tools .venv-reference/.complete $(MODELS)/bge-small-en-v1.5 $(MODELS)/bge-base-random ## the same with other models, and held to AVX2
	$(PY) bench/run.py --model $(MODELS)/bge-small-en-v1.5 --rows 0.5 --rounds 3 $(BENCH_FLAGS)
	$(PY) bench/run.py --model $(MODELS)/bge-base-random --rows 0.125 --rounds 3 $(BENCH_FLAGS)
	$(PY) bench/run.py --isa avx2 $(BENCH_FLAGS)

check-families: .venv/.emberline .venv-reference/.complete $(MODELS)/bge-small-en-v1.5 ## the table of docs/models.md: families at full size against the reference
	[ -e build/corpus/natural.parquet ] || $(PY) tools/make_table.py build/corpus --only natural
	[ -e $(MODELS)/shapes ] || .venv-reference/bin/python tools/make_shape_models.py $(MODELS)/shapes
	EMBERLINE_LIBRARY=$(LIBRARIES) .venv-reference/bin/python tools/check_families.py $(MODELS)/shapes/* --markdown docs/models.md

wheel: export EMBERLINE_SPARK_LINES ?= all
wheel: $(STAMPS)/wheel ## build/wheel/emberline-*.whl, with the jars of every Spark line
	@ls build/wheel/*.whl

native: $(LIBRARIES) ## release libraries, by clang of the ziglang wheel

jars: $(STAMPS)/jars ## build/jars/*.jar

format: .venv/.lint-tools ## rewrite sources in the house's format
	$(PY) tools/lint.py --fix

lint: .venv/.lint-tools build/third_party/.complete ## formats, clang-tidy, ruff, layers, shell syntax, texts
	$(PY) tools/lint.py

clean: ## remove what was built; .venv, downloads and models stay (rm -rf build .venv for all)
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 -not -name models -not -name third_party -not -name corpus -not -name spark-envs -exec rm -rf {} +
	rm -rf target jvm/target spark/target spark-warehouse metastore_db derby.log .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# --- set-up, one stamp each ---

$(STAMPS)/toolchain: tools/check_toolchain.sh
	@bash tools/check_toolchain.sh $(PYTHON)
	@mkdir -p $(@D) && touch $@

.venv/pyvenv.cfg: | $(STAMPS)/toolchain
	$(PYTHON) -m venv .venv

.venv/.build-tools: requirements/build.txt requirements/spark.txt | .venv/pyvenv.cfg
	$(PIP) -r requirements/build.txt -r requirements/spark.txt
	@touch $@

.venv/.lint-tools: requirements/lint.txt | .venv/.build-tools
	$(PIP) -r requirements/lint.txt
	@touch $@

.venv/.test-tools: requirements/test.txt | .venv/.build-tools .venv/.lint-tools
	$(PIP) -r requirements/test.txt
	@touch $@

.venv-reference/.complete: requirements/reference.txt | $(STAMPS)/toolchain
	$(PYTHON) -m venv .venv-reference
	.venv-reference/bin/python -m pip install --quiet $(PIP_FLAGS) -r requirements/reference.txt
	@touch $@

build/third_party/.complete: tools/get_third_party.sh
	bash tools/get_third_party.sh

$(MODELS)/all-MiniLM-L6-v2: | .venv/.build-tools
	$(PY) tools/get_models.py $(MODELS) $(@F)

$(MODELS)/bge-base-random: | .venv/.test-tools $(MODELS)/bge-small-en-v1.5
	$(PY) tools/make_random_model.py $@ --like bge-base

$(MODELS)/%: | .venv/.test-tools
	$(PY) tools/get_models.py $(MODELS) $*

# --- what is built; ninja and tools/build_jars.sh know best what is stale, so they are always asked ---

$(LIBRARIES): FORCE | .venv/.build-tools build/third_party/.complete
	@[ -e build/release/build.ninja ] || cmake --preset release
	@cmake --build build/release

$(STAMPS)/jars: $(LIBRARIES) FORCE
	@bash tools/build_jars.sh
	@mkdir -p $(@D) && { [ build/jars -ot $@ ] || touch $@; }

$(STAMPS)/wheel: $(LIBRARIES) $(STAMPS)/jars $(PYTHON_SOURCES) pyproject.toml tools/build_wheel.sh README.md
	bash tools/build_wheel.sh
	@mkdir -p $(@D) && touch $@

.venv/.emberline: $(STAMPS)/wheel
	$(PIP) --no-deps --force-reinstall build/wheel/*.whl
	@touch $@
