"""A body is decoded straight where it holds few strings and in pieces where it holds many: both say the same."""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from farshot.errors import BatchError, WireError
from farshot.labels import MAX_SOURCE_BYTES
from farshot.wire import JobRequest, PartRequest, read_request
from farshot.wire.piecewise import MAX_TEXT_LENGTH, PIECE_BYTES, decode_text
from farshot.wire.strings import MAX_STRINGS_AT_ONCE, count_strings

CHARACTERS = [
    "a",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    " ",
    "é",
    "𝄞",
    r"\"",
    r"\\",
    r"\n",
    r"\u0022",
    r"\u00e9",
    r"\ud834\udd1e",
]
"""Of a string as it is written."""
STRINGS = st.lists(st.sampled_from(CHARACTERS), max_size=6).map("".join)
FILL = "x" * (PIECE_BYTES + 1)
FINE = ["", ', "shots": 3', ', "tag": "\\u0022"', ', "seed": 4 ']
FAULTS = [
    ', "circuits": {}',
    ', "shots": 1, "shots": 1',
    ', "unknown": "',
    ', "unknown": 1',
    ', "shots": "1"',
    ",",
    "}",
]


def reading(body):
    """Return what a body says, or that it is refused, and whether for a member that is there twice."""
    try:
        return read_request(body.encode(), JobRequest)
    except WireError as error:
        return "twice" if "twice" in str(error) else "refused"


def written(members):
    return ",".join(f'"{label}": "{text}"' for label, text in members)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(STRINGS, STRINGS), min_size=1, max_size=5), st.sampled_from(FINE + FAULTS))
def test_few_circuits_and_many_are_read_alike(members, ending):
    many = written((f"filler {number}", "") for number in range(MAX_STRINGS_AT_ONCE // 2 + 1))
    few = written([("filler", FILL)])
    found = [reading(f'{{"circuits": {{{written(members)},{filler}}}{ending}}}') for filler in (few, many)]
    kept = [
        {label: text for label, text in said.circuits.items() if not label.startswith("filler")}
        if isinstance(said, JobRequest)
        else said
        for said in found
    ]
    assert kept[0] == kept[1]
    labels = [json.loads(f'"{label}"') for label, _ in members]
    if ending in FINE:
        assert (kept[0] == "twice") == (len(set(labels)) < len(labels))
    else:
        assert isinstance(kept[0], str)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(STRINGS, STRINGS), min_size=1, max_size=5), st.sampled_from([1, 50, PIECE_BYTES]))
@example([("a", ""), ("a", r"\u0022" * 4)], PIECE_BYTES)
@example([("a", r"\"\""), ("a", r"\u0022" * 6)], PIECE_BYTES)
def test_a_label_given_twice_is_found_whatever_quotation_marks_are_around_it(members, size):
    labels = {json.loads(f'"{label}"') for label, _ in members}
    body = f'{{"circuits": {{{written(members)},"": "{"x" * size}"}}}}'
    if "" not in labels and len(labels) == len(members):
        assert len(read_request(body.encode(), PartRequest).circuits) == len(members) + 1
    else:
        with pytest.raises(WireError, match="circuits has a label or a member twice"):
            read_request(body.encode(), PartRequest)


@given(st.lists(STRINGS, max_size=20), st.sampled_from(["", "x" * 2**20, "\\\\" * 2**19, '\\"' * 2**19]))
@settings(max_examples=40, deadline=None)
def test_strings_are_counted_whatever_is_in_them(strings, long):
    text = json.dumps([json.loads(f'"{string}"') for string in strings])[:-1] + f'{"," if strings else ""}"{long}"]'
    assert count_strings(text.encode()) == len(strings) + 1


LARGE = {
    "a row of very many numbers": b'{"rows": {"a": [%b1]}}' % (b"1," * 2_000_001),
    "rows of very many numbers": b'{"rows": {%b}}' % b",".join(b'"%d": [%b1]' % (n, b"1," * 9_999) for n in range(201)),
    "very many nulls": b'{"rows": {"a": [%b1]}}' % (b"null," * 2_000_001),
    "a group of very many numbers": b'{"shot_groups": [[%b1]]}' % (b"1000," * 100_000),
    "numbers of very many digits": b'{"shot_groups": [[%b1]]}' % ((b"1" * 4000 + b",") * 100),
    "a number of very many digits": b'{"timeout": 0.%b}' % (b"1" * 2**20),
    "very many unknown members": b"{%b}" % b",".join(b'"m%d": 1' % n for n in range(100_000)),
    "one member very many times": b"{%b}" % b",".join([b'"shots": 1'] * 100_000),
    "very many strings": b'{"circuits": ["a"%b]}' % (b',"a"' * 1_100_000),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_no_request_can_need_is_refused_before_it_is_decoded(name):
    with pytest.raises(WireError):
        read_request(LARGE[name], JobRequest)


def test_a_row_may_hold_as_many_numbers_as_a_template_may_have_parameters():
    body = b'{"rows": {"a": [%b1], "b": [null, 2]}}' % (b"0," * (2**20 - 1))
    rows = read_request(body, PartRequest).rows
    assert (len(rows["a"]), rows["a"][-1], rows["b"]) == (2**20, 1.0, [None, 2.0])


def test_a_long_text_is_read_whatever_is_around_it():
    template = {"source": '"\\' * PIECE_BYTES, "parameters": [f"p{number}" for number in range(30_000)]}
    body = {"template": template, "tag": "é" * PIECE_BYTES, "ham_ops": "Z" * 2**21}
    assert read_request(json.dumps(body).encode(), JobRequest).ham_ops == body["ham_ops"]
    assert read_request(json.dumps(body).encode(), JobRequest).template.source == template["source"]


@given(st.lists(st.sampled_from(CHARACTERS), max_size=60).map("".join), st.integers(16, 40))
def test_a_text_is_the_same_in_pieces_wherever_these_are_cut(written, size):
    assert decode_text(memoryview(f'"{written}"'.encode()), "it", size) == json.loads(f'"{written}"')


@pytest.mark.parametrize(
    "letters", ["a", "é", "€", "𝄞", r"\n", r"\u00e9", r"\ud834\udd1e", "\\\\", r"\"", "a𝄞", r"a\ud834\udd1e"]
)
def test_long_texts_are_read_as_a_whole_would_be(letters):
    long = letters * (5 * 2**20 // len(letters.encode()))
    body = f'{{"circuits": {{"a": "{long}", "b": "", "{letters}b": "c"}}, "tag": "{long}"}}'.encode()
    assert read_request(body, JobRequest) == msgspec.json.decode(body, type=JobRequest)
    template = f'{{"template": {{"source": "{long}", "parameters": ["a"]}}}}'.encode()
    assert read_request(template, JobRequest) == msgspec.json.decode(template, type=JobRequest)


@pytest.mark.parametrize("fault", ["\\x", r"\ud834", r"\udd1e", r"\u12", "\n"])
@pytest.mark.parametrize("before", [2**20 - 3, 2**22 - 3, 2**22 + 9])
def test_a_fault_in_a_long_text_is_found(fault, before):
    body = f'{{"circuits": {{"a": "{"x" * before}{fault}{"x" * 2**20}"}}}}'.encode()
    with pytest.raises(WireError):
        read_request(body, JobRequest)


def test_a_long_text_that_is_no_text_is_refused():
    for value in ("[%s1]" % ("1," * 2**22), '{"a": "%s"}' % ("x" * 2**23)):
        with pytest.raises(WireError):
            read_request(f'{{"circuits": {{"a": {value}}}}}'.encode(), JobRequest)


def test_a_text_may_be_as_long_as_that_of_a_circuit():
    assert MAX_TEXT_LENGTH == MAX_SOURCE_BYTES
    fine = b'{"circuits": {"a": "%b"}}' % (b"x" * MAX_TEXT_LENGTH)
    assert len(read_request(fine, JobRequest).circuits["a"]) == MAX_TEXT_LENGTH
    with pytest.raises(BatchError, match="circuit 'a' has 8,388,609 characters; the limit is 8,388,608"):
        read_request(fine.replace(b"xx", b"xxx", 1), JobRequest)
