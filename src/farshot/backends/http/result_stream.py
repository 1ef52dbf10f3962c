"""Results as they come in: frames of the service, decoded, each circuit once however often the stream breaks off."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from farshot.backends.background import SLICE, start
from farshot.backends.entries import failure_entry, part_entries
from farshot.backends.http.records import job_path
from farshot.backends.http.transport import ApiRequest, hang_up
from farshot.errors import ExecutionCancelledError, ServiceError
from farshot.wire import FRAMES, FrameReader, GapFrame, HeadFrame, PartFrame, TailFrame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from typing import TypeAlias

    from farshot.backends.http.transport import Resolver, Transport
    from farshot.backends.watch import Patience
    from farshot.model import Observables
    from farshot.wire import Frame

    Entries: TypeAlias = list[tuple[int, dict[str, Any]]]


_Item = TypeVar("_Item")

_AHEAD = 16
"""Parts that are read before somebody asks for them."""


class ResultStream:
    """Reads the results of one job, in a thread that may be told to stop."""

    def __init__(self, transport: Transport, job_id: str, *, follow: bool) -> None:
        """With `follow` the results come in order of time until the job has ended; else what there is, in order."""
        params = {"follow": "true"} if follow else {}
        self._ask = ApiRequest(
            method="GET", path=job_path(job_id, "results"), params=params, headers={"Accept": FRAMES}
        )
        self._transport = transport
        self._follow = follow
        self.observables: Observables | None = None
        """What values are values of, once the head of the stream has come."""
        self._seen: set[int] = set()
        self._response: httpx2.Response | None = None
        self.stop = threading.Event()

    def read(self) -> Iterator[Entries]:
        """Yield positions and entries; raises `ServiceError` where the service cannot be reached in time."""
        return map(self._entries, self.fresh())

    def fresh(self) -> Iterator[PartFrame | GapFrame]:
        """Yield the frames that hold circuits which had not come before; raises as `read`."""
        resolve, is_whole = self._transport.resolve(self.stop), False
        while not self.stop.is_set():
            try:
                for frame in self._frames(resolve):
                    resolve.renew()
                    is_whole = is_whole or self._is_last(frame)
                    if isinstance(frame, HeadFrame):
                        self.observables = frame.observables
                    elif isinstance(frame, PartFrame | GapFrame) and self._is_new(frame):
                        yield frame
                failure = ServiceError("the stream of results ended early, again and again")
            except httpx2.TransportError as error:
                failure = self._transport.failure(error)
            if is_whole:
                return
            resolve.pause(failure)

    def give_up(self) -> None:
        """End the reading from another thread."""
        self.stop.set()
        response = self._response
        if response is not None:
            hang_up(response)

    def _frames(self, resolve: Resolver) -> Iterator[Frame]:
        reader = FrameReader()
        with self._transport.stream(self._ask, resolve) as response:
            self._response = response
            for data in response.iter_bytes():
                resolve.check()
                yield from reader.feed(data)
            self._response = None

    def _is_last(self, frame: Frame) -> bool:
        return isinstance(frame, TailFrame) and (frame.status.is_terminal or not self._follow)

    def _entries(self, frame: PartFrame | GapFrame) -> Entries:
        if isinstance(frame, PartFrame):
            return list(part_entries(frame, self.observables))
        return list(enumerate((failure_entry(label, frame.fault) for label in frame.labels), frame.first))

    def _is_new(self, frame: PartFrame | GapFrame) -> bool:
        """Note the circuits of a frame; say whether they had not come before."""
        positions = range(frame.first, frame.first + len(frame.labels))
        if self._seen.issuperset(positions):
            return False
        self._seen.update(positions)
        return True


def flow(results: ResultStream, patience: Patience) -> Iterator[dict[str, Any]]:
    """Yield entries while another thread reads on ahead of them, as `read_ahead`."""
    for entries in read_ahead(results, results.read(), patience):
        yield from (entry for _, entry in entries)


def read_ahead(results: ResultStream, items: Iterator[_Item], patience: Patience) -> Iterator[_Item]:
    """Yield what is read from `results` while another thread reads on; whoever takes no more of it ends the reading."""
    read: queue.Queue[_Item | None] = queue.Queue(_AHEAD)
    reading = start(lambda: _pump(results.stop, items, read), name="farshot-results")
    try:
        while True:
            patience.check()
            try:
                item = read.get(timeout=SLICE)
            except queue.Empty:
                continue
            if item is None:
                _conclude(reading)
                return
            yield item
    finally:
        results.give_up()


def _pump(stop: threading.Event, items: Iterator[_Item], read: queue.Queue[_Item | None]) -> None:
    """Put the items into `read`, and None behind the last one, be it for an error."""
    try:
        for item in items:
            _put(stop, item, read)
    finally:
        _put(stop, None, read)


def _put(stop: threading.Event, item: _Item | None, read: queue.Queue[_Item | None]) -> None:
    while not stop.is_set():
        try:
            read.put(item, timeout=SLICE)
        except queue.Full:
            continue
        return


def _conclude(reading: Future[None]) -> None:
    """Raise what ended the reading early."""
    try:
        reading.result()
    except ExecutionCancelledError as error:
        message = "the backend was closed"
        raise ServiceError(message) from error
