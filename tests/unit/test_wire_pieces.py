"""A large body is decoded piece by piece, and says what it would say as a whole."""

import json
import random

import msgspec
import pytest

from farshot.errors import WireError
from farshot.wire import JobRequest, PartRequest, read_request

SIGNS = ['"', "\\", "[", "]", "{", "}", ",", ":", " ", "\n", "é", "𝄞", "\u2028", "a", "\\u0022", '\\"', "],", '",']
LARGE = 200_000


def text(random, most):
    return "".join(random.choices(SIGNS, k=random.randrange(most)))


def large(random, member):
    """Return members, under labels of every kind, of more bytes than one piece has."""
    found, size = {}, 0
    while size < LARGE:
        label, value = f"{len(found)}{text(random, 8)}", member(random)
        found[label] = value
        size += len(label) + len(str(value))
    return found


ENDINGS = ['"x": 1}', '"x": ["y"]}', '"x": {"y": "z"}}', '"x": "y",}', '"x"}', '"x": "y"', '"x": "y"]', '"0": "again"}']
ENDINGS += ["}", '"x": "y"}, "shots": 1, "shots": 2', '"x": "y"}, "unknown": 1', '"x": "y"}}, {', '"x": "\ud800"}']
MEMBERS = {
    "circuits": [
        lambda random: text(random, 12),
        lambda random: text(random, 40_000),
        lambda _: "",
        lambda _: "\\" * 999,
    ],
    "rows": [
        lambda random: [random.random() for _ in range(random.randrange(5))],
        lambda random: [random.randrange(-9, 9)] * random.randrange(20_000),
        lambda _: [],
    ],
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kinds in MEMBERS.items() for kind in range(len(kinds))]
)
@pytest.mark.parametrize("indent", [None, 1])
def test_members_of_every_kind_are_read_as_a_whole_would_be(seed, name, kind, indent):
    body = {name: large(random.Random(seed), MEMBERS[name][kind])}
    data = json.dumps(body, indent=indent, ensure_ascii=bool(seed)).encode()
    assert read_request(data, PartRequest) == msgspec.json.decode(data, type=PartRequest)


@pytest.mark.parametrize("indent", [None, 1])
def test_lists_of_ranges_are_read_as_a_whole_would_be(indent):
    for name, width in (("circuit_ham_map", 2), ("shot_groups", 3)):
        body = {"circuits": {}, name: [[n] * (n % (width + 1)) for n in range(12_000)], "tag": "last"}
        data = json.dumps(body, indent=indent).encode()
        assert read_request(data, JobRequest) == msgspec.json.decode(data, type=JobRequest)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_wrong_anywhere_is_refused(ending):
    members = ",".join(f'"{number}": "{"z" * 50}"' for number in range(4000))
    data = f'{{"circuits": {{{members},{ending}}}'.encode("utf-8", "surrogatepass")
    with pytest.raises(WireError):
        read_request(data, JobRequest)
