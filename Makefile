# Every target sets up what it needs, in an environment of its own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: curve test test-deep lint lowest wheel benchmark notebooks architecture clean

curve: $(READY)  ## draw the main curve from the bundled example
	$(BIN)/asymptotics curve -o curve.svg --force

# A test process for each core; more threads than that would wait for one another.
test test-deep: export OMP_NUM_THREADS = 1

test: $(READY) lint  ## lint, type check and all tests
	$(BIN)/python -m pytest -q -n auto

test-deep: export ASYMPTOTICS_TESTS = deep
test-deep: test  ## the same with ten times as many random examples

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Old libraries warn about the new ones below them, so that warnings are no errors here.  Terminals
# and signals do not depend on them.
lowest: export OMP_NUM_THREADS = 1
lowest:  ## the unit tests with the lowest versions of libraries that pyproject.toml admits
	$(PYTHON) -m venv $(VENV)/lowest
	$(PYTHON) tests/lowest_versions.py > $(VENV)/lowest.txt
	$(VENV)/lowest/bin/python -m pip install --quiet --constraint $(VENV)/lowest.txt \
		'.[dask,data,derive,frames,plot]' pytest pytest-xdist
	$(VENV)/lowest/bin/python -m pytest -q -n auto -p no:cacheprovider \
		-o filterwarnings=default -W ignore -m "not benchmark and not linux" tests/unit

wheel: $(READY)  ## build sdist and wheel, and run the command from the wheel alone
	rm -rf $(VENV)/dist $(VENV)/installed
	$(BIN)/python -m build --outdir $(VENV)/dist . > /dev/null
	$(PYTHON) -m venv $(VENV)/installed
	$(VENV)/installed/bin/python -m pip install --quiet $(VENV)/dist/*.whl
	cd $(VENV)/installed && bin/asymptotics example > spec.toml && \
		bin/asymptotics risk spec.toml | tail -1
	$(VENV)/installed/bin/python -m pip install --quiet "$$(echo $(VENV)/dist/*.whl)[derive]"
	cd $(VENV)/installed && bin/asymptotics derive list | tail -1

benchmark: $(READY)  ## speed and accuracy beside the alternatives, a few minutes
	$(BIN)/python -m pytest -q -s -m benchmark tests/benchmarks

notebooks: $(READY)  ## run the notebooks and keep their output in them
	$(BIN)/jupyter-execute --inplace notebooks/*.ipynb

architecture: $(READY)  ## draw the diagram of imports in CONTRIBUTING.md anew
	$(BIN)/python -m tests.conventions.architecture

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf curve.svg $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache
