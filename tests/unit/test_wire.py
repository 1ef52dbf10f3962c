import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot import wire
from farshot.contract import JobStatus
from farshot.errors import FaultCode, WireError
from farshot.model import CircuitResult, Counts, Fault, Observables, TermRange, encode_results
from farshot.wire import (
    FinalizeRequest,
    FrameReader,
    GapFrame,
    HeadFrame,
    JobDocument,
    JobRequest,
    PartFrame,
    PartRequest,
    TailFrame,
    encode,
    encode_frame,
    read_answer,
    read_request,
)

EXAMPLES = Path(__file__).parents[1] / "data" / "wire"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RESULT = CircuitResult(
    Counts(1, b"\0", (10).to_bytes(4, "little")), "prism", "stabilizer", exact=True, seed=1, shots=10, seconds=0.5
)
FRAMES = [
    HeadFrame(Observables((("ZZ",), ("XX", "YY")), (TermRange(0, 1, 1),))),
    PartFrame(0, 1, ("a",), encode_results([RESULT])),
    GapFrame(1, ("b", "c"), Fault(FaultCode.CANCELLED, "the job was cancelled before this circuit ran")),
    TailFrame(JobStatus.CANCELLED),
]


@given(st.dictionaries(TEXTS, TEXTS, max_size=5), TEXTS | st.none())
def test_what_is_sent_is_what_is_read(circuits, tag):
    request = JobRequest(circuits=circuits, tag=tag)
    assert read_request(encode(request), JobRequest) == request
    assert read_request(json.dumps({"circuits": circuits, "tag": tag}).encode(), JobRequest) == request


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6))
def test_a_label_given_twice_is_refused_and_nothing_else_is(pairs):
    members = ",".join(f"{json.dumps(label)}: {json.dumps(text)}" for label, text in pairs)
    body = f'{{"circuits": {{{members}}}}}'.encode()
    if len(dict(pairs)) == len(pairs):
        assert read_request(body, PartRequest).circuits == dict(pairs)
    else:
        with pytest.raises(WireError, match="circuits has a label or a member twice"):
            read_request(body, PartRequest)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"shots": 1, "shots": 2}', "a member twice"),
        (b'{"circuits": {}, "circuits": {"a": "b"}}', "a member twice"),
        (b'{"circuits": {"a": "b"}, "circuits": {}}', "a member twice"),
        (b'{"rows": {"a": [1], "a": [2]}}', "rows has a label or a member twice"),
        (b'{"template": {"source": "x", "source": "y", "parameters": []}}', "a member twice"),
        (b'{"shot": 1}', "unknown field `shot`"),
        (b'{"shots": "1"}', "Expected `int | null`"),
        (b'{"shots": 1.5}', "Expected `int | null`"),
        (b'{"rows": {"a": [NaN]}}', "malformed"),
        (b'{"circuits": {"a": 1}}', "Expected `str`"),
        (b'{"tag": "\\ud800"}', "cannot be read"),
        (b'{"tag": "\xff"}', "body cannot be read"),
        (b"[" * 100_000, "Expected `object`"),
        (b'{"circuits": ' + b'{"a": ' * 100_000, "body cannot be read"),
        (b"", "truncated"),
        (b"{} {}", "malformed"),
    ],
)
def test_a_body_that_is_not_one_document_is_refused(body, reason):
    with pytest.raises(WireError, match=reason):
        read_request(body, JobRequest)


def test_an_empty_finalize_asks_for_no_number():
    assert read_request(b"{}", FinalizeRequest).circuits is None


@given(st.lists(st.integers(1, 200), max_size=8))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sizes):
    stream = b"".join(map(encode_frame, FRAMES))
    reader, found = FrameReader(), []
    for size in sizes:
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert [*found, *reader.feed(stream)] == FRAMES


@pytest.mark.parametrize("stream", [b"\xff\xff\xff\xff", b"\x01\0\0\0\xc1", b"\x02\0\0\0\x91\xa1"])
def test_what_is_no_stream_of_frames_is_an_error(stream):
    with pytest.raises(WireError):
        list(FrameReader().feed(stream))


def test_an_answer_of_a_newer_service_is_read():
    document = json.loads((EXAMPLES / "job.1.json").read_text())
    assert read_answer(json.dumps(document | {"new": [1]}).encode(), JobDocument).job_id == document["job_id"]
    with pytest.raises(WireError):
        read_answer(b"<html>", JobDocument)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_documents_of_every_version_are_still_read(example):
    kind = {"job": JobDocument, "submit": JobRequest, "part": PartRequest}[example.name.partition(".")[0]]
    document = read_answer(example.read_bytes(), kind)
    assert json.loads(encode(document)).items() >= json.loads(example.read_bytes()).items()


def test_streams_of_every_version_are_still_read():
    assert list(FrameReader().feed((EXAMPLES / "results.1.bin").read_bytes())) == FRAMES


def test_every_document_has_its_say():
    kinds = [kind for kind in vars(wire).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    assert all(kind.__doc__ for kind in kinds)
