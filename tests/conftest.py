"""Ctrl-C is what it is at a terminal, however the tests were started: a shell has its background jobs ignore it."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
