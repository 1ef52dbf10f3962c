import os
import subprocess
import sys

import pytest


class Python:
    """Runs Python text as a user would: another process, another working folder, a store of its own."""

    def __init__(self, folder):
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FARSHOT", "PYTHON"))}
        own = {"FARSHOT_DATA_DIR": str(folder / "data"), "FARSHOT_CONFIG_DIR": str(folder / "config")}
        self.environment = {**kept, **own}

    def start(self, *arguments, **options):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment, **streams, **options
        )

    def run(self, *arguments, text=None, timeout=300):
        process = self.start(*arguments, stdin=subprocess.PIPE)
        out, err = process.communicate(text, timeout=timeout)
        assert process.returncode == 0, f"{out}\n{err}"
        return out

    def script(self, text, *arguments):
        path = self.folder / "script.py"
        path.write_text(text, encoding="utf-8")
        return self.run(str(path), *arguments)


@pytest.fixture
def python(tmp_path):
    return Python(tmp_path)
