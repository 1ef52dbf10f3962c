"""The real program in a process of its own, and what keeps it busy."""

import json
import time

from commands import KEPT, start

PATIENCE = 180
"""Seconds that something takes at most, however busy the machine is."""


class Farshot:
    """Runs `farshot` in `folder`, with a store of its own below it."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"FARSHOT_DATA_DIR": str(folder / "data"), "FARSHOT_CONFIG_DIR": str(folder / "config")}

    def start(self, *arguments, **environment):
        return start(*arguments, folder=self.folder, environment={**KEPT, **self.environment, **environment})

    def __call__(self, *arguments, text="", status=0, **environment):
        """Run to the end and return (stdout, stderr); `status` is the exit status expected."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(text, timeout=PATIENCE)
        assert process.returncode == status, f"{out}\n{err}"
        assert "Traceback" not in err
        return out, err

    def json(self, *arguments, **options):
        out, _ = self(*arguments, "--json", **options)
        return json.loads(out)

    def write(self, **circuits):
        for label, text in circuits.items():
            (self.folder / f"{label}.qasm").write_text(text, encoding="utf-8")


def heavy(qubits=20, layers=30):
    """Return a circuit of about a second."""
    lines = [f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{qubits}];\ncreg c[{qubits}];']
    for layer in range(layers):
        lines += [f"ry(0.{layer + 1}{qubit}) q[{qubit}];" for qubit in range(qubits)]
        lines += [f"cx q[{qubit}],q[{qubit + 1}];" for qubit in range(qubits - 1)]
    return "\n".join([*lines, "measure q -> c;"])


def wait_until(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.1)
