"""A real service in a process of its own, for tests."""

import os
import re
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

from commands import KEPT, run, start

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
        self.environment = {**KEPT, "XDG_CONFIG_HOME": str(self.folder / "config")}
        self.process = None

    def start(self, before=()):
        arguments = self._of_store("serve", "--port", self.port, *self.arguments)
        with (self.folder / "serve.log").open("ab") as log, Path(os.devnull).open("rb") as nothing:
            streams = {"stdin": nothing, "stderr": log}
            self.process = start(*arguments, environment=self.environment, alone=True, before=before, **streams)
        for line in self.process.stdout:
            if found := _SERVES.search(line):
                self.url = found[1]
                return self
        raise AssertionError((self.folder / "serve.log").read_text())

    def run(self, *arguments):
        """Return what a command on the store of this service prints."""
        done = run(*self._of_store(*arguments), environment=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, name="ann", *arguments):
        return self.run("token", "create", name, *arguments).strip()

    def _of_store(self, *arguments):
        return [*arguments, "--data-dir", self.folder]

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

    def _of_store(self, *arguments):
        return [*arguments, "--store", self.store]


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
