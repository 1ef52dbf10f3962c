import doctest
import importlib

import pytest

MODULES = ("batchfile", "data", "failures", "inputs", "rows", "texts")


@pytest.mark.parametrize("name", MODULES)
def test_what_docstrings_show_is_true(name):
    tried = doctest.testmod(importlib.import_module(f"farshot.cli.{name}"))
    assert tried.attempted
    assert not tried.failed
