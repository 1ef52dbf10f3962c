"""Another process accepts a job while its end is worked on here: what was asked for has happened."""

import base64
import gzip
import itertools
import threading
from types import SimpleNamespace

import pytest

from farshot.accounts import User
from farshot.errors import UploadError
from farshot.service import submissions
from farshot.service.context import Call, Limits
from farshot.service.divi import circuits, drafts
from farshot.service.divi.documents import AddRequest, InitRequest
from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.store.uploads import SqlUploads
from farshot.wire import JobRequest, PartRequest
from samples import BELL


class Overtaken(SqlUploads):
    """Uploads of a process that is slow: before it reads what a job was opened with, `overtake` is done."""

    def overtake(self):
        pass

    def options(self, job_id):
        self.overtake()
        return super().options(job_id)


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path))
    yield engine
    engine.dispose()


def call_of(engine, uploads, job_id=""):
    parts = SimpleNamespace(
        jobs=SqlStore(engine),
        uploads=uploads,
        limits=Limits(),
        targets=lambda: [SimpleNamespace(name="auto")],
    )
    locks = {}
    service = SimpleNamespace(parts=parts, lock_of=lambda name: locks.setdefault(name, threading.Lock()))
    return Call(service, SimpleNamespace(path_params={"job_id": job_id}), User("ann"))


def begin_upload(engine, uploads):
    record, _ = submissions.submit(call_of(engine, uploads), JobRequest(upload=True), None)
    call = call_of(engine, uploads, record.id)
    submissions.put(call, 0, PartRequest(circuits={"a": BELL}))
    return call


def test_a_job_that_another_process_accepts_meanwhile_is_accepted(engine):
    slow = Overtaken(engine)
    call = begin_upload(engine, slow)
    other = call_of(engine, SqlUploads(engine), call.job_id)
    slow.overtake = lambda: submissions.accept(other, 1)
    record = submissions.accept(call, 1)
    assert (record.uploading, record.circuits) == (False, 1)


def test_a_job_that_is_cancelled_meanwhile_is_not_accepted(engine):
    slow = Overtaken(engine)
    call = begin_upload(engine, slow)
    slow.overtake = lambda: call.parts.jobs.cancel(call.job_id)
    with pytest.raises(UploadError, match="CANCELLED"):
        submissions.accept(call, 1)


def last_call(label="a"):
    packed = base64.b64encode(gzip.compress(BELL.encode(), mtime=0)).decode()
    return AddRequest(circuits={label: packed}, finalized=True)


def overtaken_by(engine, document, reads):
    """Return a call on a job of Divi's API; another process sends the last circuits before it reads that often."""
    slow = Overtaken(engine)
    record = drafts.begin(call_of(engine, slow), InitRequest(job_type="EXECUTE"))
    other = call_of(engine, SqlUploads(engine), record.id)

    left = itertools.count(1)

    def overtake():
        if next(left) == reads:
            circuits.add(other, document)

    slow.overtake = overtake
    return call_of(engine, slow, record.id)


@pytest.mark.parametrize("reads", [1, 2])
def test_the_last_call_of_divi_that_another_process_takes_meanwhile_is_taken(engine, reads):
    call = overtaken_by(engine, last_call(), reads)
    record = circuits.add(call, last_call())
    assert (record.uploading, record.circuits) == (False, 1)


@pytest.mark.parametrize("reads", [1, 2])
def test_other_circuits_after_the_last_ones_are_refused(engine, reads):
    call = overtaken_by(engine, last_call("b"), reads)
    with pytest.raises(UploadError, match="takes no more circuits"):
        circuits.add(call, last_call())
