# Names for the commands people use. Each can be typed by hand after `. .venv/bin/activate`.
SHELL := bash
PYTHON ?= python3
# requirements.lock or requirements-gpu.txt
REQUIREMENTS ?= requirements.lock
# The lock names everything there is to install.
WHOLE := $(if $(filter requirements.lock,$(REQUIREMENTS)),--no-deps)
# A revision to compare with; like GRID it reaches the command through the environment, never as part of it.
export BASE ?= origin/main
# What people try first on their own photos: six trainings.
export GRID ?= learning_rate=0.0002,0.0004,0.0008 loss=label_distribution,mse
# Quick on a processor; the other settings are those of params.yaml.
DEMO := data_path=data/demo image_size=64 weights=random epochs=14 batch_size=16 learning_rate=0.001
# Taken as they are written: what stands behind `make` is a macro otherwise, and a $(shell ...) in it would run.
override BASE := $(value BASE)
override GRID := $(value GRID)
override SETTINGS := $(value SETTINGS)
override NAME := $(value NAME)
export SETTINGS NAME

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

# DVC saves an experiment as a Git commit, which needs a name; a machine without one gets this one.
ifeq ($(shell git config user.email 2>/dev/null),)
export GIT_AUTHOR_NAME ?= shopper-age
export GIT_AUTHOR_EMAIL ?= shopper-age@localhost
export GIT_COMMITTER_NAME ?= shopper-age
export GIT_COMMITTER_EMAIL ?= shopper-age@localhost
endif

# Without what DVC says of results that a first run cannot have yet.
WITHOUT_CHATTER = 2> >(grep --line-buffered -v 'No file hash info found' >&2)

.PHONY: help env lock demo repro result test test-fast lint format app ui send-log promote \
        pull experiment sweep push report comment keep-experiment keep-commit

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

env: .venv/.complete ## the Python environment in .venv
.venv/.complete: $(REQUIREMENTS) requirements.lock requirements-jax.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is `$(PYTHON) --version`. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	@# uv takes seconds where pip takes minutes; pip knows package mirrors from its own configuration
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@# the constraint holds requirements-gpu.txt to the versions and hashes of the lock;
	@# where Python may not save bytecode, every start would compile the libraries anew: twice as slow
	.venv/bin/uv pip install --quiet $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode) --python .venv \
	    $(WHOLE) --constraint requirements.lock -r $(REQUIREMENTS) || \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check $(WHOLE) -r $(REQUIREMENTS)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@# for the tests of Keras's other backend, out of sight of Keras on TensorFlow
	.venv/bin/uv pip install --quiet --no-deps --target .venv/jax -r requirements-jax.txt || \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target .venv/jax -r requirements-jax.txt
	@mkdir -p data/faces
	@touch $@

lock: env ## requirements.lock anew after an edit of requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-emit-package shopper-age --custom-compile-command "make lock" requirements.txt --output-file requirements.lock

# In demo/, a project of its own beside the files that people commit.
demo: env ## drawn faces through the whole pipeline, with a small model, and the result, all in demo/
	@mkdir -p demo/data
	@rm -rf demo/src demo/stages
	@cp -R src stages .dvcignore dvc.yaml demo
	@cp data/dvc.yaml demo/data
	@sed $(foreach setting,$(DEMO),-e 's|^$(firstword $(subst =, ,$(setting))): .*|$(subst =,: ,$(setting))|') params.yaml > demo/params.yaml
	@test -d demo/.dvc/plots || (cd demo && (test -d .dvc || dvc init --quiet --no-scm) && \
	  dvc config core.analytics false && dvc config plots.html_template plots/page.html)
	@mkdir -p demo/.dvc && cp -R .dvc/plots demo/.dvc
	cd demo && dvc repro $(WITHOUT_CHATTER)
	@cd demo && shopper-age result
	@echo "The report is demo/reports/evaluate/report.md; nothing outside demo/ has changed, delete it as you like."
	@echo "Your own photos: put them into data/faces/final_files, list them in data/faces/labels.csv, then 'make repro'."

repro: env ## the pipeline on your photos: dvc repro
	dvc repro

experiment: env ## the pipeline with other settings: make experiment SETTINGS="epochs=20 loss=ordinal"
	@set -f; set --; for setting in $$SETTINGS; do set -- "$$@" --set-param "$$setting"; done; dvc exp run $${NAME:+--name "$$NAME"} "$$@"

sweep: env ## every combination, best first: make sweep GRID="learning_rate=0.0002,0.0004 epochs=5,10"
	@set -f; shopper-age sweep $$GRID

result: env ## the metrics of the last evaluation
	@shopper-age result

app: env ## a page to try the model on a photo, on http://localhost:8000
	@shopper-age serve

ui: env ## MLflow's pages on this machine; it prints their address, or the server's
	@shopper-age ui

pull: env ## photos and finished results from the DVC remote
	dvc pull --run-cache --allow-missing --force

push: env ## photos, results and the record of what was run to the DVC remote
	dvc push --run-cache

report: env ## training-report.md: the workspace against BASE, origin/main unless given
	@shopper-age report -- "$$BASE"

comment: env ## training-comment.md: the model's verdicts and that report, without pictures
	@shopper-age comment

keep-experiment: env ## sends the experiment NAME to origin, without a commit on the branch
	dvc exp push origin "$$NAME"

keep-commit: env ## commits results and settings on the branch and pushes it
	git add --all -- dvc.lock params.yaml reports
	git commit --quiet --message "Train $$NAME"
	git push origin "HEAD:$${GITHUB_REF:-$$(git symbolic-ref HEAD)}"

promote: env ## registers the model in MLflow; it becomes the champion if it is really better
	shopper-age promote

send-log: env ## sends to MLflow what could not be logged before
	shopper-age send-log

test: env lint ## lint and all tests
	pytest -n logical --dist loadfile --no-loadscope-reorder

test-fast: env ## the tests that take seconds
	pytest -n logical --dist loadfile --no-loadscope-reorder -m "not pipeline"

lint: env ## ruff, mypy and who may import whom
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: env ## formats the code
	ruff check --fix .
	ruff format .
