# Everything runs from .venv, which is made on first use, and brought up to date when its inputs change.

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BENCH ?=
PEOPLE ?= $(wildcard trainer/starter/people/*.jsonl)
# Set-up speaks on stderr and leaves stdin alone: both belong to the chat in `make demo < script`.
PIP := $(VENV)/bin/python -m pip -qq --disable-pip-version-check --no-input

.PHONY: help demo test bench check format clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PEOPLE='NASA.csv dog_rates.csv' for bench; PYTHON=python3.12; TORCH_INDEX=https://download.pytorch.org/whl/cpu (the build without CUDA)"

demo: $(VENV)/installed  ## a chat in this terminal: train a persona and let it tweet
	@$(VENV)/bin/mockingbird demo

test: $(VENV)/installed-dev  ## all tests
	@$(VENV)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/installed-dev  ## side by side with what a user would pick instead; BENCH=--full takes longer
	@rm -rf benchmarks/results && mkdir benchmarks/results
	@$(VENV)/bin/python -m benchmarks.generation --json benchmarks/results/generation.json $(BENCH)
	@$(VENV)/bin/python -m benchmarks.training $(PEOPLE) --json benchmarks/results/training.json $(BENCH)
	@$(VENV)/bin/python -m benchmarks.timelines $(PEOPLE) --json benchmarks/results/timelines.json

check: $(VENV)/installed-dev  ## lint, format, types and the walls between the parts
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/python -m pytest tests/test_walls.py

format: $(VENV)/installed-dev  ## rewrite the code in the common format
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

clean:  ## remove .venv and the caches of the tools
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build mockingbird.egg-info

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Mockingbird needs Python 3.11 or newer, and %s is %d.%d; name another with PYTHON=..." % ((sys.executable,) + sys.version_info[:2]))'
	@echo "Setting up $(VENV)..." >&2
	@$(PYTHON) -m venv $(VENV) >&2 </dev/null
	@echo "Installing PyTorch; this is the large part..." >&2
	@$(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX) --no-deps) -c constraints.txt torch >&2 </dev/null
	@echo "Installing the rest..." >&2
	@$(PIP) install -c constraints.txt --editable . >&2 </dev/null
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "Installing the tools for development..." >&2
	@$(PIP) install -c constraints.txt --editable '.[dev,pretrain]' >&2 </dev/null
	@touch $@
