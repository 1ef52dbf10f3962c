# demo: real circuits through a job, from nothing.   test: every check, on the built wheel.
# dev: an editable install in .venv to work in.       bench: the speed ratios of this machine.
# campaign: kills, drawn circuits and hostile users in full, which takes an hour and more.
# interpreters: the unit and contract tests on the oldest and the newest Python that is here.
PYTHON ?= python3
VENV = .venv
TEST := .venv-test-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
PIP = -m pip --disable-pip-version-check --quiet
SHARED = $(TEST)/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
INSTALL = $(TEST)/bin/python tests/installation.py $(TEST)/bin/python

# What is installed is compiled when it is first imported: that must be kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo dev test check bench campaign interpreters interpreter clean

demo: $(VENV)/core.stamp
	@$(VENV)/bin/farshot run --examples --shots 1000 --seed 7 --data-dir .demo

dev: $(VENV)/core.stamp
	$(VENV)/bin/python $(PIP) install --editable '.[aer,postgres,server,dev]'

# Where root runs them on Debian, tests install the services that they need; elsewhere they say what they left out.
SERVICES = if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then \
	tests/services/install.sh && export FARSHOT_REQUIRE_SERVICES=1 || exit 1; \
    fi

# Two processes share the files of tests: most of them wait for others. The short ones come last, in `unit`, so that no
# process is left with a long one. `pytest FILE` runs as ever in one.
test: check
	@$(SERVICES); set -x; $(SHARED)

interpreters:
	@for python in $$($(PYTHON) tests/interpreters.py); do $(MAKE) interpreter PYTHON="$$python" || exit 1; done

interpreter: $(TEST)/wheel.stamp
	$(SHARED) tests/unit tests/contract

check: $(TEST)/wheel.stamp
	$(TEST)/bin/ruff check
	$(TEST)/bin/ruff format --check
	$(TEST)/bin/mypy
	$(TEST)/bin/lint-imports

bench: $(TEST)/wheel.stamp
	$(TEST)/bin/python benchmarks/compare.py
	$(TEST)/bin/python benchmarks/latency.py
	$(TEST)/bin/python benchmarks/service.py

campaign: $(TEST)/wheel.stamp
	@$(SERVICES); set -x; FARSHOT_CAMPAIGN=1 $(TEST)/bin/python -m pytest tests/contract -k drawn_steps
	FARSHOT_CAMPAIGN=1 $(TEST)/bin/python -m pytest tests/acceptance/service/test_schema.py tests/acceptance/test_memory.py \
	    tests/acceptance/divi_programs
	$(TEST)/bin/python benchmarks/faults.py
	$(TEST)/bin/python benchmarks/conformance.py --circuits 10000
	$(TEST)/bin/python benchmarks/service_hostile.py

$(VENV)/core.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) install --editable .
	@touch $@

# To begin with, pip is the one that is there already, or else the one that comes with Python, which takes longer to make.
$(TEST)/dependencies.stamp: pyproject.toml
	$(PYTHON) -m venv --clear --without-pip $(TEST)
	$(PYTHON) $(PIP) --python $(TEST)/bin/python install --no-compile pip "uv>=0.13" || \
	    { $(PYTHON) -m venv --clear $(TEST) && $(TEST)/bin/python $(PIP) install "uv>=0.13"; }
	$(INSTALL) '.[aer,postgres,server,dev]'
	@touch $@

# The package is installed from its wheel, never from the tree: what is tested is what users get.
$(TEST)/wheel.stamp: $(TEST)/dependencies.stamp $(shell find src LICENSE README.md -type f -not -name '*.pyc')
	rm -rf dist
	$(TEST)/bin/python -m build --wheel --no-isolation --outdir dist > dist.log 2>&1 || { cat dist.log; exit 1; }
	$(INSTALL) --no-deps --force-reinstall dist/*.whl
	@touch $@

clean:
	rm -rf $(VENV) .venv-test-* .venv-divi-* .demo dist build dist.log
