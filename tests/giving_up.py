"""Calls that somebody ends: how soon they do."""

import contextlib
import threading
import time

import pytest

import farshot

PROMPT = 0.1
"""Seconds within which an event is heeded."""


@contextlib.contextmanager
def later(seconds, action):
    """Do something in so many seconds; it is done when the block is left."""
    timer = threading.Timer(seconds, action)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def seconds_until_raised(event, delay, call):
    """Return how long after the event was set `call` raised, and what."""
    set_at = []

    def give_up():
        set_at.append(time.monotonic())
        event.set()

    with later(delay, give_up), pytest.raises(farshot.ExecutionCancelledError) as caught:
        call()
    return time.monotonic() - set_at[0], caught.value


def is_heeded(call):
    """Whether an event ends `call` in time; others use this machine too, so that one prompt try of four will do."""
    for _ in range(4):
        event = threading.Event()
        if seconds_until_raised(event, 0.4, lambda event=event: call(event))[0] < PROMPT:
            return True
    return False
