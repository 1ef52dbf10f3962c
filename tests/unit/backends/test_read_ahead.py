"""What is read of a job's results is worked on while the rest is read."""

import threading
import time

import pytest

from farshot.backends.http.result_stream import ResultStream, read_ahead
from farshot.backends.http.transport import Transport
from farshot.backends.watch import WaitLimit
from farshot.errors import ServiceError

FOREVER = WaitLimit(None, float("inf"))


def nothing_asked():
    return ResultStream(Transport("http://127.0.0.1:9", "token", 1.0), "job", follow=False)


def test_the_first_is_there_before_the_last_is_read():
    seen = threading.Event()

    def read():
        yield "first"
        assert seen.wait(60)
        yield "last"

    found = read_ahead(nothing_asked(), read(), FOREVER)
    assert next(found) == "first"
    seen.set()
    assert list(found) == ["last"]


def test_what_ends_the_reading_comes_behind_what_was_read():
    def read():
        yield "first"
        message = "it is away"
        raise ServiceError(message)

    found = read_ahead(nothing_asked(), read(), FOREVER)
    assert next(found) == "first"
    with pytest.raises(ServiceError, match="away"):
        next(found)


@pytest.mark.timeout(60)
def test_the_end_of_what_is_read_is_seen_at_once(monkeypatch):
    """And not at the next look at an event: that made most of what one circuit takes over HTTP."""
    monkeypatch.setattr("farshot.backends.http.result_stream.CHECK_SECONDS", 600)
    asked = threading.Event()

    def read():
        yield "only"
        assert asked.wait(60)
        time.sleep(0.1)  # by then the end is waited for

    found = read_ahead(nothing_asked(), read(), FOREVER)
    assert next(found) == "only"
    asked.set()
    assert list(found) == []


def test_whoever_takes_no_more_ends_the_reading():
    results = nothing_asked()
    found = read_ahead(results, iter(range(1000)), FOREVER)
    assert next(found) == 0
    found.close()
    assert results.stop.is_set()
