"""A real service in a process of its own, for tests."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

_SERVES = re.compile(r"serves at (http\S+)")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """`farshot serve` on one port and one folder; may be killed and started again."""

    def __init__(self, folder, *arguments):
        self.folder = Path(folder)
        self.port = free_port()
        self.arguments = arguments
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FARSHOT")}
        self.environment = {**kept, "XDG_CONFIG_HOME": str(self.folder / "config")}
        self.process = None

    def command(self, *arguments):
        return [sys.executable, "-m", "farshot", *arguments, "--data-dir", str(self.folder)]

    def serve_command(self):
        return self.command("serve", "--port", str(self.port), *self.arguments)

    def start(self, command=None):
        command = command or self.serve_command()
        log = (self.folder / "serve.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        for line in self.process.stdout:
            if found := _SERVES.search(line):
                self.url = found[1]
                return self
        raise AssertionError((self.folder / "serve.log").read_text())

    def token(self, name="ann", *arguments):
        command = self.command("token", "create", name, *arguments)
        made = subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)
        return made.stdout.strip()

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self._reap()

    def stop(self):
        self.process.terminate()
        self._reap()

    def _reap(self):
        self.process.stdout.close()
        self.process.wait(120)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


class StoreServer(Server):
    """A service that keeps its jobs in a database on a server; its log is in the folder."""

    def __init__(self, folder, store, *arguments):
        super().__init__(folder, *arguments)
        self.store = store

    def command(self, *arguments):
        return [sys.executable, "-m", "farshot", *arguments, "--store", self.store]


@contextmanager
def running_server(folder, *arguments):
    """Yield a service that keeps its jobs in `folder`."""
    server = Server(folder, *arguments)
    server.start()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
