# make lab    opens the workbook (installs it first, into .venv)
# make test   everything that must hold: tests, lint, types, notebooks, browser
# make quick  under a minute: lint, and the fast tests of the ground, the methods and lesson 00
# make setup  installs without opening      make data  renders the lessons' audio again
# make book   executed notebooks as HTML    make docs  the package's reference, from its docstrings
# make wheel  builds the wheel, and tries it in a new virtual environment without the repository
# make clean  removes what make made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# make lab PORT=9000 BROWSER=none
PORT ?=
BROWSER ?= default
# An extra place to look for PyTorch; README.md names PyTorch's own index of builds for computers without a GPU.
TORCH_INDEX ?=

PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

# Two processes at once: threads of their own inside would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal
# Parts of tests/ that `make quick` runs, without the tests that bear the mark `slow`.
QUICK := $(addprefix tests/,notebooks ground methods kernels casa sinusoids nmf spatial widgets repository/test_layers.py)

.DELETE_ON_ERROR:
.PHONY: lab setup quick test wheel data book docs clean

lab: setup
	@exec $(BIN)/mss-lab lab $(if $(PORT),--port $(PORT)) $(if $(filter none,$(BROWSER)),--no-browser)

setup: $(VENV)/lessons
	@$(BIN)/mss-lab doctor --files

quick: $(VENV)/tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(PYTEST) -m "not slow and not recordings" $(QUICK)

test: $(VENV)/tests
	@sh tests/system_packages.sh
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PYTEST)

wheel: $(VENV)/python
	TORCH_INDEX=$(TORCH_INDEX) $(BIN)/python tests/wheel/check_wheel.py

data: $(VENV)/tests
	@sh tests/system_packages.sh
	$(BIN)/mss-lab data lessons

book: $(VENV)/lessons
	$(BIN)/mss-lab book

docs: $(VENV)/docs
	rm -rf docs/api
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build/docs
	@echo "build/docs/index.html"

clean:
	rm -rf $(VENV) build docs/api .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mss_lab needs Python 3.11 or newer, got $$($(PYTHON) --version 2>&1); try make lab PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python could not make $(VENV); on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/lessons: $(VENV)/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV): two gigabytes, a few minutes, only this once"
	@$(PIP) --editable '.[scores,render,train]'
	@touch $@

$(VENV)/docs: $(VENV)/lessons
	@$(PIP) --editable '.[scores,render,train,docs]'
	@touch $@

$(VENV)/tests: $(VENV)/lessons
	@$(PIP) --editable '.[scores,render,train,peers,pretrained,dev]'
	@touch $@
