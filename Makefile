# Every target does all its own set-up from a clean clone, in .venv and nowhere else.
# `make help` lists them.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

.PHONY: help demo worker test coverage test-slow chaos chaos-quick chaos-seeds check format histories replay counts manifests docs lock clean
.DELETE_ON_ERROR:

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: .venv/app ## the main job on the embedded servers, from nothing to results
	@$(BIN)/python starter.py demo

worker: .venv/app ## a worker on the embedded servers, until Ctrl-C
	@$(BIN)/python worker.py

test: .venv/dev ## every test but the slow ones
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow"

coverage: .venv/dev ## the same tests, with the share of lines and branches that they reach; processes they start are not counted
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow" --cov --cov-report term:skip-covered

test-slow: .venv/dev ## the tests that take minutes
	$(BIN)/python -m pytest -m slow --timeout 1800

chaos: .venv/dev ## failures on real servers for some five minutes, seed drawn and printed (SEED=N: that one)
	@$(BIN)/python -m chaos --minutes 6 $(if $(SEED),--seed $(SEED))

chaos-quick: .venv/dev ## the same in two to three minutes
	@$(BIN)/python -m chaos --minutes 3 $(if $(SEED),--seed $(SEED))

chaos-seeds: .venv/dev ## the ten fixed seeds one after the other: some fifty minutes
	@$(BIN)/python -m chaos --minutes 6 --fixed

check: .venv/dev ## format, lint, types, import contracts, declared dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/deptry . --exclude '^\.venv/' --ignore DEP002,DEP004

format: .venv/dev ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

histories: .venv/dev ## record again the runs that must replay (read tests/histories/record.py first)
	rm -f tests/histories/*.json
	$(BIN)/python -m pytest -q tests/histories/record.py

replay: .venv/dev ## run downloaded histories against these workflows: HISTORIES=folder (default: those of the tests)
	@$(BIN)/python -m runtime.replay $(or $(HISTORIES),tests/histories)

counts: .venv/dev ## count again what cycles take, for a change that means to change it
	$(BIN)/python -m pytest -q tests/counts/record.py

bench: .venv/dev ## how fast it is, some hours on a quiet machine: writes benchmarks/results.md
	$(BIN)/python -m benchmarks.speed

bench-quick: .venv/dev ## the same in small, to see that it works; writes nothing
	$(BIN)/python -m benchmarks.speed --quick

manifests: .venv/dev ## render deploy/kubernetes and the table of values from the Helm chart (needs helm)
	@$(BIN)/python -m tests.deploy.rendering

docs: .venv/docs ## the documents as a site in build/docs; a broken link ends it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean

lock: .venv/python ## write the locks again from pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --all-extras --group dev --group model --group bench -o requirements/dev.lock
	$(COMPILE) --extra app --extra embedded --extra web -c requirements/dev.lock -o requirements/app.lock
	$(COMPILE) --extra app --extra tracing --extra web -c requirements/dev.lock -o requirements/worker.lock
	$(filter-out pyproject.toml,$(COMPILE)) --group docs -c requirements/dev.lock -o requirements/docs.lock

clean: ## remove what the targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build/docs

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/app: requirements/app.lock | .venv/python
	@echo "Installing $$(grep -c == $<) packages into .venv: a minute or two where none of them is cached"
	@$(subst --quiet ,,$(INSTALL)) --progress-bar on -r $<
	@touch $@

.venv/dev: requirements/dev.lock | .venv/python
	$(INSTALL) -r $<
	@touch $@

.venv/docs: requirements/docs.lock | .venv/python
	$(INSTALL) -r $<
	@touch $@
