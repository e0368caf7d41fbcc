# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
.PHONY: help run test compiled test-busy mutants lint format bench pictures demo setup setup-dev clean

BIN := .venv/bin
CONSTRAINTS ?= packaging/constraints.txt
export CONSTRAINTS PYTHON TORCH_INDEX
# Variables of another Python environment (ROS sets them, for example) must not affect this one.
unexport PYTHONHOME PYTHONPATH
# Compiled once, and not by each worker of the tests and each process that they start.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo 'make run      measure the simulated board: in a window, or without a display into out/'
	@echo 'make test     run every check and every test'
	@echo 'make lint     the checks alone: ruff, mypy, import-linter'
	@echo 'make format   format the code and mend what ruff can mend by itself'
	@echo 'make test-busy run every test beside four busy loops, TIMES=5 times over'
	@echo 'make mutants  count how many changes of the code its tests notice; MODULE=clock for one module, EVERY=5 for a fifth'
	@echo 'make bench    measure the speed of the program itself'
	@echo 'make pictures take the pictures of the guide again, from the window as it is'
	@echo 'make demo     fetch the demonstration weights and photographs again'
	@echo 'make clean    remove .venv and the caches, but not the recordings in out/'
	@echo
	@echo 'Each command sets up what it needs the first time. Options, for example make run PYTHON=python3.12:'
	@echo 'PYTHON=...       the interpreter to use, 3.10 to 3.13'
	@echo 'CONSTRAINTS=     use the newest packages instead of the tested versions'
	@echo 'TORCH_INDEX=...  one more package index, for another build of torch. Without it, a machine without'
	@echo '                 an NVIDIA GPU takes the build without CUDA from https://download.pytorch.org/whl/cpu'

run: setup
ifneq ($(DISPLAY)$(WAYLAND_DISPLAY),)
	$(BIN)/monitor-app
else
	@mkdir -p out
	$(BIN)/monitor-app record profiles/simulated-tx1.toml -o out/session-$$(date +%Y%m%d-%H%M%S).plm --duration 20 --export
endif

# More workers than cores, since most tests wait for an instrument most of the time.
TIMES ?= 1
PYTEST := $(BIN)/pytest -n 6 --dist loadfile --no-loadscope-reorder

test:
	@$(MAKE) --no-print-directory --jobs 2 lint compiled
	$(PYTEST)

# Beside the checks, which leave a core idle, and not by each of the workers at once: new tests take ten seconds. What
# cannot be collected fails with the tests.
compiled: setup-dev
	@$(BIN)/pytest --collect-only -qq -p no:cacheprovider > /dev/null 2>&1 || true

test-busy: setup-dev
	@for k in 1 2 3 4; do while kill -0 $$$$ 2> /dev/null; do for n in $$(seq 100000); do :; done; done & done; \
	for k in $$(seq $(TIMES)); do $(PYTEST) || exit; done

# Apart from what the tests are set up with, and after it on the path.
mutants: setup-dev
	@test -d .venv/mutations || $(BIN)/python -m pip install --quiet --target .venv/mutations cosmic-ray==8.7.0
	@EVERY=$(EVERY) $(BIN)/python tests/benchmarks/mutants.py $(MODULE)

lint: setup-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup-dev
	@set -e; for script in tests/benchmarks/bench_*.py; do echo "$$script"; $(BIN)/python "$$script"; done

# Alone on the machine: samples that a busy one loses are in the pictures too.
pictures: setup-dev
	$(BIN)/python tests/benchmarks/pictures.py

setup:
	@bash packaging/bootstrap.sh run

demo:
	@bash packaging/bootstrap.sh demo

setup-dev:
	@bash packaging/bootstrap.sh test

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find monitor_app tests -name __pycache__ -prune -exec rm -rf {} +
