"""Results as a service sends them: decoded frames, each circuit once however often the stream breaks off."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from farshot.backends.background import start
from farshot.backends.entries import failure_entry, part_entries
from farshot.backends.http.records import job_path
from farshot.backends.http.transport import ApiRequest, hang_up
from farshot.backends.watch import CHECK_SECONDS
from farshot.errors import ExecutionCancelledError, ServiceError
from farshot.wire import FRAMES, FrameReader, GapFrame, HeadFrame, PartFrame, TailFrame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from farshot.backends.http.transport import Backoff, Transport
    from farshot.backends.watch import WaitLimit
    from farshot.model import Observables
    from farshot.wire import Frame


_Item = TypeVar("_Item")

_MAX_READ_AHEAD = 16
"""The number of items that are read before the caller takes them."""


class ResultStream:
    """Reads the results of one job, in a thread that another one can stop."""

    def __init__(self, transport: Transport, job_id: str, *, follow: bool) -> None:
        """With `follow` results come in order of time until the job has ended, else those so far by position."""
        params = {"follow": "true"} if follow else {}
        self._request = ApiRequest(
            method="GET", path=job_path(job_id, "results"), params=params, headers={"Accept": FRAMES}
        )
        self._transport = transport
        self._follow = follow
        self.observables: Observables | None = None
        """The observables of the job's values, once the head of the stream has come."""
        self._positions: set[int] = set()
        self._response: httpx2.Response | None = None
        self.stop = threading.Event()

    def entries(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the entries of each frame; raises as `frames`."""
        return map(self._entries_of, self.frames())

    def frames(self) -> Iterator[PartFrame | GapFrame]:
        """Yield the frames that have circuits which no frame had before; raises `ServiceError` if the service cannot
        be reached in time.
        """
        backoff, is_complete = self._transport.backoff(self.stop), False
        while not self.stop.is_set():
            try:
                for frame in self._received_frames(backoff):
                    backoff.reset()
                    if isinstance(frame, TailFrame):
                        is_complete = is_complete or frame.status.is_terminal or not self._follow
                    elif isinstance(frame, HeadFrame):
                        self.observables = frame.observables
                    elif self._add_positions(frame):
                        yield frame
                failure = ServiceError("the stream of results ended early, again and again")
            except httpx2.TransportError as error:
                failure = self._transport.failure(error)
            if is_complete:
                return
            backoff.pause(failure)

    def close(self) -> None:
        """End the stream, from any thread."""
        self.stop.set()
        response = self._response
        if response is not None:
            hang_up(response)

    def _received_frames(self, backoff: Backoff) -> Iterator[Frame]:
        reader = FrameReader()
        with self._transport.stream(self._request, backoff) as response:
            self._response = response
            for data in response.iter_bytes():
                backoff.check()
                yield from reader.feed(data)
            self._response = None

    def _entries_of(self, frame: PartFrame | GapFrame) -> list[dict[str, Any]]:
        if isinstance(frame, PartFrame):
            return [entry for _, entry in part_entries(frame, self.observables)]
        return [failure_entry(label, frame.fault) for label in frame.labels]

    def _add_positions(self, frame: PartFrame | GapFrame) -> bool:
        """Keep the positions of a frame; return whether one of them is new."""
        positions = range(frame.first, frame.first + len(frame.labels))
        if self._positions.issuperset(positions):
            return False
        self._positions.update(positions)
        return True


def read_ahead(results: ResultStream, items: Iterator[_Item], limit: WaitLimit) -> Iterator[_Item]:
    """Yield the items that another thread reads from `results` ahead; the end of the iteration closes `results`."""
    read: queue.Queue[_Item | None] = queue.Queue(_MAX_READ_AHEAD)
    reading = start(lambda: _read_into(read, items, results.stop), name="farshot-results")
    try:
        while True:
            limit.check()
            try:
                item = read.get(timeout=CHECK_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                _raise_failure(reading)
                return
            yield item
    finally:
        results.close()


def _read_into(read: queue.Queue[_Item | None], items: Iterator[_Item], stop: threading.Event) -> None:
    """Put the items into `read`, and None after the last one or an error."""
    try:
        for item in items:
            _put(read, item, stop)
    finally:
        _put(read, None, stop)


def _put(read: queue.Queue[_Item | None], item: _Item | None, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            read.put(item, timeout=CHECK_SECONDS)
        except queue.Full:
            continue
        return


def _raise_failure(reading: Future[None]) -> None:
    """Raise the error that ended the reading, if there is one."""
    try:
        reading.result()
    except ExecutionCancelledError as error:
        message = "the backend was closed"
        raise ServiceError(message) from error
