"""What is read of a job's results is worked on while the rest is read."""

import threading

import pytest

from farshot.backends.http.result_stream import ResultStream, read_ahead
from farshot.backends.http.transport import Transport
from farshot.backends.watch import Patience
from farshot.errors import ServiceError

FOREVER = Patience(None, float("inf"))


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


def test_whoever_takes_no_more_ends_the_reading():
    results = nothing_asked()
    found = read_ahead(results, iter(range(1000)), FOREVER)
    assert next(found) == 0
    found.close()
    assert results.stop.is_set()
