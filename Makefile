# Everything a newcomer needs: `make demo` and `make test`. Only python3.11+, venv, pip and git are expected.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEMO   ?= build/demo
# one more than there are cores: much of what takes long waits for servers
JOBS   ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 4)))
export COPYDESK_STUDIO_ENV ?= $(CURDIR)/.label-studio

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types bench docs lock clean

help:  ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

install: $(STAMP)  ## Make the environment from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "copydesk needs Python 3.11 to 3.13; name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Making the environment in $(VENV): about two minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## Run the main job on the sample articles: from articles to a released dataset (KEEP=1 leaves Label Studio running)
	$(BIN)/copydesk demo $(DEMO) $(if $(KEEP),--keep-studio) $(ARGS)

test: lint types  ## Run lint, strict types, the layout check and every test (JOBS=0: in one process; ARGS for pytest)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP)  ## Check style and layout of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## Check the types, strictly
	$(BIN)/mypy schemas corpus annotate export cli

bench: $(STAMP)  ## Run every benchmark's quick form; NAME=suggest DATA=path for one
	$(BIN)/python -m benchmarks $(or $(NAME),all) $(if $(DATA),--data $(DATA)) $(if $(FULL),,--quick)

docs: $(STAMP)  ## Write the generated parts of the documentation anew
	$(BIN)/python docs/generate.py

lock:  ## Resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --group dev --generate-hashes --python-version 3.11 --no-header --no-annotate -o requirements.lock

clean:  ## Remove everything that was made, environments included
	rm -rf $(VENV) .label-studio build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
