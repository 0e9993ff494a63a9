# Everything runs in one environment in the clone; nothing has to be installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Tests start hundreds of processes: each would compile all modules anew where this is set.
unexport PYTHONDONTWRITEBYTECODE

# A few more workers than cores: the desk's tests often wait, for databases and browsers.
WORKERS ?= 3
# Files go to them in their order: by their numbers of tests the few tests of browsers, which take a
# minute, would come last and alone.
PYTEST = -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

OTHER_PYTHON := python3.13
STUDY := tests/test_notebook.py

.PHONY: study test test-all test-other check docs pictures notebook notebook-check demo bench chromium clean

study: $(READY)  ## the main job on the built-in data: durhampulse-study/
	$(BIN)/durhampulse study --out durhampulse-study

test: $(READY) chromium  ## the tests that take minutes
	$(BIN)/python $(PYTEST)

# Coverage is that of all but the slow tests and of a whole study, which alone runs the notebook: tracing
# makes the other slow ones half as slow again.
test-all: $(READY) chromium notebook-check  ## all tests with their coverage, and the notebook
	rm -f .coverage .coverage.*
	$(BIN)/coverage run $(PYTEST) -m "not slow"
	$(BIN)/coverage run -m pytest -m slow $(STUDY) & study=$$!; \
	$(BIN)/python $(PYTEST) -m slow --ignore=$(STUDY); others=$$?; wait $$study && exit $$others
	$(BIN)/coverage combine  # it says how many files could not be read
	$(BIN)/coverage report
	$(MAKE) test-other

test-other:  ## the tests that take minutes, with another Python where there is one
	@if $(OTHER_PYTHON) -c "" 2>/dev/null; then \
	  $(MAKE) test PYTHON=$(OTHER_PYTHON) VENV=.venv-$(OTHER_PYTHON:python%=%); \
	else echo "no $(OTHER_PYTHON) here: the tests ran with one Python only"; fi

check: $(READY)  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(READY)  ## the documentation: site/index.html
	$(BIN)/python tools/reference.py
	$(BIN)/zensical build --clean --strict

pictures: $(READY) chromium  ## take the pictures of README and documentation anew
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/pictures.py

notebook: $(READY)  ## run and rewrite the committed notebook
	$(BIN)/python notebooks/build.py

demo: $(READY)  ## build the desk's simulated model and list anew
	$(BIN)/python demo/build.py

notebook-check: $(READY)
	$(BIN)/python notebooks/build.py --check

bench: $(READY)  ## figures side by side; hours for the long ones, which resume
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks

# The report is tested in a real browser where one can be had; else that test says why not.
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || echo "no Chromium here: the browser test is skipped"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable ".[study,desk,oidc,dask,onnx,otel,mlflow]" --group dev
	touch $@

clean:
	rm -rf .venv .venv-* durhampulse-study site docs/reference .coverage .coverage.*
