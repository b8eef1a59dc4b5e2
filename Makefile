# Tasks of First Step. `make` lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
COMPILE_GROUP := uv pip compile --group pyproject.toml:generators --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
# Compiled modules make later starts faster.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check lint types contracts unit fuzz fix migration openapi pictures database-docs bench bench-growth demo-reset psql lock clean

help:  ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-13s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp  ## Serve on 127.0.0.1:$PORT (8000), with an embedded database and a demonstration
	@exec $(BIN)/python -m app.cli run

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

fuzz: $(VENV)/dev.stamp  ## Test every operation as every role, about 50 minutes; `make test` tests a part
	FIRSTSTEP_FUZZ=whole $(BIN)/pytest -q tests/architecture/test_contract_fuzz.py --durations=0

fix: $(VENV)/dev.stamp  ## Format, and apply automatic fixes
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

migration: $(VENV)/dev.stamp  ## Generate a draft migration from the models: make migration M="subject"
	$(BIN)/python -m app.cli migration "$(M)"

openapi: $(VENV)/run.stamp  ## Write openapi/openapi.json
	$(BIN)/python -m app.cli openapi

pictures: $(VENV)/run.stamp  ## Generate docs/diagrams.md from the code
	$(BIN)/python -m app.cli pictures

database-docs: $(VENV)/dev.stamp  ## Generate docs/database.md from the SQL files
	$(BIN)/python -m app.cli database-docs

bench: $(VENV)/dev.stamp  ## Run the benchmarks
	$(BIN)/python -m bench

bench-growth: $(VENV)/dev.stamp  ## Measure growth: 10,000 to 1,000,000 cases in var/growth (35 GB, half an hour)
	$(BIN)/python -m bench.growth

demo-reset: $(VENV)/run.stamp  ## Delete the demonstration; the next `make run` creates a new one
	$(BIN)/python -m app.cli demo reset

psql: $(VENV)/run.stamp  ## Open psql with the API's database role, while `make run` runs
	@$(BIN)/python -m app.cli psql

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
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(VENV)/bin/python
	@echo "Installing the dependencies of the tests (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/run.stamp

# Client generators and Node, in a separate environment, because they need other versions of some packages.
$(VENV)/generators.stamp: requirements/generators.txt | $(VENV)/bin/python
	@echo "Installing the client generators (once) …"
	@$(PYTHON) -m venv $(VENV)/generators
	@$(VENV)/generators/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
