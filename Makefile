# Each target is one line of intent; `make help` prints them. `make book` and `make test` are all that a newcomer needs.
SHELL := /bin/sh
.DEFAULT_GOAL := help

KIND ?= cpu
VENV := $(if $(filter cu112,$(KIND)),.venv-cu112,.venv)
PYTHON_IN := $(VENV)/bin/python
UV ?= uv

# Tests run side by side, each with a thread of its own; what shares something costly stays together: see tests/conftest.py.
TESTS := OMP_NUM_THREADS=1 $(PYTHON_IN) -m pytest -n auto --dist loadgroup --no-loadscope-reorder

# Texts are UTF-8, whatever the locale says; and variables of Python that point at other packages, drop docstrings, or make it talk.
export PYTHONUTF8 := 1
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONINSPECT PYTHONOPTIMIZE PYTHONVERBOSE PYTHONDEVMODE

.PHONY: help setup book slides pdf bundle test quick coverage faults real check lab notebooks doctor bench lock report times clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the locked environment (KIND=cu112 for GPUs); the other targets do it when it is missing
	@sh scripts/setup.sh $(KIND)

book: setup ## execute every chapter that is not fresh, build the site, say where it lies
	@$(PYTHON_IN) -m gluonbook.book build

slides: setup ## build the book, and say where the slides of each chapter are
	@$(PYTHON_IN) -m gluonbook.book slides

pdf: setup ## build the book, and print all of it as one PDF (needs Chromium)
	@$(PYTHON_IN) -m gluonbook.book pdf

bundle: setup ## build the book, and pack it with notebooks, packages and data for a workshop without a network
	@$(PYTHON_IN) -m gluonbook.book bundle

test: setup ## run all tests, the chapters included
	@$(TESTS)

quick: setup ## run the tests that take no time, for whoever is writing a chapter
	@$(TESTS) -m "not slow"

coverage: setup ## run all tests, and say which lines of the package none of them has run
	@$(TESTS) --cov --cov-report=term-missing:skip-covered

faults: setup ## run the fault tests with all their repetitions: killed ranks, full disks, restarted kernels, odd names
	@GLUONBOOK_FAULTS=full $(PYTHON_IN) -m pytest tests/machine tests/storage tests/checkpoint tests/rank tests/launch tests/kvstore tests/gossip tests/decoupled tests/book/test_folder_names.py

real: setup ## execute all chapters that are about MNIST and CIFAR-10 on a part of them
	@GLUONBOOK_REAL=all $(PYTHON_IN) -m pytest tests/book/test_real_data.py

check: setup ## look at style and types: ruff, mypy, codespell, and that every chapter survives the way to a notebook and back
	@PATH="$$PWD/$(VENV)/bin:$$PATH" $(PYTHON_IN) -m pre_commit run --all-files

notebooks: setup ## write the chapters as .ipynb files to notebooks/, paired with their text
	@$(PYTHON_IN) -m gluonbook.book notebooks

report: setup ## write which chapters have run in this profile, where, how long, and what each claim has measured
	@$(PYTHON_IN) -m gluonbook.book report

times: setup ## keep with the book what has run on this machine; the doctor tells newcomers the times
	@$(PYTHON_IN) -m gluonbook.book times

lab: setup ## open JupyterLab on the notebooks; what is saved there flows back into chapters/
	@$(PYTHON_IN) -m gluonbook.book lab

doctor: setup ## look at this machine, and say what each chapter will need
	@$(PYTHON_IN) -m gluonbook doctor

bench: setup ## measure kernels, steps and exchanges against their peers, in one run, and keep the ratios in benchmarks/results
	@$(PYTHON_IN) -m gluonbook bench

lock: ## resolve the environments anew (needs uv)
	@sh scripts/lock.sh $(UV)

clean: ## remove what was built and executed, but not the environment or the data
	rm -rf _build notebooks
