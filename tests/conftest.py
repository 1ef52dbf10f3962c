"""What holds for all tests, on a busy machine and however they were started."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# Ctrl-C is what it is at a terminal: a shell has its background jobs ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Drawing takes as long as it takes where other programs run too.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


class Failures:
    """Shows what failed when it fails: a run that is ended from outside has no summary."""

    def __init__(self, terminal):
        self._terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self._terminal.ensure_newline()
            self._terminal.line(f"{report.when} of {report.nodeid} failed", red=True)
            self._terminal.line(report.longreprtext)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Failures(config.pluginmanager.getplugin("terminalreporter")))
