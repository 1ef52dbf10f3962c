import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import farshot
from farshot import errors

LIGHT = "import sys, farshot; print(sorted({name.partition('.')[0] for name in sys.modules}))"
DOCUMENTED = [
    name
    for _, name, _ in pkgutil.walk_packages(farshot.__path__, "farshot.")
    if not name.startswith(("farshot.store.migrations", "farshot.integrations.divi.")) and not name.endswith("__main__")
]


def test_the_public_names_are_sorted_and_there():
    assert farshot.__all__ == sorted(farshot.__all__, key=lambda name: (not name[0].isupper(), name))
    assert all(getattr(farshot, name) is not None for name in farshot.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        farshot.nonsense  # noqa: B018 -- the look-up is the point


def test_importing_farshot_loads_nothing_heavy():
    loaded = subprocess.run([sys.executable, "-c", LIGHT], check=True, capture_output=True, text=True).stdout
    for heavy in ("numpy", "prism_q", "sqlalchemy", "alembic", "rich", "typer", "qiskit", "msgspec", "asyncio"):
        assert f"'{heavy}'" not in loaded


def test_every_error_is_in_the_tree_and_drawn():
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert farshot.FarshotError in found
    for kind in found:
        assert issubclass(kind, farshot.FarshotError)
        assert kind.__name__ in errors.__doc__


def test_mistakes_of_the_caller_are_caught_the_usual_way():
    assert issubclass(errors.BatchError, ValueError)
    assert issubclass(errors.OptionError, TypeError)
    assert issubclass(errors.HandleError, ValueError)
    assert issubclass(errors.UnknownJobError, LookupError)
    assert issubclass(errors.PollingTimeoutError, TimeoutError)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
