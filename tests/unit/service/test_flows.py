"""What an answer that is made as it is read keeps."""

import weakref

from farshot.service.large_answers import LargeAnswer


def pieces():
    yield bytes(2**18)
    yield b"more"


def test_a_flow_that_is_closed_keeps_nothing_of_what_was_being_read():
    reading = pieces()
    seen = weakref.ref(reading)
    flow = LargeAnswer(reading)
    del reading
    assert len(flow.chunk()) == 2**18
    flow.close()
    assert seen() is None
    assert flow.chunk() == b""
