# make demo   the main job on the reference target, from a bare machine: a report in three minutes
# make test   all tests, unit and integration, JOBS=2 files at a time, the long ones first; those that judge speed alone
# make lint   ruff and mypy
# make matrix each weakness of the reference target against the checks that should see it; goes on where it was ended
# make kill-rate  good backups and every damage to them against the verifier; goes on where it was ended
# make bench  one table of ratios, each measured side by side
VENV   := .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
DEMO   ?= scenarios/bad-day.py
JOBS   ?= 2
READY  := $(VENV)/.ready

.PHONY: setup demo test lint matrix kill-rate bench clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; give one: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-virtualenv -r requirements.lock
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup
	@$(VENV)/bin/harness run $(DEMO)

test: setup
	@$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not alone"
	@$(VENV)/bin/python -m pytest -m alone tests/integration

lint: setup
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

matrix: setup
	@$(VENV)/bin/harness matrix

kill-rate: setup
	@$(VENV)/bin/harness backup kill-rate

bench: setup
	@$(VENV)/bin/python -m benchmarks

clean:
	rm -rf $(VENV) build *.egg-info
