"""What the README and the pages of `docs/` show works as it is printed, block after block, in a clone.

What installs is not repeated: `.venv` of the clone holds what the tests themselves run with. Ports are others than
those that are printed, so that several tests may run at a time. Programs of Divi run in each release they are for.
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

from divi_environments import VERSIONS, interpreter
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
OF_DIVI = {"divi-programs.md", "from-divi.md"}
"""Pages whose programs run in an environment of each release of Divi."""
RELEASES = re.compile(r"# Divi (0\.\d+(?: and 0\.\d+)*)")
"""How a program begins that is for some releases only."""
PROMISED = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
"""What a program says that it prints."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page):
    """Return the language and the text of each block of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


class Interpreter:
    """Somebody's Python, into which the programs of a page are typed one after the other."""

    def __init__(self, python, folder, environment, log):
        self.log = log
        self.process = subprocess.Popen(
            [python, "-c", PYTHON],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def run(self, text, environment):
        """Run a program with what the shells have put into the environment since."""
        changed = {name: value for name, value in environment.items() if name != "_"}
        self.process.stdin.write(json.dumps([changed, text]) + "\n")
        self.process.stdin.flush()
        printed = ""
        for line in self.process.stdout:
            if line == "\0\n":
                return printed
            printed += line
        raise AssertionError(text + Path(self.log.name).read_text())

    def close(self):
        self.process.communicate()


class Clone:
    """A copy of the repository, and the shells of somebody who types what a page shows."""

    def __init__(self, folder, page):
        self.folder = folder / "clone"
        self.page = page
        self.port = str(free_port())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FARSHOT", "PYTHON", "MAKE"))}
        own = {"FARSHOT_DATA_DIR": str(folder / "data"), "FARSHOT_CONFIG_DIR": str(folder / "config")}
        own["FARSHOT_SERVER_PORT"] = self.port
        self.environment = {**kept, **own}
        self.served = None
        self.logs = []
        self._copy()
        self.interpreters = {}

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
        """Run one block in the way of its language, and return what it printed wherever it ran."""
        text = text.replace("8080", self.port)
        if language == "python":
            return [self.interpreter(name).run(text, self.environment) for name in self.releases(text)]
        if language == "sh" and text.startswith("farshot serve"):
            return [self.serve(text)]
        return [{"sh": self.shell, "toml": self.settings}[language](text)]

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

    def releases(self, text):
        """Return the releases of Divi in which a program runs; None stands for a page that is not of Divi."""
        if self.page.name not in OF_DIVI:
            return [None]
        named = RELEASES.match(text)
        return [version for version in VERSIONS if named is None or version.rpartition(".")[0] in named[1]]

    def interpreter(self, release):
        """Return the one interpreter of the page, or that of a release of Divi."""
        if release not in self.interpreters:
            python = interpreter(release) if release else self.folder / ".venv/bin/python"
            log = self._log(f"python{release or ''}.log")
            self.interpreters[release] = Interpreter(str(python), self.folder, self.environment, log)
        return self.interpreters[release]

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
        for python in self.interpreters.values():
            python.close()
        for log in self.logs:
            log.close()


@pytest.fixture
def clone(tmp_path, page):
    clone = Clone(tmp_path, page)
    yield clone
    clone.close()


def test_every_fence_of_a_page_is_one_of_a_block():
    for page in PAGES:
        assert page.read_text(encoding="utf-8").count("```") == 2 * len(blocks(page)), page.name


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_every_block_works_as_printed_in_order(clone, page):
    for language, text in blocks(page):
        outputs = clone.run(language, text)
        for promised in PROMISED.findall(text):
            assert all(promised in printed for printed in outputs), (promised, outputs)
