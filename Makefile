# Every command of this repository. `make help` lists them; each one makes what it needs first.
SHELL := /bin/bash
# Before 3.82 (macOS) make passes this over: there a recipe must say itself what it relies on.
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The Python that the environment is made with; everything else runs in the environment.
PYTHON ?= python3
# The demo's data: CLINC150's folder, or nothing for the sample data in examples/intents.
DATA ?=

# A module is found where it is meant to be, and never in the current folder by accident (operator/ has the name of a standard module).
export PYTHONSAFEPATH := 1
export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)
export PYTHONDONTWRITEBYTECODE := 1

CLUSTER := $(PYTHON) -m hack.cluster
RUN := .venv/bin/python -m
LEVELS := unit integration e2e
# Side by side on 2 cores; the integration tests mostly wait, each worker on an API server of its own.
unit_OPTIONS := --numprocesses 2
integration_OPTIONS := --numprocesses 2 --dist loadfile
# Minutes long, so each test says what it is doing.
e2e_OPTIONS := --verbose --capture=tee-sys
LINE = @printf '\n\033[1m▶ %s\033[0m\n'
# Below build there are read-only folders, as of published models: rm alone would fail in them.
REMOVE = chmod -R u+rwX $(1) 2>/dev/null || true; rm -rf $(1)
# What has to be possible on this machine beside `make demo`: an option of hack.cluster preflight.
ALSO :=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1mmake %-12s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##——— The two that most people want

.PHONY: demo
demo: preflight .venv/made-of ## Set everything up on this machine and tell the whole story on a real cluster (DATA=folder: CLINC150)
	@$(RUN) hack.demo $(if $(DATA),--data '$(DATA)')

.PHONY: test
test: ALSO := --tests
test: preflight ## Lint, then every level of tests, from unit to a real cluster
	@$(call REMOVE,build/test)
	@$(MAKE) --no-print-directory lint $(LEVELS)
	$(LINE) 'all levels'
	@for level in $(LEVELS); do printf '%-12s %s\n' $$level "$$(tail -n 1 build/test/$$level.log)"; done

##——— Parts of `make test`

.PHONY: lint
lint: .venv/made-of ## Ruff, strict types, layers
	$(LINE) 'lint'
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@$(RUN) mypy
	@$(RUN) mypy hack bench
	@.venv/bin/lint-imports

.PHONY: $(LEVELS)
unit: .venv/made-of ## Pure tests: seconds, nothing is started
integration: .venv/made-of ## The operator against a real API server (the tests play Job controller and kubelet); containers and tools as processes
e2e: preflight .venv/made-of ## The demo's story and more, on a kind cluster of the suite's own
$(LEVELS):
	$(LINE) '$@ tests'
	@mkdir -p build/test
	@$(call REMOVE,build/test/tmp-$@)
	@set -o pipefail; $(RUN) pytest $($@_OPTIONS) --basetemp build/test/tmp-$@ tests/$@ 2>&1 | tee build/test/$@.log

##——— Speed and size

.PHONY: bench
bench: .venv/made-of ## Speed and size, held against their targets (docs/performance.md); BENCH=--small: only whether it runs
	@$(RUN) bench $(BENCH)

.PHONY: error-rates
error-rates: .venv/made-of ## Simulate how often the gates decide wrongly, and write it into docs/error-rates.md
	@$(RUN) bench.error_rates

##——— Parts of `make demo`

.PHONY: preflight
preflight: # Say in one sentence what cannot work on this machine, before anything is begun
	@$(CLUSTER) preflight $(ALSO)

.PHONY: images
images: preflight ## Build the three container images
	@$(CLUSTER) build-image operator measure trainer

.PHONY: manifests
manifests: ## Render manifests/install.yaml from its parts
	@kubectl="$$($(CLUSTER) kubectl)" && \
	rendered="$$("$$kubectl" kustomize manifests/cluster)" && \
	printf '%s\n' '# Rendered from manifests/cluster by `make manifests`. Do not edit: change that, and render again.' "$$rendered" \
		> manifests/install.yaml

##——— Afterwards

.PHONY: down
down: ## Remove the clusters and stop the container engine; what was built stays, the next start takes seconds
	@$(CLUSTER) down

.PHONY: clean
clean: ## Remove everything that was made here and on this machine, and nothing else
	@$(CLUSTER) clean
	@$(call REMOVE,build)
	@if [ -e .venv/made-of ]; then rm -rf .venv; fi
	@rm -rf .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# Not compared by time: the script knows by digest whether there is anything to do.
.PHONY: .venv/made-of
.venv/made-of:
	@$(PYTHON) -m hack.venv
