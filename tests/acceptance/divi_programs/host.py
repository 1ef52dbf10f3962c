"""Imports Divi and Farshot once, which takes seconds, and runs each program that is named to it in a process of its
own.

A line to it is JSON: the `program` and its `arguments`, the `folder` to run in, the `environment` to add, and the file
to `print` to. It answers with the program's exit status.
"""

import json
import os
import runpy
import sys
from importlib import import_module

IMPORTED = (
    "samples",
    "alembic.command",
    "alembic.ext.checkconstraint_byname",
    "farshot.runtime",
    "farshot.backends.local",
    "farshot.backends.remote",
    "farshot.integrations.divi.circuit_runner",
    "farshot.store",
    "httpcore2",
    "requests",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
"""What every program imports, and what its backend's libraries import when they are first used."""


def become(told):
    """Be the process of a program: in its folder, with its environment, arguments and output."""
    os.chdir(told["folder"])
    os.environ.update(told["environment"])
    sys.argv = [told["program"], *told["arguments"]]
    output = os.open(told["print"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


for name in IMPORTED:
    import_module(name)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        told = json.loads(line)
        become(told)
        runpy.run_path(told["program"], run_name="__main__")
        break
    sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
    sys.stdout.flush()
