# make demo | test | lab   the three commands of the README; the first call of any of them sets up .venv
PYTHON      ?= python3
VENV        ?= .venv
EXTRAS      ?= notebook,dev
# For JupyterLab, e.g. make lab LAB_ARGS='--no-browser --port=8889'
LAB_ARGS    ?=
# For pytest, e.g. make test TEST_ARGS='tests/layers -n 0 --pdb'. -n 0 runs all tests in one process.
TEST_ARGS   ?=
CONSTRAINTS := tests/constraints.txt
PY          := $(VENV)/bin/python
# uv is used where it is installed (UV= turns it off); pip otherwise. uv does not read pip.conf.
UV          ?= $(shell command -v uv 2>/dev/null)
# What the environment is made from: a change in any of them sets it up again.
INPUTS      := pyproject.toml $(CONSTRAINTS) $(wildcard widgets/hatch_build.py widgets/js/*.json) \
               $(shell find widgets/js/src -type f 2>/dev/null)

.PHONY: demo test gpu lab lint js proto docs lock clean
demo: $(VENV)/.ready
	$(PY) -m owlkit.cli.main demo

test: $(VENV)/.ready
	$(PY) -m pytest -n logical --maxprocesses=4 $(TEST_ARGS)

# On a machine with a GPU (EXTRAS=notebook,dev,gpu at its first call): the basics, then the rest of tests/gpu.
# Without one, on imagined GPUs beneath CuPy: make gpu IMAGINED=lazy (or eager, or random:1 and other seeds).
gpu: PYTEST := $(if $(IMAGINED),OWLKIT_IMAGINED_GPU=$(IMAGINED)) $(PY) -m pytest
gpu: $(VENV)/.ready
	$(PYTEST) tests/gpu/test_basics.py -x -q -s
	$(PYTEST) tests/gpu -q -n logical --maxprocesses=8 --dist worksteal $(TEST_ARGS)

# Its settings add to your own: no question about news at the first start.
lab: $(VENV)/.ready
	JUPYTER_CONFIG_PATH="$(CURDIR)/notebooks/.jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
	  $(PY) -m jupyterlab --notebook-dir=notebooks $(LAB_ARGS)

lint: $(VENV)/.ready
	@status=0; for tool in "ruff check ." "ruff format --check ." mypy; do \
	  echo "$$tool"; $(PY) -m $$tool || status=1; done; exit $$status

$(VENV)/.ready: $(INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "owlkit needs Python 3.11 or newer; this is `$(PYTHON) --version`. Name another: make PYTHON=python3.12 ..."; exit 1; }
ifneq ($(UV),)
	test -x $(PY) || $(UV) venv -q --python $(PYTHON) $(VENV)
	$(UV) pip install -q --python $(PY) -c $(CONSTRAINTS) -e '.[$(EXTRAS)]'
else
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "python -m venv failed (Debian: apt install python3-venv; or install uv)"; exit 1; }
	@echo "Installing owlkit and what it needs into $(VENV) (the first time: a minute or two) ..."
	@$(PY) -m pip install -q --disable-pip-version-check -c $(CONSTRAINTS) -e '.[$(EXTRAS)]'
endif
	@touch $@

js: $(VENV)/.ready
	$(PY) widgets/hatch_build.py

# The committed caffe_pb2 from caffe.proto; a test compares the two.
proto: $(VENV)/.ready
	$(PY) -m owlkit.proto.generate

# docs/layers from the docstrings, the schema and the examples; a test compares.
docs: $(VENV)/.ready
	$(PY) -m docs.make_layers

# Versions only: no address of a package index gets into the file.
lock: $(VENV)/.ready
	$(PY) -m pip install -q --disable-pip-version-check uv
	$(PY) -m uv pip compile -q pyproject.toml --python $(PY) --universal --python-version 3.11 \
	  --all-extras --strip-extras --no-annotate --no-header --no-emit-index-url --upgrade -o $(CONSTRAINTS)
	! grep -nE '://' $(CONSTRAINTS)

clean:
	rm -rf $(VENV) dist build widgets/js/node_modules widgets/owlkit_widgets/static
