# The two commands of the README are `make demo` and `make test`; both do all their own set-up.
# uv is used where it is installed; python3 with venv and pip otherwise.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
STAMP := $(VENV)/.installed

.PHONY: demo test walk fast lint types bench soak snapshots screenshot lock clean

demo: $(STAMP)
	@$(BIN)/ecotui demo

test: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n 4 --dist loadgroup --no-loadscope-reorder

# The demo by keys: leftovers deleted through a kill of everything; the apply step from collisions through an interrupt to 13
# Ready nodes. Four minutes, mostly terraform's.
walk: $(STAMP)
	@$(BIN)/pytest -m walk

bench: $(STAMP)
	@PYTHONPATH=tests $(BIN)/python -m tests.bench

# Kill, cut and fill at random moments, and see whether the session log still tells the truth.
soak: $(STAMP)
	@PYTHONPATH=tests $(BIN)/python -m tests.soak

lint: $(STAMP)
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

types: $(STAMP)
	@$(BIN)/mypy && $(BIN)/lint-imports

# Look at what changed before it is committed.
snapshots: $(STAMP)
	@$(BIN)/pytest -n 2 -q tests -k snapshot --snapshot-update

screenshot: $(STAMP)
	@$(BIN)/python docs/screenshots.py

# The lock names no index: the same file serves any mirror.
lock: $(STAMP)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra dev --extra demo pyproject.toml -o requirements.lock

# The stamp is written last: an installation that broke off is done again.
$(STAMP): requirements.lock pyproject.toml
ifneq ($(UV),)
	@test -x $(BIN)/python || $(UV) venv --quiet $(if $(filter file,$(origin PYTHON)),,--python $(PYTHON)) $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
else
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ecotui needs Python 3.11 or newer. Name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	@touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
