# `make` lists the commands. Everything that is installed lands in .venv, .local and node_modules; removing these undoes it.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONDONTWRITEBYTECODE # without .pyc files every command compiles every module again
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1
CDK = python -m stacks.cdk
PIP_INSTALL = -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --only-binary :all:

.DEFAULT_GOAL := help
.PHONY: help setup demo local check test lint format fuzz peers faults load audit licences sbom build synth bench redrive reconcile bootstrap deploy destroy lock cost clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.venv/ready: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Stream QC needs Python 3.11 or later; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.13 …"; exit 1; }
	@echo "setting up .venv: the CDK, the engine, the tools (a minute or two, once)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python $(PIP_INSTALL) -r requirements/dev.txt
	@touch $@

.venv/editable: pyproject.toml .venv/ready
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.local/venv/ready: requirements/local.txt
	@echo "setting up .local/venv: the local AWS (MiniStack)"
	@mkdir -p .local && $(PYTHON) -m venv --clear .local/venv
	@.local/venv/bin/python $(PIP_INSTALL) -r requirements/local.txt
	@touch $@

node_modules/.ready: package-lock.json .npmrc .venv/ready
	@echo "installing the CDK command line"
	@npm ci --silent --no-audit --no-fund
	@touch $@

setup: .venv/editable .local/venv/ready ## install the environments from the locked requirements

demo: setup ## run sample files through the whole pipeline on a local AWS, step by step
	@python -m local.demo

local: setup ## keep a local AWS with the pipeline running until Ctrl-C
	@python -m local.serve

check: lint ## while you write code: lint, types, and the tests that need no local AWS, no CDK, no browser and no network
	@QC_TESTS=quick python -m pytest -n 2 -m 'not slow' --ignore tests/pipeline --ignore tests/stacks --ignore tests/packaging --ignore tests/browser

test: setup node_modules/.ready lint audit ## lint, types, known vulnerabilities, and every test
	@python -m pytest -p tests.scheduling -n 3 --dist loadscope

lint: .venv/editable ## lint, format and types
	@ruff check . && ruff format --check . && mypy

format: .venv/editable ## format the code
	@ruff check --fix . && ruff format .

.local/audit/ready: requirements/audit.txt
	@echo "setting up .local/audit: checkov, pip-audit (0.3 GB)"
	@mkdir -p .local && $(PYTHON) -m venv --clear .local/audit
	@.local/audit/bin/python $(PIP_INSTALL) -r requirements/audit.txt
	@touch $@

.local/peers/ready: requirements/peers.txt
	@echo "setting up .local/peers: ioos_qc, frictionless, pandas, pandera (0.7 GB)"
	@mkdir -p .local && $(PYTHON) -m venv --clear .local/peers
	@# ioos_qc 3.0.0 comes as source only, and says that it needs Python <=3.11, which leaves out 3.11.1 and all after it.
	@.local/peers/bin/python $(PIP_INSTALL) --no-binary ioos-qc --ignore-requires-python -r requirements/peers.txt
	@touch $@

.local/bench/ready: requirements/bench.txt
	@echo "setting up .local/bench: what the engine is measured beside (1.2 GB)"
	@mkdir -p .local && $(PYTHON) -m venv --clear .local/bench
	@# ioos_qc: as for .local/peers
	@.local/bench/bin/python $(PIP_INSTALL) --no-binary ioos-qc --ignore-requires-python -r requirements/bench.txt
	@touch $@

fuzz: setup ## check 20,000 damaged files with the engine, and its properties with many examples
	@FUZZ=5000 python -m pytest -n 2 tests/engine/test_fuzz.py
	@FUZZ=1 python -m pytest -n 2 -m hypothesis tests/engine

peers: .local/peers/ready ## compare the engine's flags with those of ioos_qc and frictionless
	@PYTHONPATH=functions:. .local/peers/bin/python -m pytest -c /dev/null --rootdir . -p no:cacheprovider -q tests/peers

audit: .venv/editable .local/audit/ready ## known vulnerabilities of the locked packages
	@python -m operations.audit

licences: .venv/editable .local/audit/ready ## docs/licences.md
	@python -m operations.audit licences

sbom: .local/audit/ready ## the bill of materials of what runs in AWS: build/sbom.json (CycloneDX)
	@mkdir -p build && .local/audit/bin/cyclonedx-py requirements --output-reproducible --of JSON -o build/sbom.json \
	  --pyproject pyproject.toml requirements/functions.txt && echo "build/sbom.json"

build: .venv/ready ## the wheel of stream-qc: build/dist
	@python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/dist . && ls build/dist

synth: .venv/editable ## the CloudFormation templates, into cdk.out
	@CDK_OUTDIR=cdk.out python app.py && echo "cdk.out/StreamQC.template.json"

bench: .venv/editable .local/bench/ready ## measure the engine beside the fastest parse and other tools: docs/BENCHMARKS.md (an hour)
	@PYTHONPATH=functions python -m tests.bench

bootstrap: .venv/editable node_modules/.ready ## prepare an AWS account and region for the CDK, once for each
	@$(CDK) bootstrap $(ARGS)

deploy: .venv/editable node_modules/.ready ## deploy to AWS: make deploy ARGS="-c alertEmail=you@example.org"
	@$(CDK) deploy $(ARGS)

destroy: .venv/editable node_modules/.ready ## remove the stack from AWS; the bucket and the tables are kept
	@$(CDK) destroy $(ARGS)

redrive: .venv/editable ## start undelivered uploads and close failed runs: make redrive ARGS="--stack StreamQC"
	@python -m operations.redrive $(ARGS)

reconcile: .venv/editable ## look for lost uploads and unclosed runs now: make reconcile ARGS="--days 29"
	@python -m operations.reconcile $(ARGS)

faults: setup ## every fault in every place of a run, and many interleavings, on the local AWS (half an hour)
	@FAULTS=all python -m pytest -n 2 tests/functions/test_faults.py
	@FAULTS=all python -m pytest -n 3 -rP tests/pipeline/test_faults.py tests/pipeline/test_faults_of_news.py tests/pipeline/test_faults_of_parts.py tests/pipeline/test_faults_of_reruns.py
	@FAULTS=all python -m pytest tests/pipeline/test_interleavings.py

load: setup ## 1,000 uploads at once, 200,000 objects, 100,000 streams on the local AWS; 5 GB through the engine
	@LOAD=all python -m pytest -s tests/pipeline/test_load.py tests/pipeline/test_scale.py
	@python -m tests.big 5_000_000_000
	@python -m tests.big 5_000_000_000 15

lock: .venv/ready ## update requirements/*.txt to the newest versions, with hashes
	@python -m venv .local/lock && .local/lock/bin/python $(PIP_INSTALL) -r requirements/lock.txt
	@cd requirements && for name in functions dev local lock peers bench audit; do ../.local/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header $$name.in -o $$name.txt; done

cost: setup ## what 1,000 uploads cost: requests counted on the local AWS, and AWS's prices
	@python -m tests.cost

clean: ## remove everything that these commands made, including the environments
	rm -rf .venv .local cdk.out node_modules build functions/*.egg-info
