"""A batch in MessagePack says what the same document says in JSON, and is bounded before it is decoded."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot.errors import BatchError, WireError
from farshot.wire import (
    JobRequest,
    PartRequest,
    TemplateDocument,
    encode,
    is_brief,
    map_head,
    pack,
    read_packed,
    read_request,
)
from farshot.wire.piecewise import MAX_MEMBERS, MAX_NUMBERS, MAX_TEXT_LENGTH

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LABELLED = st.dictionaries(TEXTS, TEXTS, max_size=5)
NUMBERS = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.dictionaries(TEXTS, st.lists(NUMBERS, max_size=4), max_size=5)
RANGES = st.lists(st.lists(st.integers(-1, 2000) | st.just(2**40), max_size=4), max_size=4)
VALUES = {
    "circuits": LABELLED,
    "template": st.fixed_dictionaries({"source": TEXTS, "parameters": st.lists(TEXTS, max_size=3)}),
    "rows": ROWS,
    "shots": st.integers(-1, 2**70),
    "seed": st.integers(0, 2**63) | TEXTS | st.just("17"),
    "ham_ops": TEXTS,
    "circuit_ham_map": RANGES,
    "shot_groups": RANGES,
    "priority": st.integers(-5, 15),
    "timeout": st.floats(allow_nan=False, allow_infinity=False),
    "upload": st.booleans(),
    "unknown": TEXTS,
}
DOCUMENTS = st.fixed_dictionaries({}, optional=VALUES) | st.dictionaries(
    st.sampled_from([*VALUES]), st.one_of(*VALUES.values()), max_size=3
)


def said(read, body):
    """Return the document, or that it is refused."""
    try:
        return read(body, JobRequest)
    except (WireError, BatchError):
        return "refused"


@given(DOCUMENTS)
def test_a_document_says_the_same_in_both_forms(document):
    try:
        packed = msgspec.msgpack.encode(document)
    except OverflowError:  # MessagePack has no such number
        return
    assert said(read_packed, packed) == said(read_request, json.dumps(document).encode())


@given(LABELLED, ROWS, TEXTS)
def test_what_is_packed_is_what_is_read(circuits, rows, tag):
    request = JobRequest(circuits=circuits, rows=rows, tag=tag, template=TemplateDocument(tag, [tag]))
    assert read_packed(pack(request), JobRequest) == request
    assert read_request(encode(request), JobRequest) == request


def test_a_row_may_say_what_is_not_a_number():
    [row] = read_packed(pack(PartRequest(rows={"a": [math.nan, math.inf]})), PartRequest).rows.values()
    assert math.isnan(row[0])
    assert math.isinf(row[1])


def repeated(*members):
    """Return a map that has these members, given as pairs of packed bytes, one behind the other."""
    return map_head(len(members)) + b"".join(pack(name) + value for name, value in members)


BELL = pack("h q;")
TEMPLATE = (("source", BELL), ("parameters", pack([])))
TWICE = {
    "a label of circuits": repeated(("circuits", repeated(("a", BELL), ("b", BELL), ("a", BELL)))),
    "a label of rows": repeated(("rows", repeated(("a", pack([1.0])), ("a", pack([1.0]))))),
    "a member": repeated(("shots", pack(1)), ("shots", pack(1))),
    "a member that is null": repeated(("shots", pack(None)), ("shots", pack(1))),
    "a member of the template": repeated(("template", repeated(*TEMPLATE, *TEMPLATE))),
}


@pytest.mark.parametrize("name", TWICE)
def test_what_is_given_twice_is_refused(name):
    with pytest.raises(WireError, match="twice"):
        read_packed(TWICE[name], JobRequest)


def array(size, value=b"\xc0"):
    """Return an array of so many values, which are packed."""
    return b"\xdd" + size.to_bytes(4, "big") + value * size


LARGE = {
    "very many circuits": repeated(("circuits", array(MAX_MEMBERS + 1))),
    "very many ranges": repeated(("shot_groups", array(MAX_MEMBERS + 1, b"\x90"))),
    "a range of very many numbers": repeated(("circuit_ham_map", array(1, array(MAX_NUMBERS + 1, b"\x01")))),
    "rows of very many numbers": repeated(
        ("rows", repeated(*((f"r{number}", array(MAX_NUMBERS // 10, b"\x01")) for number in range(11))))
    ),
    "very many parameters": repeated(
        ("template", repeated(("source", BELL), ("parameters", array(MAX_MEMBERS + 1, b"\xa0"))))
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_no_request_can_need_is_refused_before_it_is_decoded(name):
    with pytest.raises(WireError, match="in one request"):
        read_packed(LARGE[name], JobRequest)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc0",
        b"\x90",
        b"\x80\x80",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 100_000,
        repeated(("tag", b"\x91" * 100_000 + b"\xc0")),
        repeated(("tag", b"\xa1\xff")),
        repeated(("circuits", repeated(("a", b"\xc4\x01h")))),
        repeated(("circuits", b"\xdf\xff\xff\xff\xff")),
        repeated(("rows", repeated(("a", b"\xdd\xff\xff\xff\xff")))),
        repeated(("template", b"\xdf\xff\xff\xff\xff")),
        b"\x81\x01\x02",
    ],
)
def test_a_body_that_is_not_one_document_is_refused(body):
    with pytest.raises(WireError):
        read_packed(body, JobRequest)


@given(st.binary(max_size=60), st.sampled_from(sorted(VALUES)))
def test_nothing_that_is_sent_is_another_error(noise, name):
    for body in (noise, repeated((name, noise)), repeated((name, repeated(("a", noise))))):
        said(read_packed, body)


@pytest.mark.parametrize("name", ["circuits", "template"])
def test_a_text_that_is_too_long_is_refused_by_name(name):
    long = "x" * (MAX_TEXT_LENGTH + 1)
    value = {"circuits": {"bell": long}, "template": {"source": long, "parameters": []}}[name]
    with pytest.raises(BatchError, match="circuit 'bell'" if name == "circuits" else "the source of the template"):
        read_packed(msgspec.msgpack.encode({name: value}), JobRequest)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"circuits": dict.fromkeys(map(str, range(2000)), "x" * 2000)}, True),
        ({"circuits": dict.fromkeys(map(str, range(2001)), "x")}, False),
        ({"circuits": {"a": "x"}, "ham_ops": "Z;" * 50_000}, False),
        ({"circuits": {"a": "x"}, "circuit_ham_map": [[0, 1]] * 50_000}, False),
        ({"template": {"source": "x", "parameters": ["a"]}, "rows": {str(n): [0.5] for n in range(20_000)}}, False),
    ],
    ids=["few and long", "many", "long observables", "many groups", "many rows"],
)
def test_a_batch_is_brief_by_what_it_holds(document, expected):
    assert is_brief(pack(document)) is expected


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91" * 100_000, pack({"nonsense": 1}), pack([1])])
def test_what_is_no_batch_is_refused_as_fast(data):
    assert is_brief(data)
    with pytest.raises(WireError):
        read_packed(data, JobRequest)
