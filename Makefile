# `make run` and `make test` each do all their own set-up. `make help` lists the rest.
# PYTHON=python3.12 picks an interpreter, PIP_ARGS passes flags to pip, NO_APT=1 forbids installing system packages.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
export OMP_NUM_THREADS ?= 1

.PHONY: help run test check format audit attack bench load results clean

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /	/' | expand -t 12

run: $(VENV)/.run  ## the course, its demo class and a grading worker on http://127.0.0.1:8000
	@exec $(BIN)/gradschool serve --demo --port $(PORT)

test: $(VENV)/.test  ## everything that continuous integration runs
	@scripts/packages.sh
	@$(MAKE) --no-print-directory check
	@VENV="$(VENV)" scripts/suite.sh $(PYTEST_ARGS)

check: $(VENV)/.test  ## style, types, house rules and the course folder, in seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house
	$(BIN)/gradschool course check

format: $(VENV)/.test  ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

audit:  ## ask PyPI whether a version that we pin was withdrawn or has a known weakness
	@$(PYTHON) scripts/audit.py

load: $(VENV)/.test  ## the long versions: a deadline with a thousand students, alone and with mishaps; 200 random kills
	$(BIN)/python -m pytest -m load $(PYTEST_ARGS)

attack: $(VENV)/.test  ## every attack on every sandbox tier that this machine gives, as root and as an ordinary user
	@scripts/packages.sh
	$(BIN)/python -m pytest -m attack $(PYTEST_ARGS)

bench: $(VENV)/.test  ## us beside the peers, one line a contest; the peers get a virtual environment of their own
	@scripts/peers.sh
	@$(BIN)/python -m benchmarks $(ONLY)

results: $(VENV)/.run  ## train every method and record what it reached
	@for method in $$($(BIN)/gradschool list --names); do $(BIN)/gradschool run $$method --check --record || exit 1; done

clean:  ## remove the virtual environment and caches; the office's data in var/ stays
	rm -rf $(VENV) .ruff_cache .mypy_cache .import_linter_cache .hypothesis

$(VENV)/.run: pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup.sh office
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup.sh office,dev
	@touch $@ $(VENV)/.run
