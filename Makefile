# Two commands do everything on a fresh machine: `make demo` and `make test`. Both set up .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint tests docs ablations clean

setup: .venv/.installed

# torch first and pinned: the package itself asks only for torch>=2.9, which by default may fetch gigabytes of CUDA.
.venv/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# Trains TRM and HRM on 4x4 Sudoku from scratch, evaluates both on unseen puzzles, solves one and shows how.
demo: setup
	$(BIN)/ponderling demo

test: setup lint tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/hadolint Dockerfile

# A process for each core, with one thread each: many small networks, and two threads for each of two processes would contend.
tests: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

# The documentation's site, in build/site. A link or picture that leads nowhere fails it.
docs: setup
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/python dev/build_docs.py

# The table of docs/how-it-works.md: every ablation, three seeds. About an hour on two cores.
ablations: setup
	$(BIN)/python benchmarks/ablations.py

clean:
	rm -rf .venv build dist .cache src/*.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
