"""Environments in which a release of Divi is installed beside the project: they exclude each other, and it is large.

They are made in the project's folder where they are missing. FARSHOT_TEST_DIVI names another place that they begin
with, such as `/tmp/divi-`.
"""

import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from installation import install

ROOT = Path(__file__).parents[1]
VERSIONS = ("0.15.1", "0.12.1")


@cache
def interpreter(version):
    """Return the interpreter of the environment of one release, with the project as it is now."""
    given = os.environ.get("FARSHOT_TEST_DIVI")
    python = Path(f"{given or ROOT / '.venv-divi-'}{version}") / "bin" / "python"
    if given is None:
        with _alone(version):
            _make(python, version)
    return python


@contextmanager
def _alone(version):
    """Have other processes that run tests wait."""
    with (ROOT / f".venv-divi-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(python, version):
    """Divi is installed once; the project from its wheel, where that is another than last time."""
    folder = python.parents[1]
    wheels = sorted((ROOT / "dist").glob("farshot-*.whl"))
    project, built = wheels[-1] if wheels else ROOT, folder / "project.stamp"
    if not (folder / "divi.stamp").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)
        install(python, str(project), f"qoro-divi=={version}", "pytest>=9.2")
        (folder / "divi.stamp").touch()
    made = str(project.stat().st_mtime_ns)
    if not wheels or not built.exists() or built.read_text(encoding="utf-8") != made:
        install(python, "--no-deps", "--force-reinstall", str(project))
        built.write_text(made, encoding="utf-8")
