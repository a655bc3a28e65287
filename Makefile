# The whole project by one word each. `make` alone lists them.

SHELL := /bin/sh
BIN := .venv/bin
STAGE := setup/stage
# Where the temporary directories of a run of pytest go, if somebody says so.
TEMPORARY = $(if $(VOLLEY_TEMPORARY),--basetemp=$(VOLLEY_TEMPORARY)/$(1))

.DEFAULT_GOAL := help
.PHONY: help setup setup-run setup-dev demo test style format types contracts unit asterisk asterisk-calls asterisk-load bench bench-amd fuzz chaos docker lab lab-down schemas requirements audit clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: setup-dev ## .venv with everything, pinned (nothing to do when it is up to date)

setup-run: ## .venv with what running needs, without the tools of developers
	@setup/bootstrap run

setup-dev:
	@setup/bootstrap dev

demo: setup-run ## practice PBX and carrier, a campaign of every behaviour, and its report
	@$(BIN)/python -m lab.demo

test: setup-dev ## everything: style, types, contracts, unit tests, tests on a real Asterisk
	@$(STAGE) style $(MAKE) --no-print-directory style
	@$(STAGE) types $(MAKE) --no-print-directory types
	@$(STAGE) contracts $(MAKE) --no-print-directory contracts
	@$(STAGE) lab $(BIN)/python -m lab prepare
	@setup/together unit asterisk-calls
	@$(STAGE) asterisk-load $(MAKE) --no-print-directory asterisk-load

style: setup-dev ## ruff: rules and form
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: setup-dev ## ruff: mend what can be mended
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: setup-dev ## mypy, strict
	@$(BIN)/mypy

contracts: setup-dev ## who may import whom (pyproject.toml, "boundaries")
	@$(BIN)/lint-imports --no-logo --cache-dir var/cache/import-linter

unit: setup-dev ## tests that need no Asterisk, on every processor
	@PYTHONHASHSEED=0 $(BIN)/pytest -m "not asterisk" -n auto --dist worksteal $(call TEMPORARY,unit)

asterisk: asterisk-calls asterisk-load ## tests on the lab's real Asterisk, one after another

asterisk-calls: setup-dev
	@$(BIN)/pytest -m "asterisk and not load" $(call TEMPORARY,asterisk)

asterisk-load: setup-dev
	@$(BIN)/pytest -m "asterisk and load" $(call TEMPORARY,load)

bench: setup-dev ## everything that is measured, and docs/benchmarks.md (arguments: BENCH="--parts alone,pacing", BENCH=--long)
	@$(BIN)/python -m bench $(BENCH)

bench-amd: setup-dev ## people told from answering machines: labelled callees, scored (arguments: AMD="--part test")
	@$(BIN)/python -m bench.amd $(AMD)

fuzz: setup-dev ## a million hostile fields against the AMI encoder (on the lab's Asterisk, which is up: FUZZ="--asterisk --calls 3000")
	@$(BIN)/python -m bench.fuzz $(FUZZ)

chaos: setup-dev ## break engine, Asterisk, link and disk under load, and audit the books (arguments: CHAOS="--each 2")
	@$(BIN)/python -m chaos $(or $(CHAOS),--each 2)

docker: ## images built, brought up, tried with a campaign and taken down (arguments: DOCKER="--daemon --bases")
	@docker/try $(DOCKER)

lab: setup-run ## practice PBX and carrier, left running
	@$(BIN)/python -m lab up

lab-down: ## stop them
	@$(BIN)/python -m lab down

schemas: setup-dev ## docs/schema/*.json from the models, docs/law-rules.md from the rule data, the version marks of dialplans
	@$(BIN)/python setup/schemas
	@$(BIN)/python setup/law-rules
	@$(BIN)/python setup/dialplan-marks

requirements: setup-dev ## pin the newest versions that pyproject.toml allows, with hashes
	@setup/pin

audit: ## the pinned requirements against known advisories, by pip-audit (which must be there)
	@setup/audit

clean: ## remove caches, builds and .venv (not the lab: make lab-down, then rm -r var)
	rm -rf .venv build dist .ruff_cache .mypy_cache .pytest_cache .hypothesis .import_linter_cache var/cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
