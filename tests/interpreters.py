"""Prints the oldest and the newest Python of this machine that the project supports, but for the one that runs this.

Each is the path of an interpreter; `make interpreters` runs the unit and the contract tests on them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
_VERSION = "import json, sys; print(json.dumps([*sys.version_info[:2], sys.implementation.name]))"


def folders():
    """Return where interpreters may be: those of the search path, and the versions that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return [*map(Path, os.environ.get("PATH", "").split(os.pathsep)), *sorted(kept.glob("*/bin"))]


def version(python):
    """Return the version of an interpreter; None where it does not start, or is no CPython."""
    try:
        asked = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    *numbers, name = json.loads(asked.stdout)
    return tuple(numbers) if name == "cpython" else None


def interpreters(minors=range(OLDEST[1], 30)):
    """Return the first interpreter that starts of each version."""
    found = {}
    for minor in minors:
        names = (folder / f"python3.{minor}" for folder in folders())
        started = (name for name in names if name.is_file() and version(name) == (3, minor))
        if first := next(started, None):
            found[3, minor] = first
    return found


def ends(found, running):
    """Return the oldest and the newest of `found` that are not `running`."""
    if not found:
        return []
    return [found[wanted] for wanted in sorted({min(found), max(found)} - {running})]


if __name__ == "__main__":
    for path in ends(interpreters(), sys.version_info[:2]):
        sys.stdout.write(f"{path}\n")
