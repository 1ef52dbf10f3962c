import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot.model import Counts
from farshot.packing import pack, pack_bits, pack_mapping, tallies_of, unpack, word_bytes

EDGES = (1, 7, 8, 9, 12, 13, 16, 32, 63, 64, 65, 128, 300)


@st.composite
def some_counts(draw):
    width = draw(st.sampled_from(EDGES) | st.integers(1, 80))
    words = draw(st.lists(st.integers(0, 2**width - 1), min_size=1, max_size=20, unique=True))
    return width, {f"{word:0{width}b}": draw(st.integers(1, 2**32 - 1)) for word in words}


@given(some_counts())
def test_counts_come_back_ascending(drawn):
    width, counts = drawn
    assert list(unpack(pack_mapping(width, counts)).items()) == sorted(counts.items())


@given(some_counts())
def test_words_are_little_endian_and_bit_k_is_classical_bit_k(drawn):
    width, counts = drawn
    packed = pack_mapping(width, counts)
    size = word_bytes(width)
    found = [int.from_bytes(packed.words[at : at + size], "little") for at in range(0, len(packed.words), size)]
    assert found == sorted(int(key, 2) for key in counts)


@pytest.mark.parametrize(("width", "size"), [(0, 1), (8, 1), (9, 2), (17, 4), (33, 8), (64, 8), (65, 9), (65536, 8192)])
def test_word_sizes(width, size):
    assert word_bytes(width) == size


def test_no_classical_bits():
    assert unpack(pack_mapping(0, {"": 7})) == {"": 7}


def test_65536_bits():
    low, high = "0" * 65535 + "1", "1" + "0" * 65535
    assert unpack(pack_mapping(65536, {high: 1, low: 2})) == {low: 2, high: 1}


def test_the_layout_never_changes():
    assert pack_mapping(9, {"100000010": 3, "000000001": 258}) == Counts(9, b"\x01\x00\x02\x01", b"\x02\x01\x03\x00")


@pytest.mark.parametrize(("largest", "size"), [(255, 1), (256, 2), (65_535, 2), (65_536, 4), (2**32 - 1, 4)])
def test_tallies_are_as_narrow_as_the_largest(largest, size):
    packed = pack_mapping(70, {"0" * 70: 1, "1" * 70: largest})
    assert len(packed.tallies) == 2 * size
    assert list(unpack(packed).values()) == tallies_of(packed).tolist() == [1, largest]


def test_tallies_that_are_wider_than_they_need_be_are_read():
    assert unpack(Counts(2, b"\x01\x02", b"\x04\0\0\0\x05\0\0\0")) == {"01": 4, "10": 5}


def test_machine_words_need_no_mapping():
    assert unpack(pack(10, np.array([1, 512]), np.array([4, 5]))) == {"0000000001": 4, "1000000000": 5}


def test_bits_are_given_lowest_first():
    assert unpack(pack_bits(3, np.array([[1, 1, 0], [1, 0, 0]], np.uint8), np.array([4, 5]))) == {"001": 5, "011": 4}


def test_nothing_was_drawn():
    assert unpack(Counts(10, b"", b"")) == {}


def test_keys_of_another_width_are_refused():
    with pytest.raises(ValueError, match="reshape"):
        pack_mapping(3, {"01": 1})
