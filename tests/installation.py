"""Installs packages into an environment: `python installation.py INTERPRETER PACKAGES…`, with options that pip has too.

uv takes seconds where pip takes minutes, for it keeps unpacked what several environments have. It does not read the
settings of pip, such as an index of one's own: where uv finds no way, pip is asked. Like pip it trusts the certificates
of the system.
"""

import subprocess
import sys

_UV = ("-m", "uv", "pip", "install", "--quiet", "--system-certs", "--python")
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet", "--python")


def install(python, *what):
    """Install into the environment of an interpreter; nothing is compiled that is never imported."""
    if subprocess.run([sys.executable, *_UV, python, *what], check=False).returncode:
        subprocess.run([sys.executable, *_PIP, python, "install", "--no-compile", *what], check=True)


if __name__ == "__main__":
    install(*sys.argv[1:])
