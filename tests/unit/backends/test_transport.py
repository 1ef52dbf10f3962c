"""How a failing request is tried again."""

import random
import threading

import pytest

from farshot.backends.http.transport import Backoff
from farshot.errors import ExecutionCancelledError, ServiceError


def test_a_pause_leaves_the_random_numbers_of_the_program_alone():
    random.seed(7)
    expected = random.random()
    random.seed(7)
    Backoff(5.0, threading.Event()).pause(ServiceError("away"))
    assert random.random() == expected


def test_a_pause_ends_with_the_failure_once_the_time_is_over():
    with pytest.raises(ServiceError, match="away"):
        Backoff(0.0, threading.Event()).pause(ServiceError("away"))


def test_a_pause_ends_at_a_stop():
    stop = threading.Event()
    stop.set()
    with pytest.raises(ExecutionCancelledError):
        Backoff(5.0, stop).pause(ServiceError("away"))
