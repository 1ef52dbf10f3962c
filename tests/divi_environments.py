"""Environments in which a release of Divi is installed beside the project: they exclude each other, and it is large.

They are made in the project's folder where they are missing. FARSHOT_TEST_DIVI names another place that they begin
with, such as `/tmp/divi-`.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("0.15.1", "0.12.1")
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install")


@cache
def interpreter(version):
    """Return the interpreter of the environment of one release, with the project as it is now."""
    given = os.environ.get("FARSHOT_TEST_DIVI")
    python = Path(f"{given or ROOT / '.venv-divi-'}{version}") / "bin" / "python"
    if given is None:
        _make(python, version)
    return python


def _make(python, version):
    """Divi is installed once; the project, from its wheel, every time."""
    done = python.parents[1] / "divi.stamp"
    if not done.exists():
        _run(sys.executable, "-m", "venv", "--clear", str(python.parents[1]))
        _run(str(python), *_PIP, str(ROOT), f"qoro-divi=={version}", "pytest>=9.2")
        done.touch()
    wheels = sorted((ROOT / "dist").glob("farshot-*.whl"))
    _run(str(python), *_PIP, "--no-deps", "--force-reinstall", str(wheels[-1] if wheels else ROOT))


def _run(*command):
    subprocess.run(command, check=True, cwd=ROOT)
