# Tasks of First Step. `make` lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Dependencies of python-jose for algorithms that the application does not use. `--no-deps` keeps pip from adding them.
UNUSED := --no-emit-package ecdsa --no-emit-package rsa --no-emit-package pyasn1
INSTALL := python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
# The command `firststep` in $(BIN). --no-index: this step downloads nothing.
INSTALL_COMMAND := python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(UNUSED)
COMPILE_GROUP := uv pip compile --group pyproject.toml:generators --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
# If the URL of a database is set, the mode is `production`: no invented people are added to that database.
DEFAULT_MODE = $(if $(FIRSTSTEP_DATABASE_URL)$(FIRSTSTEP_API_DATABASE_URL),production,demo)
# Compiled modules make later starts faster.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check lint types contracts unit fuzz attack faults fix migration openapi pictures database-docs audit-releases bench bench-growth demo-reset psql lock clean

help:  ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-13s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp  ## Serve on 127.0.0.1:$PORT (8000), with an embedded database and a demonstration
	@FIRSTSTEP_MODE=$${FIRSTSTEP_MODE:-$(DEFAULT_MODE)} exec $(BIN)/firststep run

test: lint types contracts openapi-current unit  ## Install everything, then run all checks and tests
check: test  ## Same as `make test`

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: $(VENV)/dev.stamp
	$(BIN)/mypy --no-error-summary

contracts: $(VENV)/dev.stamp
	$(BIN)/lint-imports --no-cache --no-logo

.PHONY: openapi-current
openapi-current: $(VENV)/dev.stamp
	$(BIN)/python -m app.cli openapi --check
	$(BIN)/python -m app.cli pictures --check

unit: $(VENV)/dev.stamp $(VENV)/generators.stamp
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

fuzz: $(VENV)/dev.stamp  ## Test every operation as every role (CONTRIBUTING.md); `make test` tests a part
	FUZZ=whole $(BIN)/pytest -q tests/architecture/test_contract_fuzz.py --durations=0

attack: $(VENV)/dev.stamp  ## Send 6,000 hostile requests and 4,000 SQL statements, about three minutes; `make test` sends a part
	rm -f var/attack.jsonl && mkdir -p var
	ATTACK_REQUESTS=6000 ATTACK_STATEMENTS=4000 ATTACK_FIGURES=var/attack.jsonl $(BIN)/pytest -q -n 2 --dist loadfile tests/attack
	cat var/attack.jsonl

faults: $(VENV)/dev.stamp  ## Make every known mistake of an operator; `make test` makes a part
	FAULTS=whole $(BIN)/pytest -q -n 2 tests/faults

fix: $(VENV)/dev.stamp  ## Format, and apply automatic fixes
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

migration: $(VENV)/dev.stamp  ## Write a draft migration, while `make run` runs: make migration M="subject"
	$(BIN)/python -m app.cli migration "$(M)"

openapi: $(VENV)/run.stamp  ## Write openapi/openapi.json
	$(BIN)/python -m app.cli openapi

pictures: $(VENV)/run.stamp  ## Write docs/diagrams.md: layers, state machines and permissions, from the code
	$(BIN)/python -m app.cli pictures

database-docs: $(VENV)/dev.stamp  ## Write docs/database.md from the SQL files
	$(BIN)/python -m app.cli database-docs

bench: $(VENV)/dev.stamp  ## Run the benchmarks
	$(BIN)/python -m bench

audit-releases: $(VENV)/dev.stamp  ## Attack the released tables of 2,000 random populations, about 15 minutes; `make test` attacks 30
	$(BIN)/python -m bench.release_audit

bench-growth: $(VENV)/dev.stamp  ## Measure growth: 10,000 to 1,000,000 cases in var/growth (35 GB, half an hour)
	$(BIN)/python -m bench.growth

demo-reset: $(VENV)/run.stamp  ## Delete the demonstration; the next `make run` creates a new one
	FIRSTSTEP_MODE=$${FIRSTSTEP_MODE:-$(DEFAULT_MODE)} $(BIN)/firststep demo reset

psql: $(VENV)/run.stamp  ## Open psql with the API's database role, while `make run` runs
	@$(BIN)/firststep psql

lock:  ## Pin the newest versions of the dependencies in pyproject.toml (needs uv)
	$(COMPILE) --upgrade -o requirements/run.txt
	$(COMPILE) --upgrade --extra dev -o requirements/dev.txt
	$(COMPILE_GROUP) --upgrade -o requirements/generators.txt

clean:  ## Remove installed packages and caches; keep var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "First Step needs Python 3.11 or newer: make run PYTHON=python3.13")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt | $(VENV)/bin/python
	@echo "Installing the dependencies (once) …"
	@$(BIN)/$(INSTALL) -r $<
	@$(BIN)/$(INSTALL_COMMAND)
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(VENV)/bin/python
	@echo "Installing the dependencies of the tests (once) …"
	@$(BIN)/$(INSTALL) -r $<
	@$(BIN)/$(INSTALL_COMMAND)
	@touch $@ $(VENV)/run.stamp

# Client generators and Node, in a separate environment, because they need other versions of some packages.
$(VENV)/generators.stamp: requirements/generators.txt | $(VENV)/bin/python
	@echo "Installing the client generators (once) …"
	@$(PYTHON) -m venv $(VENV)/generators
	@$(VENV)/generators/bin/$(INSTALL) -r $<
	@touch $@
