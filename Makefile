# What people type.  Everything happens in a virtual environment of its own, made on first use; the machine needs a
# C++20 compiler and Python 3.10 or newer.
#
#   make demo    train on the digits that come with the package: accuracy, and speed against NumPy
#   make test    the whole test suite            (make test PYTEST_ARGS="-k softmax")
#   make bench   a quick look at speed against the peers that are installed (docs/benchmarks.md)
#   make lint    formatting, types and the stubs of the compiled module
#   make wheel   source distribution and wheel in dist/
#   make clean   remove what the others made

PYTHON ?= python3
VENV ?= .venv
WERROR ?= OFF# ON: compiler warnings are errors
PYTEST_ARGS ?=
BENCH_ARGS ?=

bin := $(VENV)/bin
sources := CMakeLists.txt pyproject.toml $(shell find cpp -name '*.[hc]pp' -o -name exports.map) \
           $(shell find python -name '*.py' -o -name '*.pyi')
cpp_files := $(filter %.hpp %.cpp,$(sources)) $(wildcard tests/cpp/*.cpp)

.PHONY: demo test bench lint wheel clean

demo: $(VENV)/installed
	$(bin)/picaflor demo

test: $(VENV)/installed $(VENV)/tools
	PICAFLOR_BUILD_DIR=build/editable $(bin)/python -m pytest $(PYTEST_ARGS)

bench: $(VENV)/installed
	$(bin)/python bench/run.py --quick $(BENCH_ARGS)

lint: $(VENV)/installed $(VENV)/tools
	$(bin)/ruff check . .ci
	$(bin)/ruff format --check . .ci
	$(bin)/mypy
	$(bin)/python -m mypy.stubtest picaflor._core --allowlist .ci/stubtest.txt
	$(bin)/clang-format --dry-run --Werror $(cpp_files)

wheel: $(VENV)/tools
	rm -rf dist
	$(bin)/python -m build

clean:
	rm -rf build dist $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/created:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 10), "picaflor needs Python 3.10 or newer"'
	$(PYTHON) -m venv $(VENV)
	$(bin)/python -m pip install --quiet --upgrade pip
	touch $@

# Without build isolation, so that a second build finds the same tools and compiles what has changed only.
$(VENV)/installed: $(VENV)/created $(sources)
	$(bin)/python -m pip install --quiet --group build
	$(bin)/python -m pip install --quiet --no-build-isolation --editable . -C build-dir=build/editable \
	  -C cmake.define.PICAFLOR_WERROR=$(WERROR)
	touch $@

$(VENV)/tools: $(VENV)/created pyproject.toml
	$(bin)/python -m pip install --quiet --group dev
	touch $@
