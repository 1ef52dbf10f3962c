"""What the README and the pages of `docs/` show works as it is printed, block after block, in a clone.

What installs is not repeated: `.venv` of the clone holds what the tests themselves run with. Ports are others than
those that are printed, so that several tests may run at a time. The programs of Divi have tests of their own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from serving import free_port

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BASH = shutil.which("bash") or "/bin/bash"
SERVES = re.compile(r"serves at (http\S+)")
PYTHON = """
import json, os, sys
space = {"__name__": "__main__"}
for line in sys.stdin:
    environment, program = json.loads(line)
    os.environ.update(environment)
    exec(program, space)
    print(chr(0), flush=True)
"""
COPIED = ("src", "Makefile", "pyproject.toml", "README.md", "LICENSE")
ELSEWHERE = {"divi-programs.md", "from-divi.md"}
"""Pages whose programs need environments of Divi, where other tests run them."""
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in ELSEWHERE)]


def blocks(page):
    """Return the language and the text of each block of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


class Clone:
    """A copy of the repository, and the shells of somebody who types what a page shows."""

    def __init__(self, folder):
        self.folder = folder / "clone"
        self.port = str(free_port())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FARSHOT", "PYTHON", "MAKE"))}
        own = {"FARSHOT_DATA_DIR": str(folder / "data"), "FARSHOT_CONFIG_DIR": str(folder / "config")}
        own["FARSHOT_SERVER_PORT"] = self.port
        self.environment = {**kept, **own}
        self.served = None
        self.python = None
        self.logs = []
        self._copy()

    def _copy(self):
        self.folder.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, self.folder / name)
        venv = self.folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        packages = next(venv.glob("lib/*/site-packages"))
        (packages / "tests.pth").write_text(f"{self.folder / 'src'}\n{sysconfig.get_path('purelib')}\n")
        program = venv / "bin" / "farshot"
        program.write_text(f"#!{venv}/bin/python\nfrom farshot.cli import main\nmain()\n")
        program.chmod(0o755)
        (venv / "core.stamp").touch()
        self.environment["PATH"] = f"{venv / 'bin'}:{self.environment['PATH']}"

    def _log(self, name):
        """Return a file to write to, which is closed with the clone."""
        self.logs.append((self.folder / name).open("ab"))
        return self.logs[-1]

    def run(self, language, text):
        """Run one block in the way of its language, and return what it printed."""
        text = text.replace("8080", self.port)
        if language == "sh" and text.startswith("farshot serve"):
            return self.serve(text)
        return {"sh": self.shell, "python": self.program, "toml": self.settings}[language](text)

    def shell(self, text):
        """Run commands, and keep what they put into the environment."""
        kept = self.folder / "environment"
        ran = subprocess.run(
            [BASH, "-ec", f"{text}\nenv -0 > {kept}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
        self.environment = dict(pair.split("=", 1) for pair in kept.read_text().split("\0") if pair)
        return ran.stdout

    def serve(self, text):
        """Start a service in a shell of its own, in place of the one before."""
        self.stop_serving()
        self.served = subprocess.Popen(
            [BASH, "-ec", f"exec {text}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self._log("serve.log"),
            text=True,
            start_new_session=True,
        )
        printed = ""
        for line in self.served.stdout:
            printed += line
            if SERVES.search(line):
                return printed
        raise AssertionError(printed + (self.folder / "serve.log").read_text())

    def program(self, text):
        """Run Python in the one interpreter of the page."""
        if self.python is None:
            self.python = subprocess.Popen(
                [str(self.folder / ".venv/bin/python"), "-c", PYTHON],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log("python.log"),
                text=True,
            )
        changed = {name: value for name, value in self.environment.items() if name != "_"}
        self.python.stdin.write(json.dumps([changed, text]) + "\n")
        self.python.stdin.flush()
        printed = ""
        for line in self.python.stdout:
            if line == "\0\n":
                return printed
            printed += line
        raise AssertionError(text + (self.folder / "python.log").read_text())

    def settings(self, text):
        """Write a file of settings."""
        assert tomllib.loads(text)
        (self.folder / "farshot.toml").write_text(text)
        return ""

    def stop_serving(self):
        if self.served is not None:
            os.killpg(self.served.pid, signal.SIGTERM)
            self.served.communicate()

    def close(self):
        self.stop_serving()
        if self.python is not None:
            self.python.communicate()
        for log in self.logs:
            log.close()


@pytest.fixture
def clone(tmp_path):
    clone = Clone(tmp_path)
    yield clone
    clone.close()


def test_the_pages_are_those_that_have_blocks():
    shown = {page.name for page in ROOT.joinpath("docs").rglob("*.md") if blocks(page)}
    assert shown == {"service.md", *ELSEWHERE}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_every_block_works_as_printed_in_order(clone, page):
    for language, text in blocks(page):
        printed = clone.run(language, text)
        for promised in re.findall(r"# (\{.*\}|True)$", text, re.MULTILINE):
            assert promised in printed
